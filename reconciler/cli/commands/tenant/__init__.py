"""`reconciler tenant`: a group of commands for the embedded tenant."""
