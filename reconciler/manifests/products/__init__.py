"""Product files that come with the reconciler."""
