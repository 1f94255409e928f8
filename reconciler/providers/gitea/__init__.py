"""The repository and organisation webhooks of Gitea and Forgejo."""
