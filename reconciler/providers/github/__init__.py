"""The repository and organisation webhooks of GitHub."""
