"""What a person sees: streams, progress, log lines, signals, the one error handler."""
