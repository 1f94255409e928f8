"""What a Git repository is called: `host/path`, equal however its remote is written; without user,
password, token and port.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, urlsplit

from reconciler.core.model import limits

_SCHEMES: Final = frozenset(
    {"http", "https", "ssh", "git", "git+ssh", "ssh+git", "git+http", "git+https", "ftp", "ftps"}
)
_SHORT: Final = re.compile(
    r"(?:[^@/]*@)?(?P<host>\[[^\]/]+\]|[^:/@\[\]]{2,}):(?!:)(?P<path>.*)", re.DOTALL
)  # user@host:path
_PLAIN: Final = re.compile(r"(?P<host>[^/:@]+|\[[^\]/]+\])/(?P<path>.*)", re.DOTALL)  # host/path
# what RFC 3986 lets stand in a path; with @ it is no repository: a password may hold a slash
_PATH: Final = "%!$&'()*+,;=:@/~"


def of_remote(url: str) -> str | None:
    """`host/path` of a remote's url, equal however it is written; None for a local path and for
    what names no host.
    """
    scheme, sign, _ = url.partition("://")
    if sign:
        return _of_url(url) if scheme.lower() in _SCHEMES else None
    found = _SHORT.fullmatch(url)
    return None if found is None else _joined(found["host"].strip("[]"), found["path"])


def named(text: str) -> str | None:
    """The same of what a person writes: `host/path`, or a remote's url; None for what is
    neither.
    """
    plain = _PLAIN.fullmatch(text)
    return of_remote(text) if plain is None else _joined(plain["host"].strip("[]"), plain["path"])


def _of_url(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        return _joined(parts.hostname or "", parts.path)
    except ValueError:
        return None


def _joined(host: str, path: str) -> str | None:
    """Host in small letters, path without empty steps and `.git`; None where the two make no
    repository.
    """
    steps = [step for step in path.split("/") if step]
    if steps:
        steps[-1:] = filter(None, [steps[-1].removesuffix(".git")])
    address = f"[{host}]" if ":" in host else host.rstrip(".")
    made = f"{address.lower()}/{quote('/'.join(steps), safe=_PATH, errors='replace')}"
    return None if limits.repository(made) else made
