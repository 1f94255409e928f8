"""The proxy of a request: from HTTPS_PROXY and NO_PROXY, or from an option.

Pure. Only https goes through a proxy, as a tunnel: without TLS inside, the proxy would see tokens
in clear.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Final
from urllib.parse import unquote, urlsplit

from reconciler.core.errors import BadRequest

_VARIABLES: Final = (
    "https_proxy",
    "HTTPS_PROXY",
)  # the first that is set; lower case first, as curl and Python do
_EXCEPTIONS: Final = ("no_proxy", "NO_PROXY")
_PORTS: Final = {"http": 80, "https": 443}
_FORM: Final = "give it as http://proxy.example.com:3128"


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy that takes CONNECT; `url` may hold a credential, so that nothing but `display` is
    ever printed.
    """

    url: str = field(repr=False)

    @property
    def display(self) -> str:
        """Host and port."""
        host, port = self.address
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to connect to."""
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or _PORTS[parts.scheme]

    @property
    def is_tls(self) -> bool:
        """Whether the connection to the proxy itself is TLS."""
        return urlsplit(self.url).scheme == "https"

    @property
    def credential(self) -> str | None:
        """The value of Proxy-Authorization, None without a user name in the address."""
        parts = urlsplit(self.url)
        if parts.username is None:
            return None
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        return "Basic " + b64encode(pair.encode()).decode("ascii")


def parse_proxy(text: str, source: str) -> Proxy:
    """The proxy at that address, of which `source` (a variable or an option) says where it stands;
    raises BadRequest.

    The text never quotes it, since it may hold a password. `http://` is taken as given where no
    scheme is.
    """
    url = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadRequest(f"{source} is no address of a proxy; {_FORM}") from None
    printable = url.isascii() and url.isprintable() and " " not in url
    if (
        not printable
        or not parts.hostname
        or port == 0
        or parts.path not in {"", "/"}
        or parts.query
        or parts.fragment
    ):
        raise BadRequest(f"{source} is no address of a proxy; {_FORM}")
    if parts.scheme not in _PORTS:
        raise BadRequest(
            f"{source} names a kind of proxy that is not supported; it must begin with "
            "http:// or https://"
        )
    return Proxy(url)


@dataclass(frozen=True, slots=True)
class Network:
    """The variables of a run that proxies are read from, and the file of `--ca-file`."""

    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca_file: str | None = None

    def proxy_for(self, url: str) -> Proxy | None:
        """The proxy for requests to that url; None for http://, for what NO_PROXY lists, and
        without HTTPS_PROXY.

        Raises BadRequest.
        """
        parts = urlsplit(url)
        source = next((name for name in _VARIABLES if self.env.get(name)), None)
        if (
            parts.scheme.lower() != "https"
            or source is None
            or self._excepted(parts.hostname or "", parts.port or 443)
        ):
            return None
        return parse_proxy(self.env[source], source)

    def _excepted(self, host: str, port: int) -> bool:
        texts = next((self.env[name] for name in _EXCEPTIONS if self.env.get(name)), "")
        return any(
            _matches(entry.lower(), host.lower().rstrip("."), port)
            for entry in re.split(r"[,\s]+", texts)
            if entry
        )


def _matches(entry: str, host: str, port: int) -> bool:
    """Whether an entry of NO_PROXY means that host: `*`, a name with all below it, an address, a
    network; each with a port.
    """
    if entry == "*":
        return True
    name, sign, number = entry.rpartition(":")
    if sign and number.isdecimal() and (":" not in name or name.endswith("]")):
        return int(number[:6]) == port and _matches(name, host, port)
    try:
        return ip_address(host) in ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        pass
    suffix = entry.removeprefix("*").lstrip(".")
    return bool(suffix) and (host == suffix or host.endswith(f".{suffix}"))


DIRECT: Final = Network()  # no proxy, and the machine's certificate authorities alone
