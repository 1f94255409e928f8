"""The project and group webhooks of GitLab."""
