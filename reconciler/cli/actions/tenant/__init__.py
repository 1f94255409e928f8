"""What the commands about the embedded tenant do."""
