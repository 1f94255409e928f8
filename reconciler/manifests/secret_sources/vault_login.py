"""How a run becomes somebody at the Vault: a token, AppRole, a job's own token (JWT), or a
Kubernetes service account.

The Tenant's `secrets.vault.login` says how, else Vault's own variables. Credentials are references
or variables, never text in a manifest. What refuses a login never repeats the Vault's words: they
may quote what was sent.
"""

from __future__ import annotations

import os
from typing import Any, Final
from urllib.parse import quote

from reconciler.core.model import limits
from reconciler.manifests.secret_sources import env, file
from reconciler.manifests.secret_sources.base import SIZE, Access, Down, Login, Lost
from reconciler.manifests.secret_sources.file import SERVICE_ACCOUNT, saved_token
from reconciler.manifests.secret_sources.vault_server import Server, variable

_REQUEST_URL: Final = "ACTIONS_ID_TOKEN_REQUEST_URL"
_REQUEST_TOKEN: Final = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"  # noqa: S105  the name of GitHub's variable
_JWT_LENGTH: Final = 16 * 1024
_NO_LOGIN: Final = "set VAULT_TOKEN, run `vault login`, or give the Tenant secrets.vault.login"
_NO_JOB: Final = (
    "in GitLab give the job id_tokens: VAULT_ID_TOKEN; in GitHub give it permissions: "
    "id-token: write; elsewhere set VAULT_TOKEN"
)
_REFUSED: Final = {
    "approle": "are role id and secret id right, and not used up or expired?",
    "jwt": "does the role exist at this mount, and does it bind the token's audience, subject "
    "and claims?",
    "kubernetes": "does the role exist at this mount, and does it bind this "
    "service account, namespace "
    "and audience?",
}


def log_in(client: Any, server: Server, login: Login | None, access: Access) -> None:
    """Gives the client a token; VAULT_TOKEN comes first, then the Tenant's login, then other
    variables. Raises Lost, Down.
    """
    token = variable(access.env, "TOKEN")
    if not token and login is not None and login.method != "token":
        _by_method(client, server, login, access)
        return
    if not token and login is not None:
        token = _credential(login, "token", access) or _saved_token(access)
    elif not token and (found := _by_variables(access)) is not None:
        _by_method(client, server, found, access)
        return
    client.token = _checked(token or _saved_token(access))


def _checked(token: str) -> str:
    if not token:
        raise Down("VAULT_TOKEN is not set, and there is no other login", _NO_LOGIN)
    if limits.credential(token):
        raise Down("VAULT_TOKEN is not set, or no token", "set VAULT_TOKEN, then run again")
    return token


def _saved_token(access: Access) -> str:
    """What `vault login` left in the home folder; "" if there is nothing."""
    path = saved_token(access.env)
    return _text_of(path) if path and os.path.exists(path) else ""  # noqa: PTH110  strings, as all of this layer


def _text_of(path: str) -> str:
    try:
        return file.contents(os.path.realpath(path), SIZE).decode("ascii").strip()
    except UnicodeDecodeError:
        raise Down(f"{path} holds no token", "log in again: `vault login`") from None


def _by_variables(access: Access) -> Login | None:
    """The login that Vault's own variables describe, as its tools and GitLab know them."""
    mount, role = variable(access.env, "AUTH_PATH"), variable(access.env, "AUTH_ROLE")
    if variable(access.env, "ROLE_ID"):
        return Login("approle", mount)
    if role and (variable(access.env, "ID_TOKEN") or access.env.get(_REQUEST_TOKEN)):
        return Login("jwt", mount, role)
    if role and os.path.exists(SERVICE_ACCOUNT):  # noqa: PTH110  likewise
        return Login("kubernetes", mount, role)
    return None


def _credential(login: Login, field: str, access: Access) -> str:
    """The value of a field that the login gives a reference for, "" without one; raises Lost."""
    place = dict(login.places).get(field)
    if place is None:
        return ""
    try:
        value = (
            env.fetch(place.item, access)
            if place.source == "fromEnv"
            else file.pick(file.fetch(place.item, access), place)
        )
    except Lost as error:
        name = f" (fromEnv: {place.item[0]})" if place.source == "fromEnv" else ""
        raise Down(
            f"{field} of secrets.vault.login{name} does not resolve: {error.why}", error.mend
        ) from None
    return value.strip()


def _by_method(client: Any, server: Server, login: Login, access: Access) -> None:
    from reconciler.manifests.secret_sources.vault_client import Refused, asked  # noqa: PLC0415  as where the client came from

    work = {"approle": _approle, "jwt": _jwt, "kubernetes": _kubernetes}[login.method]
    try:
        asked(server, server.address, "the Vault", lambda: work(client, server, login, access))
    except Refused as error:
        mount = login.mount or login.method
        raise Down(
            f"the Vault refused the login at auth/{mount} ({error.status})", _REFUSED[login.method]
        ) from None


def _approle(client: Any, _server: Server, login: Login, access: Access) -> None:
    role_id = _credential(login, "roleId", access) or variable(access.env, "ROLE_ID")
    secret_id = _credential(login, "secretId", access) or variable(access.env, "SECRET_ID")
    if not role_id:
        raise Down(
            "VAULT_ROLE_ID is not set",
            "set VAULT_ROLE_ID and VAULT_SECRET_ID, or give secrets.vault.login a roleId",
        )
    client.auth.approle.login(role_id, secret_id or None, mount_point=login.mount or "approle")


def _jwt(client: Any, server: Server, login: Login, access: Access) -> None:
    token = (
        _credential(login, "token", access)
        or variable(access.env, "ID_TOKEN")
        or _github_token(server, login, access)
    )
    role = login.role or variable(access.env, "AUTH_ROLE")
    client.auth.jwt.jwt_login(role or None, token, path=login.mount or "jwt")


def _kubernetes(client: Any, _server: Server, login: Login, access: Access) -> None:
    token = _credential(login, "token", access)
    if not token:
        if not os.path.exists(SERVICE_ACCOUNT):  # noqa: PTH110  likewise
            raise Down(
                "there is no service account's token here",
                f"run it in a pod, which has {SERVICE_ACCOUNT}, or give the login a token",
            )
        token = _text_of(SERVICE_ACCOUNT)
    client.auth.kubernetes.login(
        login.role or variable(access.env, "AUTH_ROLE"),
        token,
        mount_point=login.mount or "kubernetes",
    )


def _github_token(server: Server, login: Login, access: Access) -> str:
    """The token that GitHub gives this job, for the login's audience; raises Down."""
    from reconciler.manifests.secret_sources.vault_client import asked, open_session  # noqa: PLC0415  likewise

    url, right = access.env.get(_REQUEST_URL, ""), access.env.get(_REQUEST_TOKEN, "")
    if not url or not right:
        raise Down("there is no job token to log in with", _NO_JOB)
    if limits.url(url) or limits.is_plain_http_abroad(url):
        raise Down(f"{_REQUEST_URL} is no https url", "run it in a job of GitHub, which sets it")
    if login.audience:
        url += f"{'&' if '?' in url else '?'}audience={quote(login.audience, safe='')}"

    def ask() -> Any:
        headers = {"Authorization": f"Bearer {right}"}
        with open_session(server, url) as session:
            answer = session.get(
                url, headers=headers, timeout=access.timeout, allow_redirects=False
            )
            return answer.json().get("value") if answer.status_code == 200 else None

    token = asked(server, url, "GitHub's token service", ask)
    if not isinstance(token, str) or not 0 < len(token) <= _JWT_LENGTH:
        raise Down("GitHub gave the job no token", "give the job permissions: id-token: write")
    return token
