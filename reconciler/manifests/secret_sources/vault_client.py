"""hvac over this project's own connections: its certificate authorities, its proxies, its limits,
and no exception's own text.

Imported where a Vault is asked, since hvac is the extra `vault` and takes 130 ms to import.
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
from reconciler.manifests.secret_sources.base import SIZE, Down, Lost
from reconciler.manifests.secret_sources.vault_server import ADDRESS, Server
from reconciler.net.trust import trusting

T = TypeVar("T")
_MOST: Final = 16 * SIZE  # bytes of an answer
_TRUST: Final = "--ca-file FILE or VAULT_CACERT adds a private certificate authority"
_CERTIFICATE: Final = {  # by OpenSSL's verify_code
    9: "is not valid yet",
    10: "has expired",
    62: "is for another name",
    64: "is for another address",
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
    """Connections with one TLS context; answers are read up to a limit, and never twice."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__(max_retries=0)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """With our context."""
        super().init_poolmanager(*arguments, ssl_context=self._context, **options)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """With our context, for the proxy's own TLS too."""
        return super().proxy_manager_for(
            proxy, ssl_context=self._context, proxy_ssl_context=self._context, **options
        )

    def cert_verify(self, conn: Any, *_arguments: Any, **_options: Any) -> None:
        """Verifies by our context alone, not by a bundle of requests' own."""
        conn.cert_reqs = "CERT_REQUIRED"

    def send(self, *arguments: Any, **options: Any) -> requests.Response:
        """The answer with its body; raises ValueError for one that is too long."""
        response = super().send(*arguments, **{**options, "stream": True})
        body = response.raw.read(_MOST + 1)
        if len(body) > _MOST:
            raise ValueError("an answer is over the limit")
        response.raw.close()
        response.raw = BytesIO(body)
        return response


class _Answers(JSONAdapter):  # type: ignore[misc]  # hvac brings no types
    """Gives back JSON objects of successful answers; whatever else comes is Lost or Down."""

    def request(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        """The JSON object of an answer; raises Lost, Down."""
        try:
            response = super().request(*arguments, **{**options, "raise_exception": False})
        except RecursionError:
            response = None  # JSON that is nested too deep
        if isinstance(response, dict):
            return response
        status = response.status_code if isinstance(response, requests.Response) else 200
        if 300 <= status < 400:
            raise Down(
                f"the Vault redirects ({status}), which is not followed",
                "set VAULT_ADDR to the active node's address",
            )
        if status == 200 or not _is_object(response):
            raise Down(f"what answers ({status}) is no Vault: it sent no JSON object", ADDRESS)
        raise refusal(status)

    def get_login_token(self, response: Any) -> str:
        """The token of a login's answer; raises Down."""
        auth = response.get("auth")
        token = auth.get("client_token") if isinstance(auth, dict) else None
        if not isinstance(token, str) or not token:
            raise Down("the Vault answered the login without a token", ADDRESS)
        return token


def _is_object(response: requests.Response) -> bool:
    try:
        return isinstance(response.json(), dict)
    except (ValueError, RecursionError):
        return False


class Refused(Lost):
    """What the Vault refuses (4xx), with its status."""

    def __init__(self, status: int, why: str, mend: str) -> None:
        super().__init__(why, mend)
        self.status = status


def refusal(status: int) -> Lost:
    """What a status without a secret means."""
    if status == 404:
        return Refused(
            status,
            "the Vault has no such secret",
            "the path is as `vault kv get` takes it, without data/",
        )
    if status == 403:
        return Refused(
            status,
            "the Vault refuses it (403)",
            "the token must not have expired, and its policy must let it read there",
        )
    if status == 503:
        return Down("the Vault is sealed, or not ready (503)", "unseal it, then run again")
    if status == 501:
        return Down("the Vault is not initialized (501)", ADDRESS)
    if status >= 429:
        return Down(f"the Vault failed ({status})", "look at its own log")
    return Refused(status, f"the Vault answered {status}, and no secret", ADDRESS)


def open_session(server: Server, url: str) -> requests.Session:
    """A session for requests to that url, with our authorities and proxy; raises Down."""
    for name in ("urllib3", "requests"):  # at DEBUG they log paths
        logging.getLogger(name).setLevel(logging.WARNING)
    session = requests.Session()
    session.trust_env = False  # no .netrc, and no proxy for plain http
    session.headers["Accept-Encoding"] = "identity"
    try:
        context = trusting(server.ca_file)
        proxy = server.network.proxy_for(url)
    except BadRequest as error:
        raise Down(str(error), "correct it, then run again") from None
    if server.own_ca_file is not None:
        try:
            trusting(server.own_ca_file, context)
        except BadRequest:
            raise Down(
                "the certificates of VAULT_CACERT cannot be read",
                "set VAULT_CACERT to a PEM file, then run again",
            ) from None
    session.proxies = {"https": proxy.url} if proxy is not None else {}
    session.mount("https://", _Transport(context))
    session.mount("http://", _Transport(context))
    return session


def open_client(server: Server, timeout: float) -> Any:
    """Hvac's client, without a token yet; raises Down."""
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


def asked(server: Server, url: str, what: str, work: Callable[[], T]) -> T:
    """What `work` returns, which asks `what` at that url; raises Lost, Down, TimeoutError.

    No error of the libraries leaves here: they quote what was sent.
    """
    try:
        return work()
    except Lost:
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
        raise _failure(server, url, what, error) from None


def _failure(server: Server, url: str, what: str, error: Exception) -> Down:
    causes = tuple(_causes(error))
    found = next((cause for cause in causes if isinstance(cause, ssl.SSLError)), None)
    if isinstance(found, ssl.SSLCertVerificationError):
        kind = _CERTIFICATE.get(found.verify_code, "is not trusted")
        return Down(f"the TLS certificate of {what} {kind}", _TRUST)
    if found is not None:
        why, mend = _ALERTS.get(
            found.reason or "",
            (f"the TLS handshake with {what} failed", "is it a TLS server, and is its port right?"),
        )
        return Down(why, mend)
    proxy = server.network.proxy_for(url)
    if proxy is not None and any(
        isinstance(cause, requests.exceptions.ProxyError) for cause in causes
    ):
        mend = "is HTTPS_PROXY right? NO_PROXY lists what is reached without a proxy"
        return Down(f"the proxy {proxy.shown} opened no connection to {what}", mend)
    if any(isinstance(cause, NewConnectionError) for cause in causes):
        return Down(f"{what} cannot be reached", ADDRESS)
    return Down(f"what answers is not {what}: it breaks off, or speaks no HTTP", ADDRESS)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that led to it: libraries keep some in arguments only."""
    todo: list[Any] = [error]
    seen: list[BaseException] = []
    while todo:
        at = todo.pop(0)
        if isinstance(at, BaseException) and at not in seen:
            seen.append(at)
            todo += [at.__cause__, at.__context__, getattr(at, "reason", None), *at.args]
    yield from seen
