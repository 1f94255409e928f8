"""What Git says of the manifests: earlier revisions, evidence of removal, the repository.

Knows no tenant. Entry points: `since`, `evidence`, `repository`.
"""
