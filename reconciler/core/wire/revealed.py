"""Reveals secrets while a request is serialised or its signature is made, so that the code around
it never holds plain text.

One of the places that reveal secrets; docs/security.md lists them.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from reconciler.core.model.secret import Secret


def plain(value: Any) -> Any:
    """A JSON value with every `Secret` in it as its text; raises ValueError for one that did not
    resolve.
    """
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def authorization(token: Secret, header: str, prefix: str, *, pair: bool = False) -> dict[str, str]:
    """The header that authenticates us at a product, such as `Authorization: Bearer …` (RFC 6750).

    A `pair` is `user:password` and is encoded (RFC 7617). Raises ValueError, without the value, for
    an unusable token.
    """
    text = token.reveal()
    if not text or not all("!" <= char <= "~" for char in text):
        raise ValueError("it must be printable ASCII without spaces, on one line")
    if pair and ":" not in text:
        raise ValueError("it must be user:password")
    return {header: f"{prefix}{b64encode(text.encode()).decode() if pair else text}"}


def make_mac(key: Secret, text: bytes, *, is_encoded: bool = False) -> bytes:
    """The HMAC-SHA256 of a text. An encoded key is base64, with or without `whsec_` before it.

    Raises ValueError, without the value, for a key that did not resolve or does not decode.
    """
    import hmac  # noqa: PLC0415  it loads OpenSSL, which `validate` does without

    plain_key = key.reveal()
    if not is_encoded:
        return hmac.digest(plain_key.encode(errors="surrogatepass"), text, "sha256")
    try:
        decoded = b64decode(plain_key.removeprefix("whsec_"), validate=True)
    except ValueError:
        raise ValueError("the key must be base64") from None
    return hmac.digest(decoded, text, "sha256")
