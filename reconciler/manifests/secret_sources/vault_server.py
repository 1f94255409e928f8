"""Which Vault is asked, and how: its address and certificates, from the run's environment alone.

A manifest names neither: it may come from a pull request, which could have a token sent elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from reconciler.core.model import limits
from reconciler.manifests.secret_sources.base import Access, Down
from reconciler.net.proxies import Network

ADDRESS: Final = "is VAULT_ADDR the right address?"


def variable(env: Mapping[str, str], name: str) -> str:
    """OpenBao's own variable of that name, else Vault's; "" if neither is set."""
    return env.get(f"BAO_{name}") or env.get(f"VAULT_{name}") or ""


@dataclass(frozen=True, slots=True)
class Server:
    """An address and what connections to it need; `own_ca_file` is VAULT_CACERT's, `ca_file` that
    of --ca-file.
    """

    address: str
    namespace: str
    network: Network
    own_ca_file: str | None
    client_certificate: tuple[str, str] | None = field(repr=False)

    @property
    def ca_file(self) -> str | None:
        """The file of `--ca-file`."""
        return self.network.ca_file


def find_server(access: Access) -> Server:
    """The Vault of this run; raises Down."""
    address = variable(access.env, "ADDR")
    if not address:
        raise Down("VAULT_ADDR is not set", "set VAULT_ADDR and VAULT_TOKEN, then run again")
    if wrong := limits.url(address):
        raise Down(f"the url in VAULT_ADDR {wrong}", ADDRESS)
    if limits.is_plain_http_abroad(address):
        raise Down("VAULT_ADDR with http:// would send the token in clear", "use https://")
    certificate, key = variable(access.env, "CLIENT_CERT"), variable(access.env, "CLIENT_KEY")
    return Server(
        address=address.rstrip("/"),
        namespace=variable(access.env, "NAMESPACE"),
        network=Network(access.env, access.ca_file),
        own_ca_file=variable(access.env, "CACERT") or None,
        client_certificate=(certificate, key or certificate) if certificate else None,
    )
