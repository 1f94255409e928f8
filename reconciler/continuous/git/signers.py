"""Whose signatures count: a file of the operator, outside of the repository."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from reconciler.core.errors import BadRequest

_SIZE: Final = 4 * 1024 * 1024  # bytes
_PUBLIC: Final = b"-----BEGIN PGP PUBLIC KEY BLOCK-----"
_PRIVATE: Final = b"-----BEGIN PGP PRIVATE KEY BLOCK-----"
_SSH_KEY: Final = re.compile(
    r"(?:^|[ \t])(?P<type>(?:sk-)?(?:ssh|ecdsa)-\S+)[ \t]+(?P<key>[A-Za-z0-9+/]+=*)(?=[ \t]|$)"
)


@dataclass(frozen=True, slots=True)
class AllowedSigners:
    """The keys of a file, as they were when it was read. Each key in it is trusted, and no other.

    `ssh` is the format of OpenSSH's allowed_signers: any principal counts; its options
    `namespaces`, `valid-after` and `valid-before` apply. `openpgp` is an exported public key, or
    several.
    """

    name: str  # of the file
    kind: Literal["ssh", "openpgp"]
    data: bytes = field(repr=False)
    fingerprints: frozenset[str] = field(default=frozenset(), repr=False)  # of SSH keys

    @classmethod
    def read(cls, path: Path) -> AllowedSigners:
        """Raises BadRequest with the line that is wrong. OpenPGP keys are read by gpg, later."""
        try:
            with path.open("rb") as file:
                data = file.read(_SIZE + 1)
        except OSError as error:
            raise BadRequest(f"--verify {path}: cannot be read: {error.strerror}") from None
        if len(data) > _SIZE:
            raise BadRequest(f"--verify {path}: has over {_SIZE // 1024 // 1024} MiB")
        if _PRIVATE in data:
            raise BadRequest(f"--verify {path}: has a private key; export the public one")
        if _PUBLIC in data:
            return cls(str(path), "openpgp", data)
        return cls(str(path), "ssh", data, _read_ssh_keys(path, data))


def _read_ssh_keys(path: Path, data: bytes) -> frozenset[str]:
    """The fingerprints of all keys; raises BadRequest."""
    fingerprints = set()
    for number, line in enumerate(data.decode(errors="replace").splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        found = _SSH_KEY.search(text)
        fingerprint = _make_fingerprint(found["type"], found["key"]) if found else None
        if found is None or found.start() == 0 or fingerprint is None:
            raise BadRequest(
                f"--verify {path}:{number}: is neither a line of OpenSSH's allowed_signers "
                "(expected user@example.com ssh-ed25519 AAAA…) nor a part of an OpenPGP public key"
            )
        fingerprints.add(fingerprint)
    if not fingerprints:
        raise BadRequest(f"--verify {path}: lists no key")
    return frozenset(fingerprints)


def _make_fingerprint(kind: str, key: str) -> str | None:
    """As ssh-keygen prints it; None if the key is not of that type."""
    try:
        blob = base64.b64decode(key, validate=True)
    except binascii.Error:
        return None
    if not blob.startswith(len(kind).to_bytes(4, "big") + kind.encode()):
        return None
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
