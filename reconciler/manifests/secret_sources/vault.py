"""`fromVault: {path, field}`: the key-value engine of Vault and OpenBao, version 1 or 2, through
hvac, the extra `vault`.

`vault_server.py` finds the Vault, `vault_login.py` logs in. Redirects are not followed: a redirect
could send the token to a different server.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from reconciler.manifests.secret_sources.base import (
    Access,
    Forbidden,
    Item,
    Place,
    SourceDown,
    Unresolved,
    get_text,
    run_within,
)

LIST_NAME: Final = "vault"
ALLOWED_BY_DEFAULT: Final = False
_KINDS: Final = frozenset(
    {"kv", "generic"}
)  # reading from other engines may create a credential, or use it up


def find_place(value: Any, _folder: str, _access: Access) -> Place:
    """The field of a secret; `path` has the form of `vault kv get`, the engine's mount first."""
    path: str = value["path"]
    if {".", ".."} & set(path.split("/")):
        raise Forbidden("may not contain . or .. as a part of its path")
    return Place("fromVault", (path,), value["field"], subject=path)


def pick(fields: Any, place: Place) -> str:
    """One field of the secret."""
    return get_text(fields, place.part or "")


def fetch(item: Item, access: Access) -> Mapping[str, Any]:
    """All fields of the newest version of the secret at that path."""
    from reconciler.manifests.secret_sources.vault_server import ADDRESS  # noqa: PLC0415  only runs that use a Vault pay for it

    try:
        return run_within(access.timeout, lambda: _fetch_secret(item[0], access))
    except TimeoutError:
        raise SourceDown(
            f"the Vault did not answer within {access.timeout:g} s",
            f"{ADDRESS} --timeout gives it longer",
        ) from None


def _open_client(access: Access) -> Any:
    """The client of hvac with a token, one per run and login; raises Unresolved, SourceDown."""
    from reconciler.manifests.secret_sources.vault_server import find_server  # noqa: PLC0415  only runs that use a Vault pay for it

    key = ("fromVault", access.vault)
    if key not in access.sessions:
        server = find_server(access)
        try:
            from reconciler.manifests.secret_sources import vault_client, vault_login  # noqa: PLC0415  an extra
        except ModuleNotFoundError as error:
            if error.name not in {"hvac", "requests"}:
                raise
            raise SourceDown(
                "hvac is not installed",
                'install the extra: pip install "webhook-reconciler[vault]"',
            ) from None
        client = vault_client.open_client(server, access.timeout)
        vault_login.log_in(client, server, access.vault, access)
        access.sessions[key] = client, server
    return access.sessions[key]


def _fetch_secret(path: str, access: Access) -> Mapping[str, Any]:
    """Finds the engine's mount, as `vault kv get` does, then reads the secret."""
    client, server = _open_client(access)
    from reconciler.manifests.secret_sources.vault_client import ask  # noqa: PLC0415  an extra

    return ask(server, server.address, "the Vault", lambda: _read_secret(client, path))


def _read_secret(client: Any, path: str) -> Mapping[str, Any]:
    from reconciler.manifests.secret_sources.vault_client import explain_refusal  # noqa: PLC0415  an extra

    mount = _find_mount(client, path)
    root, options = mount["path"], mount.get("options")
    location: dict[str, str] = {"path": path.removeprefix(root), "mount_point": root.rstrip("/")}
    if isinstance(options, dict) and options.get("version") == "2":
        fields = _read_newest_version(client, location)
    elif mount.get("type") in _KINDS:
        fields = client.secrets.kv.v1.read_secret(**location).get("data")
    else:
        raise Unresolved(
            "it is in no key-value engine", "move it to one: `vault secrets enable kv-v2`"
        )
    if not isinstance(fields, dict):
        raise explain_refusal(200)
    return fields


def _find_mount(client: Any, path: str) -> Mapping[str, Any]:
    """The mount of the engine that has the secret, with its `path`."""
    from reconciler.manifests.secret_sources.vault_client import explain_refusal  # noqa: PLC0415  an extra
    from reconciler.manifests.secret_sources.vault_server import ADDRESS  # noqa: PLC0415  an extra

    mount = client.adapter.get(f"/v1/sys/internal/ui/mounts/{quote(path)}").get("data")
    if not isinstance(mount, dict):
        raise explain_refusal(200)
    root = mount.get("path")
    if not isinstance(root, str) or not (path + "/").startswith(root):
        raise SourceDown("the Vault did not return the mount of its engine", ADDRESS)
    return mount


def _read_newest_version(client: Any, location: Mapping[str, str]) -> Any:
    """The fields of the newest version in an engine of version 2; raises Unresolved if it is
    deleted.
    """
    answer = client.secrets.kv.v2.read_secret_version(**location, raise_on_deleted_version=True)
    data = answer.get("data")
    if not isinstance(data, dict):
        return data
    if data.get("data") is None:
        raise Unresolved("its newest version is deleted", "put it there again, or undelete it")
    return data["data"]
