"""The Vault of a run: its address and certificates, from the run's environment only.

A manifest sets neither: in a pull request it could send the token to a different server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from reconciler.core.model import limits
from reconciler.manifests.secret_sources.base import Access, SourceDown
from reconciler.net.proxies import Network

ADDRESS: Final = "is VAULT_ADDR the right address?"


def read_variable(env: Mapping[str, str], name: str) -> str:
    """OpenBao's variable of that name, else Vault's; "" if neither is set."""
    return env.get(f"BAO_{name}") or env.get(f"VAULT_{name}") or ""


@dataclass(frozen=True, slots=True)
class Server:
    """An address and its connection settings. `own_ca_file` is VAULT_CACERT, `ca_file` is
    --ca-file.
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
    """The Vault of this run; raises SourceDown."""
    address = read_variable(access.env, "ADDR")
    if not address:
        raise SourceDown("VAULT_ADDR is not set", "set VAULT_ADDR and VAULT_TOKEN, then run again")
    if fault := limits.url(address):
        raise SourceDown(f"the url in VAULT_ADDR {fault}", ADDRESS)
    if limits.is_plain_http_abroad(address):
        raise SourceDown("VAULT_ADDR with http:// would send the token in clear", "use https://")
    certificate, key = (
        read_variable(access.env, "CLIENT_CERT"),
        read_variable(access.env, "CLIENT_KEY"),
    )
    return Server(
        address=address.rstrip("/"),
        namespace=read_variable(access.env, "NAMESPACE"),
        network=Network(access.env, access.ca_file),
        own_ca_file=read_variable(access.env, "CACERT") or None,
        client_certificate=(certificate, key or certificate) if certificate else None,
    )
