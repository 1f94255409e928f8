"""Changes to manifests that keep a person's layout and comments, and new manifests.

Knows no tenant. Entry points: `edits`, `write`.
"""
