"""Webhooks and event subscriptions as YAML in Git, reconciled against a live tenant."""

__version__ = "0.1.0"
