"""Hosts with letters beyond ASCII: what DNS knows them as (IDNA 2008, after the mapping of UTS
46).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from reconciler.core.model import limits


def ascii_host(url: str) -> str | None:
    """The host of a url in ASCII, such as xn--bcher-kva.example; None where it is ASCII, or no host
    of that kind.
    """
    if len(url) > limits.URL_LENGTH or url.isascii():
        return None
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return None
    if host.isascii():
        return None
    import idna  # noqa: PLC0415  its tables take 10 ms, and hardly any url needs them

    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError:
        return None


def hint(url: str) -> str | None:
    """The ASCII form to write for a host that a url cannot hold; None if the url has a different
    fault.
    """
    host = ascii_host(url)
    return None if host is None else f"write the host as {host}"
