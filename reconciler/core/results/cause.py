"""The closed list of causes of an attempt, each with its verdict and its text. Pure.

Only these texts are stored or printed of a failure, so no exception, header or body of a receiver
can reach an output.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from reconciler.core.results.reports import Verdict


class Cause(Enum):
    """Why an attempt ended as it did: the verdict, and the text for people (None for a success)."""

    DELIVERED = (Verdict.DELIVERED, None)
    AUTH_REFUSED = (Verdict.AUTH_REFUSED, "the endpoint refused the credential")
    NO_CREDENTIAL = (Verdict.AUTH_REFUSED, "the endpoint refused a request without a credential")
    NOT_FOUND = (Verdict.NOT_FOUND, "there is no endpoint at this url, or none that takes POST")
    REJECTED = (Verdict.REJECTED, "the endpoint did not accept the request")
    TOO_LARGE = (Verdict.REJECTED, "the endpoint does not take a body of this size")
    OTHER_TYPE = (Verdict.REJECTED, "the endpoint does not take application/json")
    TOO_MANY = (Verdict.REJECTED, "the endpoint limits how many requests it takes")
    RECEIVER_ERROR = (Verdict.RECEIVER_ERROR, "the endpoint failed while handling the request")
    REDIRECTED = (
        Verdict.REDIRECTED,
        "the endpoint answered with a redirect, which is not followed",
    )
    NO_CONNECTION_IN_TIME = (Verdict.TIMEOUT, "no connection within the time limit")
    NO_ANSWER_IN_TIME = (Verdict.TIMEOUT, "no answer within the time limit")
    UNRESOLVED = (Verdict.UNRESOLVED, "the host name does not resolve")
    REFUSED = (Verdict.REFUSED, "the connection was refused, or the host cannot be reached")
    PROXY_DOWN = (Verdict.REFUSED, "the proxy for deliveries cannot be reached")
    PROXY_REFUSED = (
        Verdict.REFUSED,
        "the proxy for deliveries did not open a connection to the endpoint",
    )
    PROXY_CREDENTIAL = (Verdict.REFUSED, "the proxy for deliveries refused its credential")
    LOST = (Verdict.BROKEN, "the connection was lost before a whole answer came")
    NOT_HTTP = (Verdict.BROKEN, "what came is not an HTTP answer to the request")
    TLS_UNTRUSTED = (Verdict.TLS, "the certificate is not trusted")
    TLS_EXPIRED = (Verdict.TLS, "the certificate has expired or is not valid yet")
    TLS_OTHER_NAME = (Verdict.TLS, "the certificate is for a different name")
    TLS_CLIENT_CERTIFICATE = (
        Verdict.TLS,
        "the endpoint wants a client certificate, which deliveries do not have",
    )
    TLS_REFUSED = (
        Verdict.TLS,
        (
            "the endpoint refused the TLS handshake: it wants a client certificate, or "
            "shares no TLS version or cipher with us"
        ),
    )
    TLS_NOT_SPOKEN = (Verdict.TLS, "the port does not speak TLS, as one for plain HTTP does not")
    TLS_FAILED = (Verdict.TLS, "the TLS handshake failed")
    BLOCKED_ADDRESS = (Verdict.BLOCKED, "the address is not a public one and is not allowed")
    BLOCKED_PORT = (Verdict.BLOCKED, "the port is not allowed")
    BLOCKED_URL = (Verdict.BLOCKED, "the url is not one that deliveries can be sent to")
    BLOCKED_HEADER = (Verdict.BLOCKED, "the authentication cannot stand in a header")
    INTERRUPTED = (Verdict.INTERRUPTED, "the sender stopped before an answer came")

    @property
    def verdict(self) -> Verdict:
        """The word of the closed list in README.md."""
        verdict: Verdict = self.value[0]
        return verdict

    @property
    def text(self) -> str | None:
        """One clause for people; None for a success."""
        text: str | None = self.value[1]
        return text


DETAILS: Final = frozenset(cause.text for cause in Cause)
"""Every text that can stand in `Delivery.detail`."""

_SINGLE: Final = {
    401: Cause.AUTH_REFUSED,
    403: Cause.AUTH_REFUSED,
    404: Cause.NOT_FOUND,
    405: Cause.NOT_FOUND,
    410: Cause.NOT_FOUND,
    413: Cause.TOO_LARGE,
    415: Cause.OTHER_TYPE,
    429: Cause.TOO_MANY,
}
_CLASSES: Final = {
    2: Cause.DELIVERED,
    3: Cause.REDIRECTED,
    4: Cause.REJECTED,
    5: Cause.RECEIVER_ERROR,
}


def find_cause(status: int, *, credential: bool = True) -> Cause:
    """The cause of a status code, with or without a credential; a code outside of 200 to 599 is no
    answer.
    """
    if not credential and _SINGLE.get(status) is Cause.AUTH_REFUSED:
        return Cause.NO_CREDENTIAL
    return _SINGLE.get(status) or _CLASSES.get(status // 100, Cause.NOT_HTTP)
