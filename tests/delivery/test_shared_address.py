"""Names that share an address, names whose address changes, and redirects: what was checked is what
is connected to.
"""

from __future__ import annotations

from itertools import cycle
from urllib.parse import quote

import pytest

from reconciler.core.results.cause import Cause
from reconciler.core.results.reports import Verdict
from reconciler.delivery.guard import AddressPolicy
from tests.delivery.conftest import Deliver
from tests.support.receiver import Receiver
from tests.support.tls import Authority, TlsReceiver

# Of the whole network only this address may be reached: it stands in for a public one, since tests
# stay on loopback.
PUBLIC = "127.0.0.2"
ONLY_PUBLIC = AddressPolicy.parse([PUBLIC])


def test_a_certificate_for_another_name_is_refused_although_a_connection_to_the_address_is_pooled(
    deliver: Deliver,
) -> None:
    authority = Authority()
    with TlsReceiver(authority, "good.example") as receiver:
        good, other = receiver.url("/ok", "good.example"), receiver.url("/ok", "other.example")
        done = deliver(
            good, other, good, tls=authority.trust(), resolve=lambda _host, _port: ["127.0.0.1"]
        )
        assert [one.verdict for one in done] == [Verdict.DELIVERED, Verdict.TLS, Verdict.DELIVERED]
        assert done[1].detail == Cause.TLS_OTHER_NAME.text
        # Both deliveries to the good name went over the first connection: it was pooled while the
        # other name was refused.
        hosts = [(request.header("Host"), request.connection) for request in receiver.requests]
        assert hosts == [(f"good.example:{receiver.port}", 1)] * 2
        assert receiver.connections == 2


@pytest.mark.parametrize("answers", [[PUBLIC, "127.0.0.1"], ["127.0.0.1", PUBLIC]])
def test_of_a_resolver_that_changes_its_answer_an_attempt_asks_once_and_no_connection_is_opened(
    deliver: Deliver, receiver: Receiver, answers: list[str]
) -> None:
    asked, turn = [], cycle(answers)

    def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        return [next(turn)]

    urls = [f"http://rebinding.example:{receiver.port}/ok"] * 6
    done = deliver(*urls, policy=ONLY_PUBLIC, resolve=resolve)
    ends = {
        PUBLIC: Cause.REFUSED.text,
        "127.0.0.1": Cause.BLOCKED_ADDRESS.text,
    }  # the first has no listener
    assert [one.detail for one in done] == [ends[address] for address in answers * 3]
    assert asked == ["rebinding.example"] * 6
    assert receiver.connections == 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_place_opens_no_connection_there(
    deliver: Deliver, receiver: Receiver, status: int
) -> None:
    with Receiver() as elsewhere:
        done = deliver(
            receiver.url(f"/redirect?status={status}&to={quote(elsewhere.url('/ok'), safe='')}")
        )
        assert (done.verdict, done.status_code) == (Verdict.REDIRECTED, status)
        assert elsewhere.connections == 0
    assert len(receiver.requests) == 1
