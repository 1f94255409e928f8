"""What to do about a failed check of an endpoint: by its cause, else by its status, else by its
verdict.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.core.results.cause import Cause
from reconciler.core.results.reports import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.results.reports import Check

HINTS: Final = {
    Verdict.AUTH_REFUSED: "the endpoint refused the credential: compare it with what "
    "the receiver expects",
    Verdict.NOT_FOUND: "nothing takes a POST there: check the url's path",
    Verdict.REJECTED: "the endpoint refused the test event: look into the receiver's log",
    Verdict.RECEIVER_ERROR: "the receiver failed on the test event: look into its log",
    Verdict.REDIRECTED: "redirects are not followed: declare the final url",
    Verdict.TIMEOUT: "no answer in time: the receiver must answer first and work afterwards",
    Verdict.UNRESOLVED: "the host name has no address: check its spelling and its DNS",
    Verdict.REFUSED: "nothing listens at that host and port, or a firewall refuses",
    Verdict.BROKEN: "the connection was cut, or what answered does not speak HTTP: "
    "check scheme and port",
    Verdict.TLS: "the certificate was not accepted: check its chain, its host name and its dates",
    Verdict.BLOCKED: "the address guard refuses that address or port: see "
    "--allow-network and --allow-port",
    Verdict.INTERRUPTED: "the run ended before the answer: run the test again",
}
_NO_CERTIFICATE: Final = (
    "deliveries have no client certificate: let the endpoint take one of the types of "
    "spec.auth instead"
)
_BY_CAUSE: Final[Mapping[str | None, str]] = {
    Cause.NO_CREDENTIAL.text: "no credential was sent: declare spec.auth; if the url holds "
    "the credential, check "
    "the url",
    Cause.TLS_CLIENT_CERTIFICATE.text: _NO_CERTIFICATE,
    Cause.TLS_REFUSED.text: "let the endpoint take TLS 1.2 or 1.3. If it wants a "
    "client certificate: "
    f"{_NO_CERTIFICATE}",
    Cause.TLS_NOT_SPOKEN.text: "the url begins with https://, and the port seems to speak "
    "plain HTTP: check both",
    Cause.TLS_EXPIRED.text: "renew the endpoint's certificate, and check the "
    "clocks of both machines",
    Cause.TLS_OTHER_NAME.text: "the certificate must be for the host name of the url: "
    "correct one of the two",
    Cause.BLOCKED_URL.text: "correct spec.url: it must be an absolute http:// or https:// url",
    Cause.BLOCKED_HEADER.text: "the credential must be printable ASCII: correct the secret",
    Cause.NO_CONNECTION_IN_TIME.text: "the host does not answer: check host, port and "
    "firewalls on the way",
    Cause.PROXY_DOWN.text: "look at the proxy of tenant serve --delivery-proxy: is its "
    "address right, and does "
    "it run?",
    Cause.PROXY_REFUSED.text: "let the proxy of tenant serve --delivery-proxy allow CONNECT "
    "to the endpoint's IP "
    "address",
    Cause.PROXY_CREDENTIAL.text: "correct the user name and password in tenant "
    "serve --delivery-proxy",
}
_BY_STATUS: Final[Mapping[int | None, str]] = {
    413: "the endpoint limits the size of a request: raise its limit, such as "
    "client_max_body_size of nginx",
    415: "deliveries are application/json, without a charset: let the endpoint take that",
    429: "the endpoint limits how often it is called: raise its limit, or test fewer webhooks "
    "at once with --parallelism",
}
_BY_PROBE: Final[Mapping[str | None, str]] = {
    Cause.TLS_UNTRUSTED.text: "if a private authority issued the certificate, name its "
    "file: --ca-file FILE",
    Cause.BLOCKED_ADDRESS.text: "the address guard refuses that address; to allow it: "
    "--allow-network CIDR",
    Cause.BLOCKED_PORT.text: "the address guard refuses that port; to allow it: --allow-port N",
}
_LOCAL: Final = "with --local, the same option of this command"
_AT_TENANT: Final[Mapping[str | None, str]] = {
    Cause.TLS_UNTRUSTED.text: "if a private authority issued the certificate: tenant "
    "serve --ca-file FILE "
    f"({_LOCAL})",
    Cause.BLOCKED_ADDRESS.text: "the address guard refuses it; allow it with tenant serve "
    "--allow-network CIDR "
    f"({_LOCAL})",
    Cause.BLOCKED_PORT.text: "the address guard refuses that port; allow it with tenant "
    "serve --allow-port N "
    f"({_LOCAL})",
}


def check_hint(check: Check) -> str | None:
    """What to do about a failed check; None if it passed."""
    if check.passed:
        return None
    delivery = check.delivery
    if not check.tested:
        return "this says nothing of the endpoint: see the reason, then run the test again"
    delivered = delivery.verdict is Verdict.DELIVERED
    if check.check == "auth" and delivery.verdict is Verdict.AUTH_REFUSED:
        return "correct the credential first, then check again that a wrong one is refused"
    if check.check == "auth" and delivered:
        return "the endpoint took a wrong credential: let it answer 401 or 403"
    if check.check == "latency" and delivered:
        return "slower than --max-latency: the receiver must answer first and work afterwards"
    hints = _AT_TENANT if check.via == "tenant" else _BY_PROBE
    return (
        hints.get(delivery.detail)
        or _BY_CAUSE.get(delivery.detail)
        or _BY_STATUS.get(delivery.status_code)
        or HINTS.get(delivery.verdict)
    )
