"""The name of a Git repository: `host/path`, equal for all forms of its remote's url; without user,
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


def parse_remote(url: str) -> str | None:
    """`host/path` of a remote's url; None for a local path and for a text without host."""
    scheme, sign, _ = url.partition("://")
    if sign:
        return _parse_url(url) if scheme.lower() in _SCHEMES else None
    match = _SHORT.fullmatch(url)
    return None if match is None else _make_repository(match["host"].strip("[]"), match["path"])


def parse_repository(text: str) -> str | None:
    """`host/path` of a text that a person wrote: `host/path`, or a remote's url; None for other
    texts.
    """
    plain = _PLAIN.fullmatch(text)
    return (
        parse_remote(text)
        if plain is None
        else _make_repository(plain["host"].strip("[]"), plain["path"])
    )


def _parse_url(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        return _make_repository(parts.hostname or "", parts.path)
    except ValueError:
        return None


def _make_repository(host: str, path: str) -> str | None:
    """Host in lower case, path without empty steps and `.git`; None if the result is no
    repository.
    """
    steps = [step for step in path.split("/") if step]
    if steps:
        steps[-1:] = filter(None, [steps[-1].removesuffix(".git")])
    address = f"[{host}]" if ":" in host else host.rstrip(".")
    repository = f"{address.lower()}/{quote('/'.join(steps), safe=_PATH, errors='replace')}"
    return None if limits.repository(repository) else repository
