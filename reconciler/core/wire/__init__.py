"""Webhooks as JSON-ready dicts of the tenant's contract, for the client and the embedded tenant.

Knows no HTTP. Entry points: `webhooks` (both directions), `retry_after`.
"""
