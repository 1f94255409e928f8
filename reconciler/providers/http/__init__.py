"""The HTTP client that providers share: retries, limits, answers to errors.

Knows no product. Entry point: `client.Client`.
"""
