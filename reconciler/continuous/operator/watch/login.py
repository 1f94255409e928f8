"""How kopf reaches the API server: by the same settings as the client."""

from __future__ import annotations

import kopf

from reconciler.continuous.operator.api import Access


async def log_in(access: Access) -> kopf.ConnectionInfo:
    """The connection, with the token as it is now: the one of a pod is renewed each hour."""
    settings = await access.load()
    scheme, _, token = (settings.api_key.get("BearerToken") or "").partition(" ")
    return kopf.ConnectionInfo(
        server=settings.host or "",
        ca_path=settings.ssl_ca_cert,
        insecure=not settings.verify_ssl,
        scheme=scheme or None,
        token=token or None,
        certificate_path=settings.cert_file,
        private_key_path=settings.key_file,
    )
