"""Several notifiers at once: one that fails, hangs or has a defect keeps no other."""

from __future__ import annotations

import asyncio
import time

from reconciler.continuous.notifications.cloud_event import CloudEventNotifier
from reconciler.continuous.notifications.notice import Notice, Result, make_notice
from reconciler.continuous.notifications.notifier import NotSent
from reconciler.continuous.notifications.send import notify
from reconciler.core.model.secret import Secret
from reconciler.delivery.guard import AddressPolicy
from reconciler.delivery.send import Sender
from tests.support.receiver import SIGNING_KEY, Receiver

RESULT = Result("prod", "ok", 0.0)
NOTICES = [make_notice("applied", RESULT, ["ci: created"]), make_notice("recovered", RESULT, [])]


class Notes:
    """Keeps what it gets."""

    name = "notes"

    def __init__(self) -> None:
        self.notices: list[Notice] = []

    async def send(self, notice: Notice) -> None:
        self.notices.append(notice)


class Refusing(Notes):
    """Refuses the first notice."""

    name = "refusing"

    async def send(self, notice: Notice) -> None:
        await super().send(notice)
        if len(self.notices) == 1:
            raise NotSent("the service is closed")


class Hanging(Notes):
    name = "hanging"

    async def send(self, _notice: Notice) -> None:
        await asyncio.sleep(60)


class Broken(Notes):
    name = "broken"

    async def send(self, _notice: Notice) -> None:
        raise RuntimeError("https://hooks.example.com/t0ken")


class Late(Notes):
    """Raises the TimeoutError of a library, long before its time is over."""

    name = "late"

    async def send(self, _notice: Notice) -> None:
        raise TimeoutError("https://hooks.example.com/t0ken")


def test_each_notifier_gets_each_notice_in_order() -> None:
    notes, others = Notes(), Notes()
    assert asyncio.run(notify(NOTICES, [notes, others])) == ()
    assert notes.notices == others.notices == NOTICES


def test_one_that_fails_keeps_no_other_and_is_reported() -> None:
    notes, refusing = Notes(), Refusing()
    started = time.monotonic()
    failures = asyncio.run(
        notify(NOTICES, [Hanging(), Broken(), Late(), refusing, notes], seconds=0.3)
    )
    assert time.monotonic() - started < 5
    assert notes.notices == refusing.notices == NOTICES
    assert failures == (
        "hanging: the notice applied of prod was not sent: its time is over",
        "hanging: the notice recovered of prod was not sent: its time is over",
        "broken: the notice applied of prod was not sent: an unexpected RuntimeError",
        "broken: the notice recovered of prod was not sent: an unexpected RuntimeError",
        "late: the notice applied of prod was not sent: an unexpected TimeoutError",
        "late: the notice recovered of prod was not sent: an unexpected TimeoutError",
        "refusing: the notice applied of prod was not sent: the service is closed",
    )


def test_nothing_to_tell_asks_nobody() -> None:
    assert asyncio.run(notify([], [Broken()])) == ()
    assert asyncio.run(notify(NOTICES, [])) == ()


def test_a_notice_of_no_tenant_is_reported_by_its_kind() -> None:
    notice = make_notice("failed", Result("", "failed", 0.0), [])
    assert asyncio.run(notify([notice], [Refusing()])) == (
        "refusing: the notice failed was not sent: the service is closed",
    )


def test_a_receiver_that_hangs_keeps_none_that_answers() -> None:
    async def main(receiver: Receiver) -> tuple[str, ...]:
        async with Sender(AddressPolicy.parse(["127.0.0.0/8"])) as sender:
            urls = [receiver.url(path) for path in ("/hang", "/signed-lax")]
            notifiers = [
                CloudEventNotifier(
                    Secret(url), Secret(SIGNING_KEY), sender, source="/agent", name=url[-5:]
                )
                for url in urls
            ]
            return await notify(NOTICES, notifiers, seconds=0.5)

    with Receiver() as receiver:
        failures = asyncio.run(main(receiver))
        signed = [request for request in receiver.requests if request.path == "/signed-lax"]
    assert len(signed) == 2
    assert len(failures) == 2
    assert all("its time is over" in text for text in failures)


def test_cancelling_ends_it() -> None:
    async def main() -> bool:
        task = asyncio.create_task(notify(NOTICES, [Hanging()]))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.wait([task], timeout=5)
        return task.cancelled()

    assert asyncio.run(main())
