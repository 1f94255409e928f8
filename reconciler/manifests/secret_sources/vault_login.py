"""How a run logs in at the Vault: a token, AppRole, a job's own token (JWT), or a Kubernetes
service account.

The Tenant's `secrets.vault.login` decides, else Vault's own variables. Credentials are references
or variables, never text in a manifest. Errors do not repeat the Vault's words: these may quote sent
data.
"""

from __future__ import annotations

import os
from typing import Any, Final
from urllib.parse import quote

from reconciler.core.model import limits
from reconciler.manifests.secret_sources import env, file
from reconciler.manifests.secret_sources.base import SIZE, Access, Login, SourceDown, Unresolved
from reconciler.manifests.secret_sources.file import SERVICE_ACCOUNT, saved_token_path
from reconciler.manifests.secret_sources.vault_server import Server, read_variable

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
    """Gives the client a token: VAULT_TOKEN first, then the Tenant's login, then other variables.
    Raises Unresolved, SourceDown.
    """
    token = read_variable(access.env, "TOKEN")
    if not token and login is not None and login.method != "token":
        _log_in_by_method(client, server, login, access)
        return
    if not token and login is not None:
        token = _resolve_credential(login, "token", access) or _read_saved_token(access)
    elif not token and (variables_login := _find_variables_login(access)) is not None:
        _log_in_by_method(client, server, variables_login, access)
        return
    client.token = _check_token(token or _read_saved_token(access))


def _check_token(token: str) -> str:
    if not token:
        raise SourceDown("VAULT_TOKEN is not set, and there is no other login", _NO_LOGIN)
    if limits.credential(token):
        raise SourceDown("VAULT_TOKEN is not set, or no token", "set VAULT_TOKEN, then run again")
    return token


def _read_saved_token(access: Access) -> str:
    """The token that `vault login` stored in the home folder; "" if there is none."""
    path = saved_token_path(access.env)
    return _read_text(path) if path and os.path.exists(path) else ""  # noqa: PTH110  this layer keeps paths as text


def _read_text(path: str) -> str:
    try:
        return file.read_file(os.path.realpath(path), SIZE).decode("ascii").strip()
    except UnicodeDecodeError:
        raise SourceDown(f"{path} holds no token", "log in again: `vault login`") from None


def _find_variables_login(access: Access) -> Login | None:
    """The login that Vault's own variables describe, in the names of its tools and GitLab."""
    mount, role = read_variable(access.env, "AUTH_PATH"), read_variable(access.env, "AUTH_ROLE")
    if read_variable(access.env, "ROLE_ID"):
        return Login("approle", mount)
    if role and (read_variable(access.env, "ID_TOKEN") or access.env.get(_REQUEST_TOKEN)):
        return Login("jwt", mount, role)
    if role and os.path.exists(SERVICE_ACCOUNT):  # noqa: PTH110  this layer keeps paths as text
        return Login("kubernetes", mount, role)
    return None


def _resolve_credential(login: Login, field: str, access: Access) -> str:
    """The value that the login references for a field, "" without a reference; raises
    SourceDown.
    """
    place = dict(login.places).get(field)
    if place is None:
        return ""
    try:
        value = (
            env.fetch(place.item, access)
            if place.source == "fromEnv"
            else file.pick(file.fetch(place.item, access), place)
        )
    except Unresolved as error:
        name = f" (fromEnv: {place.item[0]})" if place.source == "fromEnv" else ""
        raise SourceDown(
            f"{field} of secrets.vault.login{name} does not resolve: {error.reason}", error.fix
        ) from None
    return value.strip()


def _log_in_by_method(client: Any, server: Server, login: Login, access: Access) -> None:
    from reconciler.manifests.secret_sources.vault_client import RequestRefused, ask  # noqa: PLC0415  imported with the client

    work = {"approle": _log_in_approle, "jwt": _log_in_jwt, "kubernetes": _log_in_kubernetes}[
        login.method
    ]
    try:
        ask(server, server.address, "the Vault", lambda: work(client, server, login, access))
    except RequestRefused as error:
        mount = login.mount or login.method
        raise SourceDown(
            f"the Vault refused the login at auth/{mount} ({error.status})", _REFUSED[login.method]
        ) from None


def _log_in_approle(client: Any, _server: Server, login: Login, access: Access) -> None:
    role_id = _resolve_credential(login, "roleId", access) or read_variable(access.env, "ROLE_ID")
    secret_id = _resolve_credential(login, "secretId", access) or read_variable(
        access.env, "SECRET_ID"
    )
    if not role_id:
        raise SourceDown(
            "VAULT_ROLE_ID is not set",
            "set VAULT_ROLE_ID and VAULT_SECRET_ID, or give secrets.vault.login a roleId",
        )
    client.auth.approle.login(role_id, secret_id or None, mount_point=login.mount or "approle")


def _log_in_jwt(client: Any, server: Server, login: Login, access: Access) -> None:
    token = (
        _resolve_credential(login, "token", access)
        or read_variable(access.env, "ID_TOKEN")
        or _request_github_token(server, login, access)
    )
    role = login.role or read_variable(access.env, "AUTH_ROLE")
    client.auth.jwt.jwt_login(role or None, token, path=login.mount or "jwt")


def _log_in_kubernetes(client: Any, _server: Server, login: Login, access: Access) -> None:
    token = _resolve_credential(login, "token", access)
    if not token:
        if not os.path.exists(SERVICE_ACCOUNT):  # noqa: PTH110  this layer keeps paths as text
            raise SourceDown(
                "there is no service account's token here",
                f"run it in a pod, which has {SERVICE_ACCOUNT}, or give the login a token",
            )
        token = _read_text(SERVICE_ACCOUNT)
    client.auth.kubernetes.login(
        login.role or read_variable(access.env, "AUTH_ROLE"),
        token,
        mount_point=login.mount or "kubernetes",
    )


def _request_github_token(server: Server, login: Login, access: Access) -> str:
    """The token that GitHub gives this job, for the login's audience; raises SourceDown."""
    from reconciler.manifests.secret_sources.vault_client import ask, open_session  # noqa: PLC0415  imported with the client

    url, job_token = access.env.get(_REQUEST_URL, ""), access.env.get(_REQUEST_TOKEN, "")
    if not url or not job_token:
        raise SourceDown("there is no job token to log in with", _NO_JOB)
    if limits.url(url) or limits.is_plain_http_abroad(url):
        raise SourceDown(
            f"{_REQUEST_URL} is no https url", "run it in a job of GitHub, which sets it"
        )
    if login.audience:
        url += f"{'&' if '?' in url else '?'}audience={quote(login.audience, safe='')}"

    def request_token() -> Any:
        headers = {"Authorization": f"Bearer {job_token}"}
        with open_session(server, url) as session:
            answer = session.get(
                url, headers=headers, timeout=access.timeout, allow_redirects=False
            )
            return answer.json().get("value") if answer.status_code == 200 else None

    token = ask(server, url, "GitHub's token service", request_token)
    if not isinstance(token, str) or not 0 < len(token) <= _JWT_LENGTH:
        raise SourceDown(
            "GitHub gave the job no token", "give the job permissions: id-token: write"
        )
    return token
