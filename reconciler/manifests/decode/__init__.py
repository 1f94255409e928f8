"""Checked documents to declared webhooks: references, events, patches, the rules across documents.

Knows no files beyond their names. Entry points: `views.drafts`, `loaded.Manifests`.
"""
