"""What `import reconciler` offers."""
