"""`fromVault: {path, field}`: Vault's and OpenBao's key-value engine, version 1 or 2, asked through
hvac, the extra `vault`.

Which Vault it is, `vault_server.py` finds; how the run logs in there, `vault_login.py`. No redirect
is followed: it could have the token sent elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from reconciler.manifests.secret_sources.base import (
    Access,
    Down,
    Forbidden,
    Item,
    Lost,
    Place,
    text_of,
    within,
)

LISTED: Final = "vault"
OPTIONAL: Final = False
_KINDS: Final = frozenset(
    {"kv", "generic"}
)  # reading from other engines may make a credential, or use one up


def place(value: Any, _folder: str, _access: Access) -> Place:
    """The field of a secret; `path` is as `vault kv get` takes it, the engine's mount first."""
    path: str = value["path"]
    if {".", ".."} & set(path.split("/")):
        raise Forbidden("may not contain . or .. as a part of its path")
    return Place("fromVault", (path,), value["field"], subject=path)


def pick(got: Any, place: Place) -> str:
    """One field of the secret."""
    return text_of(got, place.part or "")


def fetch(item: Item, access: Access) -> Mapping[str, Any]:
    """All fields of the secret at that path, of its newest version."""
    from reconciler.manifests.secret_sources.vault_server import ADDRESS  # noqa: PLC0415  only runs that use a Vault pay for it

    try:
        return within(access.timeout, lambda: _secret(item[0], access))
    except TimeoutError:
        raise Down(
            f"the Vault did not answer within {access.timeout:g} s",
            f"{ADDRESS} --timeout gives it longer",
        ) from None


def _client(access: Access) -> Any:
    """Hvac's client with a token, one a run for each login; raises Lost, Down."""
    from reconciler.manifests.secret_sources.vault_server import find_server  # noqa: PLC0415  likewise

    key = ("fromVault", access.vault)
    if key not in access.sessions:
        server = find_server(access)
        try:
            from reconciler.manifests.secret_sources import vault_client, vault_login  # noqa: PLC0415  an extra
        except ModuleNotFoundError as error:
            if error.name not in {"hvac", "requests"}:
                raise
            raise Down(
                "hvac is not installed",
                'install the extra: pip install "webhook-reconciler[vault]"',
            ) from None
        client = vault_client.open_client(server, access.timeout)
        vault_login.log_in(client, server, access.vault, access)
        access.sessions[key] = client, server
    return access.sessions[key]


def _secret(path: str, access: Access) -> Mapping[str, Any]:
    """Asks where the engine is mounted, as `vault kv get` does, then for the secret."""
    client, server = _client(access)
    from reconciler.manifests.secret_sources.vault_client import asked  # noqa: PLC0415  likewise

    return asked(server, server.address, "the Vault", lambda: _read(client, path))


def _read(client: Any, path: str) -> Mapping[str, Any]:
    from reconciler.manifests.secret_sources.vault_client import refusal  # noqa: PLC0415  likewise
    from reconciler.manifests.secret_sources.vault_server import ADDRESS  # noqa: PLC0415  likewise

    mount = client.adapter.get(f"/v1/sys/internal/ui/mounts/{quote(path)}").get("data")
    if not isinstance(mount, dict):
        raise refusal(200)
    root, options = mount.get("path"), mount.get("options")
    if not isinstance(root, str) or not (path + "/").startswith(root):
        raise Down("the Vault does not say where its engine is mounted", ADDRESS)
    at: dict[str, str] = {"path": path.removeprefix(root), "mount_point": root.rstrip("/")}
    if isinstance(options, dict) and options.get("version") == "2":
        data = client.secrets.kv.v2.read_secret_version(**at, raise_on_deleted_version=True).get(
            "data"
        )
        found = data.get("data") if isinstance(data, dict) else data
        if isinstance(data, dict) and found is None:
            raise Lost("its newest version is deleted", "put it there again, or undelete it")
    elif mount.get("type") in _KINDS:
        found = client.secrets.kv.v1.read_secret(**at).get("data")
    else:
        raise Lost("it is in no key-value engine", "move it to one: `vault secrets enable kv-v2`")
    if not isinstance(found, dict):
        raise refusal(200)
    return found
