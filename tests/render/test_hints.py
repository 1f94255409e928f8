"""Hints fit causes, and name the option that has to change: this command's, or that of the tenant's
server.
"""

from __future__ import annotations

import pytest

from reconciler.core.model.webhook import Subscription
from reconciler.core.results.cause import Cause, find_cause
from reconciler.core.results.reports import Check, Delivery, Verdict
from reconciler.rendering.hints import HINTS, check_hint

EVENT = Subscription("elastio:recovery-point:create:started", "v0", "info")


def hint(cause: Cause, via: str = "probe", status: int | None = None) -> str:
    check = Check(
        Delivery("hook", EVENT, cause.verdict, status, cause.text),
        "hook",
        via,
        "delivery",
        passed=False,
    )
    return check_hint(check) or ""


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (413, "limits the size of a request"),
        (415, "application/json"),
        (429, "--parallelism"),
        (422, "receiver's log"),
    ],
)
def test_a_status_has_the_hint_that_fits_it_whatever_the_tenant_writes_beside_it(
    status: int, words: str
) -> None:
    assert words in hint(find_cause(status), status=status)
    foreign = Check(
        Delivery("hook", EVENT, Verdict.REJECTED, status, "no"),
        "hook",
        "tenant",
        "delivery",
        passed=False,
    )
    assert words in (check_hint(foreign) or "")


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (Cause.NO_CREDENTIAL, "no credential was sent: declare spec.auth"),
        (Cause.TLS_CLIENT_CERTIFICATE, "deliveries have no client certificate"),
        (Cause.TLS_REFUSED, "client certificate"),
        (Cause.TLS_NOT_SPOKEN, "plain HTTP"),
        (Cause.TLS_EXPIRED, "renew"),
        (Cause.TLS_OTHER_NAME, "host name of the url"),
        (Cause.PROXY_DOWN, "--delivery-proxy"),
        (Cause.PROXY_REFUSED, "--delivery-proxy"),
        (Cause.PROXY_CREDENTIAL, "--delivery-proxy"),
    ],
)
def test_a_cause_has_the_hint_that_fits_it(cause: Cause, words: str) -> None:
    assert words in hint(cause)
    assert words in hint(cause, "tenant")


@pytest.mark.parametrize(
    ("cause", "option"),
    [
        (Cause.BLOCKED_ADDRESS, "--allow-network CIDR"),
        (Cause.BLOCKED_PORT, "--allow-port N"),
        (Cause.TLS_UNTRUSTED, "--ca-file FILE"),
    ],
)
def test_who_sends_decides_whose_option_is_named(cause: Cause, option: str) -> None:
    assert f"tenant serve {option}" in hint(cause, "tenant")
    assert "with --local, the same option of this command" in hint(cause, "tenant")
    assert option in hint(cause)
    assert "tenant serve" not in hint(cause)


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause is not Cause.DELIVERED])
def test_every_cause_has_a_hint(cause: Cause) -> None:
    assert hint(cause)
    assert cause.verdict in HINTS
