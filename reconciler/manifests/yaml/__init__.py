"""The strict YAML reader: bytes -> documents with the position of each value.

Knows no kinds and no schema. Entry point: `reader.read_documents`.
"""
