"""`fromVault: {path, field}`: Vault's and OpenBao's key-value engine, version 2, over its HTTP API.

Which Vault, and the token, are of the run's environment (VAULT_ADDR, VAULT_TOKEN, or OpenBao's names), never of a manifest:
a pull request could have the token sent elsewhere. No redirect is followed, for the same reason.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from reconciler.core import limits
from reconciler.manifests.sources.base import SIZE, Access, Down, Forbidden, Item, Lost, Place, text_of, within

if TYPE_CHECKING:
    from http.client import HTTPMessage
    from typing import IO
    from urllib.request import OpenerDirector, Request

LISTED: Final = "vault"
OPTIONAL: Final = False
_ADDRESS: Final = "is VAULT_ADDR the right address?"
_REFUSED: Final = "the token of VAULT_TOKEN must not have expired, and its policy must let it read there"


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
    server = _server(access.env)
    try:
        return within(access.timeout, lambda: _secret(server, item[0], access.timeout))
    except TimeoutError:
        raise Down(f"the Vault did not answer within {access.timeout:g} s", f"{_ADDRESS} --timeout gives it longer") from None


@dataclass(frozen=True, slots=True)
class _Server:
    address: str
    headers: Mapping[str, str] = field(repr=False)
    cafile: str | None


def _server(env: Mapping[str, str]) -> _Server:
    def of(name: str) -> str:
        return env.get(f"BAO_{name}") or env.get(f"VAULT_{name}") or ""

    address, token = of("ADDR"), of("TOKEN")
    if not address:
        raise Down("VAULT_ADDR is not set", "set VAULT_ADDR and VAULT_TOKEN, then run again")
    if wrong := limits.url(address):
        raise Down(f"the url in VAULT_ADDR {wrong}", _ADDRESS)
    if limits.is_plain_http_abroad(address):
        raise Down("VAULT_ADDR with http:// would send the token in clear", "use https://")
    if limits.credential(token):
        raise Down("VAULT_TOKEN is not set, or no token", "set VAULT_TOKEN, then run again")
    headers = {"X-Vault-Token": token, "X-Vault-Request": "true"}
    if space := of("NAMESPACE"):
        headers["X-Vault-Namespace"] = space
    return _Server(address.rstrip("/"), headers, of("CACERT") or None)


def _secret(server: _Server, path: str, timeout: float) -> Mapping[str, Any]:
    """Asks where the engine is mounted, as `vault kv get` does, then for the secret."""
    opener = _opener(server)
    mount = _data(opener, server, f"sys/internal/ui/mounts/{path}", timeout)
    root, options = mount.get("path"), mount.get("options")
    if not isinstance(root, str) or not (path + "/").startswith(root):
        raise Down("the Vault does not say where its engine is mounted", _ADDRESS)
    if not isinstance(options, dict) or options.get("version") != "2":
        raise Lost("it is in no key-value engine of version 2", "move it to one: `vault kv enable-versioning`")
    found = _data(opener, server, f"{root}data/{path.removeprefix(root)}", timeout).get("data")
    if not isinstance(found, dict):
        raise Lost("its newest version is deleted", "put it there again, or undelete it")
    return found


def _data(opener: OpenerDirector, server: _Server, path: str, timeout: float) -> dict[str, Any]:
    """`data` of an answer; raises Lost, Down."""
    from urllib.parse import quote  # noqa: PLC0415  only runs that use a Vault pay for it

    status, body = _ask(opener, server, f"{server.address}/v1/{quote(path)}", timeout)
    if 300 <= status < 400:
        raise Down(f"the Vault redirects ({status}), which is not followed", "set VAULT_ADDR to the active node's address")
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise Down(f"what answers ({status}) is no Vault: it sent no JSON object", _ADDRESS)
    data = answer.get("data")
    if status == 200 and isinstance(data, dict):
        return data
    raise _refusal(status)


def _refusal(status: int) -> Lost:
    if status == 404:
        return Lost("the Vault has no such secret", "the path is as `vault kv get` takes it, without data/")
    if status == 403:
        return Lost("the Vault refuses it (403)", _REFUSED)
    if status == 503:
        return Down("the Vault is sealed, or not ready (503)", "unseal it, then run again")
    if status == 501:
        return Down("the Vault is not initialized (501)", _ADDRESS)
    if status >= 429:
        return Down(f"the Vault failed ({status})", "look at its own log")
    return Lost(f"the Vault answered {status}, and no secret", _ADDRESS)


def _opener(server: _Server) -> OpenerDirector:
    import ssl  # noqa: PLC0415  only runs that use a Vault pay for it
    from urllib.request import HTTPRedirectHandler, HTTPSHandler, build_opener  # noqa: PLC0415  likewise

    class Stay(HTTPRedirectHandler):
        """Follows no redirect."""

        def redirect_request(
            self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
        ) -> Request | None:
            """None: the redirect is the answer."""

    try:
        context = ssl.create_default_context(cafile=server.cafile)
    except (OSError, ValueError):
        raise Down("the certificates of VAULT_CACERT cannot be read", "set VAULT_CACERT to a PEM file, then run again") from None
    return build_opener(Stay, HTTPSHandler(context=context))


def _ask(opener: OpenerDirector, server: _Server, url: str, timeout: float) -> tuple[int, bytes]:
    """Status and body of one request."""
    from http.client import HTTPException  # noqa: PLC0415  likewise
    from urllib.error import HTTPError, URLError  # noqa: PLC0415  likewise
    from urllib.request import Request  # noqa: PLC0415  likewise

    request = Request(url, headers=dict(server.headers))  # noqa: S310  limits.url allows http and https only
    try:
        try:
            with opener.open(request, timeout=timeout) as answer:
                return answer.status, answer.read(16 * SIZE)
        except HTTPError as error:
            with error:
                return error.code, error.read(16 * SIZE)
    except TimeoutError:
        raise
    except URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise TimeoutError from None
        raise Down("the Vault cannot be reached", _ADDRESS) from None
    except (OSError, HTTPException, ValueError):
        raise Down("what answers is no Vault: it breaks off, or speaks no HTTP", _ADDRESS) from None
