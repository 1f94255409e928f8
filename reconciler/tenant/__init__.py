"""The embedded tenant: the contract of schemas/openapi.json over SQLite."""
