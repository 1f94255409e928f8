"""The address of the remote repository: which ones are accepted, and how one is shown."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

from reconciler.continuous.git.environment import PROTOCOLS
from reconciler.core.errors import BadRequest

_USER: Final = re.compile(r"(?<=://)[^\s/'\"]*@")
_HELPER: Final = re.compile(r"[A-Za-z0-9+.-]*::")
_PASSWORD: Final = re.compile(r"[^/:@]+:[^/@]*@")  # without a scheme


def hide_users(text: str) -> str:
    """A text with `***` for the user and password of each url in it."""
    return _USER.sub("***@", text)


def check_address(url: str) -> None:
    """Raises BadRequest for an address that git must not get, with what to use instead."""
    if not url or url.startswith("-") or not url.isprintable() or " " in url:
        raise BadRequest("the repository's address is empty, or has a space or a leading hyphen")
    if "://" not in url:
        if _PASSWORD.match(url):
            raise _make_password_error("it")
        if _HELPER.match(url):
            raise BadRequest(f"{hide_users(url)}: {_EXPECTED}")
        return
    parts = _split(url)
    if parts is None or parts.scheme not in (*PROTOCOLS, "http"):
        raise BadRequest(f"{hide_users(url)}: {_EXPECTED}")
    if parts.password is not None:
        raise _make_password_error(hide_users(url))
    if parts.query or parts.fragment:
        raise BadRequest(
            f"{hide_users(url).partition('?')[0]}: the address of a repository has no query and no "
            "fragment"
        )
    if parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
        raise BadRequest(
            f"{hide_users(url)}: plain HTTP is for loopback addresses only, since anyone on the "
            "way could change the commits: use https"
        )


def is_http(url: str) -> bool:
    """Whether an accepted address is plain HTTP, on loopback."""
    return url.lower().startswith("http://")


_EXPECTED: Final = "expected an address of https, ssh (ssh://… or user@host:path) or a path"


def _make_password_error(where: str) -> BadRequest:
    return BadRequest(
        f"the repository's address has a password in {where}. Remove it, and let git find it: in a "
        "credential helper (git config --global credential.helper …) or an SSH agent"
    )


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
