"""What of TLS failed, in causes of the closed list; and a second look at an endpoint that hung up
without a word.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Final

import httpcore

from reconciler.core.results.cause import Cause

SECONDS: Final = 1.0  # how long a second look may take
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


def tls_cause(error: BaseException) -> Cause | None:
    """What of TLS failed, None if it was not TLS."""
    at: BaseException | None = error
    while at is not None:
        if isinstance(at, ssl.SSLCertVerificationError):
            wrong_time = Cause.TLS_EXPIRED if at.verify_code in _WRONG_TIME else Cause.TLS_UNTRUSTED
            return Cause.TLS_OTHER_NAME if at.verify_code in _OTHER_NAME else wrong_time
        if isinstance(at, ssl.SSLError):
            return _REASONS.get(at.reason or "", Cause.TLS_FAILED)
        at = at.__cause__ or at.__context__
    return None


async def second_look(
    backend: httpcore.AsyncNetworkBackend, context: ssl.SSLContext, url: httpcore.URL
) -> Cause | None:
    """Connects once more, sends nothing, and listens for up to a second; None if the endpoint has
    nothing to say of TLS.

    In TLS 1.3 a server that misses the client's certificate says so after the handshake, and the
    request that is already on its way makes the system drop that answer.
    """
    host = url.host.decode("ascii")
    port = url.port or 443
    try:
        async with asyncio.timeout(SECONDS):
            plain = await backend.connect_tcp(host, port, SECONDS)
            stream = await plain.start_tls(context, host.strip("[]"), SECONDS)
            try:
                await stream.read(1)
            finally:
                await stream.aclose()
    except (
        OSError,
        httpcore.NetworkError,
        httpcore.TimeoutException,
    ) as error:  # a guard that stops it says nothing of TLS
        return tls_cause(error)
    return None
