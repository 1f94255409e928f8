"""The embedded tenant: the project's own contract (tenant-api.md) over SQLite. Imported by `cli` only."""
