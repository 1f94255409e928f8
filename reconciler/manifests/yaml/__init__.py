"""The strict YAML reader: bytes to documents that know the place of each value.

Knows no kinds and no schema. Entry point: `read.read`.
"""
