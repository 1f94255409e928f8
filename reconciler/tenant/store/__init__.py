"""The SQLite file: opening, schema, writer, backup, encryption. SQL stands here and in `rows`.

Knows no HTTP. Entry point: `store.open_store`.
"""
