"""hvac over this project's own connections: its certificate authorities, proxies and limits. No
exception's text is passed on.

It is imported only if a Vault is used: hvac is the extra `vault` and takes 130 ms to import.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any, Final, TypeVar

import hvac
import requests
from hvac.adapters import JSONAdapter
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, NewConnectionError

from reconciler.core.errors import BadRequest
from reconciler.manifests.secret_sources.base import SIZE, SourceDown, Unresolved
from reconciler.manifests.secret_sources.vault_server import ADDRESS, Server
from reconciler.net.trust import make_context

T = TypeVar("T")
_MAX_BYTES: Final = 16 * SIZE  # bytes of an answer
_TRUST: Final = "--ca-file FILE or VAULT_CACERT adds a private certificate authority"
_CERTIFICATE: Final = {  # by OpenSSL's verify_code
    9: "is not valid yet",
    10: "has expired",
    62: "is for a different name",
    64: "is for a different address",
}
_ALERTS: Final = {
    "WRONG_VERSION_NUMBER": (
        "the port does not speak TLS",
        "correct the scheme or the port of VAULT_ADDR",
    ),
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": (
        "the Vault wants a client certificate (TLS)",
        "set VAULT_CLIENT_CERT and VAULT_CLIENT_KEY",
    ),
}


class _Transport(HTTPAdapter):
    """Connections with one TLS context. Answers are read up to a limit, and not retried."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__(max_retries=0)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Adds the TLS context."""
        super().init_poolmanager(*arguments, ssl_context=self._context, **options)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Adds the TLS context, for the proxy's own TLS too."""
        return super().proxy_manager_for(
            proxy, ssl_context=self._context, proxy_ssl_context=self._context, **options
        )

    def cert_verify(self, conn: Any, *_arguments: Any, **_options: Any) -> None:
        """Verifies with the TLS context only, not with the bundle of requests."""
        conn.cert_reqs = "CERT_REQUIRED"

    def send(self, *arguments: Any, **options: Any) -> requests.Response:
        """The response with its body; raises ValueError if it is too long."""
        response = super().send(*arguments, **{**options, "stream": True})
        body = response.raw.read(_MAX_BYTES + 1)
        if len(body) > _MAX_BYTES:
            raise ValueError("an answer is over the limit")
        response.raw.close()
        response.raw = BytesIO(body)
        return response


class _Answers(JSONAdapter):  # type: ignore[misc]  # hvac brings no types
    """Returns the JSON objects of successful answers; raises Unresolved or SourceDown for all
    others.
    """

    def request(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        """The JSON object of an answer; raises Unresolved, SourceDown."""
        try:
            response = super().request(*arguments, **{**options, "raise_exception": False})
        except RecursionError:
            response = None  # JSON that is nested too deep
        if isinstance(response, dict):
            return response
        status = response.status_code if isinstance(response, requests.Response) else 200
        if 300 <= status < 400:
            raise SourceDown(
                f"the Vault redirects ({status}), which is not followed",
                "set VAULT_ADDR to the active node's address",
            )
        if status == 200 or not _is_object(response):
            raise SourceDown(
                f"the server ({status}) is not a Vault: it sent no JSON object", ADDRESS
            )
        raise explain_refusal(status)

    def get_login_token(self, response: Any) -> str:
        """The token in a login's answer; raises SourceDown."""
        auth = response.get("auth")
        token = auth.get("client_token") if isinstance(auth, dict) else None
        if not isinstance(token, str) or not token:
            raise SourceDown("the Vault answered the login without a token", ADDRESS)
        return token


def _is_object(response: requests.Response) -> bool:
    try:
        return isinstance(response.json(), dict)
    except (ValueError, RecursionError):
        return False


class RequestRefused(Unresolved):
    """A request that the Vault refuses (4xx), with the status."""

    def __init__(self, status: int, reason: str, fix: str) -> None:
        super().__init__(reason, fix)
        self.status = status


def explain_refusal(status: int) -> Unresolved:
    """The error for a status without a secret."""
    if status == 404:
        return RequestRefused(
            status,
            "the Vault has no such secret",
            "the path is as `vault kv get` takes it, without data/",
        )
    if status == 403:
        return RequestRefused(
            status,
            "the Vault refuses it (403)",
            "the token must not have expired, and its policy must let it read there",
        )
    if status == 503:
        return SourceDown("the Vault is sealed, or not ready (503)", "unseal it, then run again")
    if status == 501:
        return SourceDown("the Vault is not initialized (501)", ADDRESS)
    if status >= 429:
        return SourceDown(f"the Vault failed ({status})", "look at its own log")
    return RequestRefused(status, f"the Vault answered {status}, and no secret", ADDRESS)


def open_session(server: Server, url: str) -> requests.Session:
    """A session for requests to that url, with the run's authorities and proxy; raises
    SourceDown.
    """
    for name in ("urllib3", "requests"):  # at DEBUG they log paths
        logging.getLogger(name).setLevel(logging.WARNING)
    session = requests.Session()
    session.trust_env = False  # no .netrc, and no proxy for plain http
    session.headers["Accept-Encoding"] = "identity"
    try:
        context = make_context(server.ca_file)
        proxy = server.network.proxy_for(url)
    except BadRequest as error:
        raise SourceDown(str(error), "correct it, then run again") from None
    if server.own_ca_file is not None:
        try:
            make_context(server.own_ca_file, context)
        except BadRequest:
            raise SourceDown(
                "the certificates of VAULT_CACERT cannot be read",
                "set VAULT_CACERT to a PEM file, then run again",
            ) from None
    session.proxies = {"https": proxy.url} if proxy is not None else {}
    session.mount("https://", _Transport(context))
    session.mount("http://", _Transport(context))
    return session


def open_client(server: Server, timeout: float) -> Any:
    """The client of hvac without a token; raises SourceDown."""
    return hvac.Client(
        url=server.address,
        token="",
        cert=server.client_certificate,
        verify=True,
        timeout=timeout,
        allow_redirects=False,
        session=open_session(server, server.address),
        adapter=_Answers,
        namespace=server.namespace or None,
    )


def ask(server: Server, url: str, service: str, work: Callable[[], T]) -> T:
    """The result of `work`, a request to `service` at that url; raises Unresolved, SourceDown,
    TimeoutError.

    Errors of the libraries quote sent data: none is passed on.
    """
    try:
        return work()
    except Unresolved:
        raise
    except requests.exceptions.Timeout:
        raise TimeoutError from None
    except (
        requests.exceptions.RequestException,
        HTTPError,
        OSError,
        ValueError,
        RecursionError,
    ) as error:
        raise _explain_failure(server, url, service, error) from None


def _explain_failure(server: Server, url: str, service: str, error: Exception) -> SourceDown:
    causes = tuple(_walk_causes(error))
    tls_error = next((cause for cause in causes if isinstance(cause, ssl.SSLError)), None)
    if isinstance(tls_error, ssl.SSLCertVerificationError):
        kind = _CERTIFICATE.get(tls_error.verify_code, "is not trusted")
        return SourceDown(f"the TLS certificate of {service} {kind}", _TRUST)
    if tls_error is not None:
        reason, fix = _ALERTS.get(
            tls_error.reason or "",
            (
                f"the TLS handshake with {service} failed",
                "is it a TLS server, and is its port right?",
            ),
        )
        return SourceDown(reason, fix)
    proxy = server.network.proxy_for(url)
    if proxy is not None and any(
        isinstance(cause, requests.exceptions.ProxyError) for cause in causes
    ):
        fix = "is HTTPS_PROXY right? NO_PROXY lists what is reached without a proxy"
        return SourceDown(f"the proxy {proxy.display} opened no connection to {service}", fix)
    if any(isinstance(cause, NewConnectionError) for cause in causes):
        return SourceDown(f"{service} cannot be reached", ADDRESS)
    return SourceDown(
        f"the server is not {service}: it closes the connection, or speaks no HTTP", ADDRESS
    )


def _walk_causes(error: BaseException) -> Iterator[BaseException]:
    """The error and its causes: libraries keep some in arguments only."""
    pending: list[Any] = [error]
    visited: list[BaseException] = []
    while pending:
        cause = pending.pop(0)
        if isinstance(cause, BaseException) and cause not in visited:
            visited.append(cause)
            pending += [
                cause.__cause__,
                cause.__context__,
                getattr(cause, "reason", None),
                *cause.args,
            ]
    yield from visited
