"""The handlers of the HTTP API and its OpenAPI document.

Knows no SQL. Entry point: `endpoint`.
"""
