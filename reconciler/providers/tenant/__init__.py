"""The provider for the contract of schemas/openapi.json.

Entry point: `provider.TenantProvider`.
"""
