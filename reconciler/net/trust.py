"""Which certificate authorities are trusted: the machine's, and those of `--ca-file` beside
them.
"""

from __future__ import annotations

import os
import ssl

from reconciler.core.errors import BadRequest


def check_ca_file(path: str) -> None:
    """Reads the file as a connection would; raises BadRequest."""
    make_context(path, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


def make_context(ca_file: str | None, context: ssl.SSLContext | None = None) -> ssl.SSLContext:
    """A context that trusts the authorities of that PEM file too; by default beside the machine's.
    Raises BadRequest.

    The machine's are what OpenSSL finds: SSL_CERT_FILE and SSL_CERT_DIR replace them.
    """
    new_context = context if context is not None else ssl.create_default_context()
    if ca_file is not None:
        try:
            new_context.load_verify_locations(cafile=ca_file)
        except ssl.SSLError:
            raise BadRequest(
                f"{ca_file}: holds no certificate; give a file of certificates in PEM"
            ) from None
        except (OSError, ValueError) as error:
            reason = (
                os.strerror(error.errno)
                if isinstance(error, OSError) and error.errno
                else "not a path"
            )
            raise BadRequest(
                f"{ca_file}: cannot be read ({reason}); give a file of certificates in PEM"
            ) from None
    return new_context
