"""Credentials at rest: AES-256-GCM, each value bound to its webhook and field; keyed hashes for
cursors and bodies.

Protects a copied database file, not a copied folder: the key lies beside it unless it is given from
outside. Text to encrypt comes straight from a request's body; decrypting gives a Secret, never
text.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from reconciler.core.errors import StoreError
from reconciler.core.model.secret import Secret

NONCE: Final = 12  # bytes
SHORTEST: Final = 16  # characters of a key that is given from outside


def _derive_key(text: str, purpose: bytes) -> bytes:
    return HKDF(SHA256(), 32, None, b"reconciler tenant " + purpose).derive(
        text.encode("utf-8", "surrogateescape")
    )


class Unreadable(StoreError):
    """A stored credential that was sealed under another key, or for another webhook or field."""


class Vault:
    """Seals and opens credentials under one key; the key's text stays in here."""

    __slots__ = ("_cipher", "_mac")

    def __init__(self, text: str) -> None:
        """`text` is the key as the file or the variable holds it; both keys are derived from it."""
        self._cipher = AESGCM(_derive_key(text, b"credentials"))
        self._mac = _derive_key(text, b"hashes")

    def seal(self, webhook_id: str, field: str, raw: str) -> bytes:
        """The ciphertext of a credential, bound to its webhook and field."""
        return self._encrypt(webhook_id, field, raw.encode())

    def open(self, webhook_id: str, field: str, sealed: bytes) -> Secret:
        """The credential as a Secret; raises Unreadable for a ciphertext of another key, webhook or
        field.
        """
        return Secret(
            self._decrypt(webhook_id, field, sealed).decode(), reference="stored at the tenant"
        )

    def reseal(self, before: str, after: str, field: str, sealed: bytes) -> bytes:
        """The same credential, bound to `after` instead of `before`: from a draft to its webhook.
        Raises as `open`.
        """
        return self._encrypt(after, field, self._decrypt(before, field, sealed))

    def _encrypt(self, webhook_id: str, field: str, raw: bytes) -> bytes:
        nonce = os.urandom(NONCE)
        return nonce + self._cipher.encrypt(nonce, raw, f"{webhook_id}\0{field}".encode())

    def _decrypt(self, webhook_id: str, field: str, sealed: bytes) -> bytes:
        try:
            return self._cipher.decrypt(
                sealed[:NONCE], sealed[NONCE:], f"{webhook_id}\0{field}".encode()
            )
        except (InvalidTag, ValueError):
            raise Unreadable("a stored credential cannot be decrypted") from None

    def compute_mac(self, purpose: str, data: bytes) -> bytes:
        """A keyed hash of 32 bytes; `purpose` keeps the uses apart."""
        return hmac.new(self._mac, purpose.encode() + b"\0" + data, hashlib.sha256).digest()


def locate_key(database: str) -> Path:
    """Where the key of a database lies: beside the file itself, also where the database is named by
    a link.
    """
    return Path(os.path.realpath(database) + ".key")


def check_key(text: str) -> str:
    """A key from outside, checked; raises StoreError when it is too short."""
    if len(text) < SHORTEST:
        raise StoreError(f"RECONCILER_TENANT_KEY must have at least {SHORTEST} characters")
    return text


def read_key(path: Path) -> str | None:
    """The key in a file, None where there is none; raises StoreError for one that cannot be
    read.
    """
    try:
        text = path.read_text("ascii").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeError):
        raise StoreError(f"{path}: the key cannot be read") from None
    if len(text) < SHORTEST:
        raise StoreError(f"{path}: holds no key")
    return text


def make_key(path: Path) -> str:
    """A new key of 256 bits, stored with mode 0600; raises StoreError."""
    text = secrets.token_urlsafe(32)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(handle)
    except OSError as error:
        raise StoreError(
            f"{path}: the key cannot be written: {os.strerror(error.errno or 0)}"
        ) from None
    return text
