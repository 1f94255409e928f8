"""TLS failures as causes of the closed list; and a probe of an endpoint that closed the connection
without an error.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Final

import httpcore

from reconciler.core.results.cause import Cause

SECONDS: Final = 1.0  # seconds that a probe may take
_OTHER_NAME: Final = frozenset(
    {62, 64}
)  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
_WRONG_TIME: Final = frozenset(
    {9, 10}
)  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED
_REASONS: Final = {  # by OpenSSL's own names
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": Cause.TLS_CLIENT_CERTIFICATE,
    "SSLV3_ALERT_BAD_CERTIFICATE": Cause.TLS_CLIENT_CERTIFICATE,
    "SSLV3_ALERT_NO_CERTIFICATE": Cause.TLS_CLIENT_CERTIFICATE,
    "SSLV3_ALERT_HANDSHAKE_FAILURE": Cause.TLS_REFUSED,
    "WRONG_VERSION_NUMBER": Cause.TLS_NOT_SPOKEN,
    "HTTP_REQUEST": Cause.TLS_NOT_SPOKEN,
}


def find_tls_cause(error: BaseException) -> Cause | None:
    """The cause of a TLS failure, None if it was not TLS."""
    current: BaseException | None = error
    while current is not None:
        if isinstance(current, ssl.SSLCertVerificationError):
            wrong_time = (
                Cause.TLS_EXPIRED if current.verify_code in _WRONG_TIME else Cause.TLS_UNTRUSTED
            )
            return Cause.TLS_OTHER_NAME if current.verify_code in _OTHER_NAME else wrong_time
        if isinstance(current, ssl.SSLError):
            return _REASONS.get(current.reason or "", Cause.TLS_FAILED)
        current = current.__cause__ or current.__context__
    return None


async def probe_tls(
    backend: httpcore.AsyncNetworkBackend, context: ssl.SSLContext, url: httpcore.URL
) -> Cause | None:
    """Connects once more, sends nothing, and waits up to a second; None if there is no TLS error.

    In TLS 1.3 a server that requires a client certificate reports it after the handshake, and the
    request that is already on its way makes the system drop that answer.
    """
    host = url.host.decode("ascii")
    port = url.port or 443
    try:
        async with asyncio.timeout(SECONDS):
            connection = await backend.connect_tcp(host, port, SECONDS)
            stream = await connection.start_tls(context, host.strip("[]"), SECONDS)
            try:
                await stream.read(1)
            finally:
                await stream.aclose()
    except (
        OSError,
        httpcore.NetworkError,
        httpcore.TimeoutException,
    ) as error:  # a connection that the guard stops has no TLS error
        return find_tls_cause(error)
    return None
