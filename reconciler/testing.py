"""Validates endpoints: one test delivery each, from the tenant, from this machine, or both.

This module decides on the deliveries of a webhook and when one passes; `delivery` and the provider
send them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final, Literal

from reconciler.core.errors import BadAnswer, ProviderError, Unauthorized, Unreachable
from reconciler.core.model.auth import get_credential, get_scheme, with_credential
from reconciler.core.model.capabilities import TENANT, list_dated_schemes
from reconciler.core.model.scopes import get_git_key
from reconciler.core.model.secret import Secret
from reconciler.core.model.webhook import Declared, Subscription, Webhook
from reconciler.core.results.reports import Check, CheckKind, Delivery, TestReport, Verdict

DEFAULT_EVENT: Final = Subscription("elastio:recovery-point:create:started", "v0", "info")
WRONG: Final = Secret("reconciler-check-auth-wrong-credential", "--check-auth")
_WRONG_KEYS: Final[Mapping[str, Secret]] = {  # keys of the right form, which no receiver has
    "standard": Secret("whsec_" + "cmVjb25jaWxlci1jaGVjay1hdXRoLXdyb25nLWtleS4=", "--check-auth"),
    "standard-v1a": Secret(
        "whsk_" + "cmVjb25jaWxlci1jaGVjay1hdXRoLXdyb25nLWtleS4=", "--check-auth"
    ),
}
_DATED: Final = list_dated_schemes(TENANT)
NOT_REACHED: Final = "not tested: the run ended before it"
UNANSWERED: Final = (
    "not tested: the run ended before the answer; the endpoint may have received the test"
)
RIGHT_REFUSED: Final = "the right credential was refused too, so this check shows nothing"
RIGHT_NOT_SENT: Final = (
    "no delivery with the right credential was made, so this check shows nothing"
)

Trial = Literal["", "wrong credential", "old timestamp", "replay"]
"""What is wrong with a delivery on purpose; empty for nothing."""

Send = Callable[[Webhook, Subscription, Trial], Awaitable[Delivery]]


@dataclass(frozen=True, slots=True)
class Wish:
    """What to test: every subscription or the first, also a wrong credential, and the latency in
    seconds to stay under. Signatures of `dated_schemes` cover the time and the id of a delivery.
    """

    all_events: bool = False
    check_auth: bool = False
    max_latency: float | None = None
    parallelism: int = 10
    dated_schemes: frozenset[str] = _DATED


@dataclass(frozen=True, slots=True)
class Step:
    """One delivery to make: its webhook, its sender (`tenant` or `probe`), its values, its check,
    and what is wrong with it on purpose.
    """

    key: str
    via: str
    spec: Webhook
    event: Subscription
    check: CheckKind
    trial: Trial = ""


def choose_events(spec: Webhook, *, all_events: bool) -> tuple[Subscription, ...]:
    """The subscriptions to send, in their order: the first, or all; a webhook without any gets the
    default event.
    """
    sorted_events = tuple(sorted(spec.subscriptions, key=lambda item: item.sort_key))
    return (sorted_events if all_events else sorted_events[:1]) or (DEFAULT_EVENT,)


def steps_of(declared: Declared, via: str, wish: Wish) -> tuple[Step, ...]:
    """The deliveries that one webhook gets, in their order."""
    spec, events = declared.spec, choose_events(declared.spec, all_events=wish.all_events)
    steps = [Step(declared.key, via, spec, event, "delivery") for event in events]
    if wish.check_auth and get_credential(spec.auth) is not None:
        credential = _WRONG_KEYS.get(get_scheme(spec.auth), WRONG)
        wrong = replace(spec, auth=with_credential(spec.auth, credential))
        steps.append(Step(declared.key, via, wrong, events[0], "auth", "wrong credential"))
        is_dated = get_scheme(spec.auth) in wish.dated_schemes
        if is_dated and via == "probe":  # a tenant dates and numbers by itself
            trials: tuple[Trial, ...] = ("old timestamp", "replay")
            steps += (Step(declared.key, via, spec, events[0], "auth", trial) for trial in trials)
    return tuple(steps)


class Testing:
    """One run of tests. It keeps the results so far, so that an interrupted run can be reported."""

    __test__ = False  # not a test case, although its name looks like one

    def __init__(
        self, declared: Iterable[Declared], senders: Mapping[str, Send], wish: Wish
    ) -> None:
        self._senders, self._wish = senders, wish
        sorted_webhooks = sorted(declared, key=lambda item: item.key)
        probed = {get_git_key(item.key): item for item in reversed(sorted_webhooks)}
        self._webhooks = [
            steps_of(item, via, wish)
            for item in sorted_webhooks
            for via in senders
            if via != "probe" or probed[get_git_key(item.key)] is item  # once in a fleet
        ]
        self._made: dict[Step, Delivery] = {}
        self._failed: dict[Step, ProviderError] = {}
        self._heard: dict[Step, ProviderError] = {}  # of those cut off while they were tried again
        self._begun: set[Step] = set()
        self._over = False

    @property
    def total(self) -> int:
        """How many deliveries there are to make."""
        return sum(map(len, self._webhooks))

    @property
    def error(self) -> ProviderError | None:
        """What the tenant failed with, if it kept every delivery from being made; None once one was
        made.
        """
        return None if self._made else next(iter(self._failed.values()), None)

    async def run(self, progress: Callable[[Delivery], None] = lambda _delivery: None) -> None:
        """Makes the deliveries, `parallelism` webhooks at once and those of one webhook one after
        the other.
        """
        queue = list(reversed(self._webhooks))

        async def worker() -> None:
            while queue:
                for step in queue.pop():
                    await self._test_webhook(step, progress)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(self._wish.parallelism, len(queue))):
                group.create_task(worker())

    async def _test_webhook(self, step: Step, progress: Callable[[Delivery], None]) -> None:
        if self._over:
            return
        self._begun.add(step)
        try:
            self._made[step] = await self._senders[step.via](step.spec, step.event, step.trial)
        except ProviderError as error:
            self._failed[step] = error
            self._over = self._over or self._ends_all(error)
        except asyncio.CancelledError as cut:
            if isinstance(cut.__cause__, ProviderError):
                self._heard[step] = cut.__cause__
            raise
        else:
            progress(self._made[step])

    def _ends_all(self, error: ProviderError) -> bool:
        """Whether no other delivery can do better: our token is refused, or this is no tenant, or
        it has not answered yet.
        """
        is_refused = isinstance(error, Unauthorized) and not error.object_only
        return is_refused or (isinstance(error, BadAnswer | Unreachable) and not self._made)

    def report(self) -> TestReport:
        """Every check of every webhook, by key; one that was not made is `interrupted`, and not
        tested.
        """
        return TestReport(
            tuple(
                check
                for steps in self._webhooks
                for step in steps
                for check in self._checks(step, self._made.get(steps[0]))
            )
        )

    def _reason(self, step: Step) -> str:
        """Why a delivery was not made."""
        if step in self._heard:
            return f"{NOT_REACHED}; before that: {self._heard[step]}"
        return str(self._failed.get(step, UNANSWERED if step in self._begun else NOT_REACHED))

    def _checks(self, step: Step, right: Delivery | None) -> list[Check]:
        """What a delivery shows; `right` is the webhook's first one with the declared credential,
        if it was made.
        """
        delivery = self._made.get(step) or self._late(step)
        if delivery is None:
            cut = Delivery(
                step.spec.name, step.event, Verdict.INTERRUPTED, detail=self._reason(step)
            )
            return [Check(cut, step.key, step.via, step.check, passed=False, tested=False)]
        if step.check == "auth":
            return [self._auth_check(step, delivery, right)]
        is_passed = delivery.verdict is Verdict.DELIVERED
        is_known = delivery.verdict is not Verdict.INTERRUPTED
        checks = [
            Check(delivery, step.key, step.via, "delivery", passed=is_passed, tested=is_known)
        ]
        if self._wish.max_latency is not None and is_passed:
            checks.append(
                Check(
                    delivery,
                    step.key,
                    step.via,
                    "latency",
                    delivery.seconds <= self._wish.max_latency,
                )
            )
        return checks

    def _late(self, step: Step) -> Delivery | None:
        """A test whose answer did not come in time: it may have been sent, so it is not
        repeated.
        """
        error = self._failed.get(step)
        if not isinstance(error, Unreachable) or error.waited is None:
            return None
        return Delivery(
            step.spec.name, step.event, Verdict.TIMEOUT, detail=str(error), seconds=error.waited
        )

    def _auth_check(self, step: Step, delivery: Delivery, first_delivery: Delivery | None) -> Check:
        """Refusing a wrong credential shows something only where the right one is not refused."""
        is_refused = _is_refused(step, delivery)
        if is_refused and (first_delivery is None or _is_refused(step, first_delivery)):
            reason = RIGHT_NOT_SENT if first_delivery is None else RIGHT_REFUSED
            return Check(replace(delivery, detail=reason), step.key, step.via, "auth", passed=False)
        if get_scheme(step.spec.auth):
            verb = "was refused" if is_refused else "was not refused"
            delivery = replace(delivery, detail=f"{_TRIALS[step.trial]} {verb}")
        return Check(delivery, step.key, step.via, "auth", is_refused)


_TRIALS: Final[Mapping[Trial, str]] = {
    "wrong credential": "a signature with another key",
    "old timestamp": "a timestamp of an hour ago",
    "replay": "the same message a second time",
}


def _is_refused(step: Step, delivery: Delivery) -> bool:
    """Whether an endpoint refused a delivery for its credential; 400 is usual for a signature."""
    is_signed = bool(get_scheme(step.spec.auth))
    return delivery.verdict is Verdict.AUTH_REFUSED or (
        is_signed and delivery.status_code == HTTPStatus.BAD_REQUEST
    )
