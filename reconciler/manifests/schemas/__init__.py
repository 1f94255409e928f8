"""JSON Schema of manifests, and its faults in words for people.

Knows no webhooks. Entry points: `schema.check`, `fields`.
"""
