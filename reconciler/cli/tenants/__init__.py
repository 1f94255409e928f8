"""A command over all Tenant manifests: turns, waves, approvals."""
