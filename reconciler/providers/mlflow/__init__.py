"""The model registry webhooks of MLflow."""
