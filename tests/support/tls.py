"""The receiver behind TLS, with an authority of the test's own: a good certificate, one for another
name, an expired one.

with TlsReceiver(Authority()) as receiver: ...            # good for localhost and 127.0.0.1
Sender(policy, tls=authority.trust())                     # trusts it; without `tls` it is not
trusted
"""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import trustme

from tests.support.receiver import Receiver


class Authority:
    """A certificate authority that only this test trusts."""

    def __init__(self) -> None:
        self._ca = trustme.CA()

    def trust(self) -> ssl.SSLContext:
        """A client's context that trusts this authority alone."""
        context = ssl.create_default_context(cadata=self._ca.cert_pem.bytes().decode("ascii"))
        assert context.verify_mode is ssl.CERT_REQUIRED
        return context

    def pem(self) -> bytes:
        """The authority's certificate, for SSL_CERT_FILE of a process."""
        return self._ca.cert_pem.bytes()

    def write(self, path: Path, *names: str) -> None:
        """A file of a certificate for these names, with its key and chain, for a server in another
        process.
        """
        path.write_bytes(self._ca.issue_cert(*names).private_key_and_cert_chain_pem.bytes())

    def server(self, *names: str, expired: bool = False) -> ssl.SSLContext:
        """A server's context with a certificate for these names."""
        over = datetime.now(UTC) - timedelta(days=1) if expired else None
        begun = over - timedelta(days=1) if over is not None else None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(*names, not_before=begun, not_after=over).configure_cert(context)
        return context


class TlsReceiver(Receiver):
    """A Receiver behind TLS at `https://localhost`; `names` are what its certificate is for.

    `client_certificate`: it wants one of the authority's, and speaks that version of TLS alone.
    """

    scheme, host = "https", "localhost"

    def __init__(
        self,
        authority: Authority,
        *names: str,
        expired: bool = False,
        client_certificate: ssl.TLSVersion | None = None,
    ) -> None:
        context = authority.server(*(names or ("localhost", "127.0.0.1")), expired=expired)
        if client_certificate is not None:
            context.minimum_version = context.maximum_version = client_certificate
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cadata=authority.pem().decode("ascii"))
        super().__init__(
            partial(context.wrap_socket, server_side=True, do_handshake_on_connect=False)
        )
