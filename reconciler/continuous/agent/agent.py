"""The agent: a Git source, the controller, and the HTTP server, until it is stopped."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from reconciler import __version__
from reconciler.connect import open_provider
from reconciler.continuous.agent.outbox import Outbox, Recipients
from reconciler.continuous.agent.server import create_app, serving
from reconciler.continuous.agent.status import make_status, make_tenant
from reconciler.continuous.controller import Controller
from reconciler.continuous.forges.replays import Replays
from reconciler.continuous.git.source import GitSource
from reconciler.continuous.loop import Settings as LoopSettings
from reconciler.continuous.metrics import Metrics
from reconciler.continuous.results import describe_error
from reconciler.continuous.run import Runner
from reconciler.continuous.run import Settings as RunSettings
from reconciler.continuous.schedule import JITTER
from reconciler.core.model.secret import Secret
from reconciler.net.listening import Place

_LAST_NOTICES: Final = 5.0  # seconds that notices may take at the end
_log = logging.getLogger("reconciler.continuous.agent")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AgentSettings:
    """`interval` is the number of seconds between two looks at the repository, `grace` how long
    requests under way may take at the end. `hook_secrets` are those of the push webhooks by forge;
    `recipients` get notifications and commit statuses.
    `branch` is the one that the source follows, `repository` its address for people.
    """

    run: RunSettings
    place: Place
    branch: str
    repository: str
    interval: float = 60.0
    grace: float = 30.0
    workers: int = 10
    hook_secrets: Mapping[str, Secret] = field(default_factory=dict)
    recipients: Recipients = field(default_factory=Recipients)
    clock: Callable[[], float] = time.monotonic
    spread: Callable[[], float] = lambda: random.uniform(-1.0, 1.0)  # noqa: S311  no secret


class Agent:
    """One agent. `stop` ends it, from a signal handler too."""

    def __init__(self, source: GitSource, settings: AgentSettings) -> None:
        self._source, self._settings = source, settings
        self._metrics = Metrics()
        loop = LoopSettings(settings.clock, settings.spread, settings.workers)
        observed = partial(open_provider, observe=self._metrics.note_call)
        runner = Runner(source, replace(settings.run, open=observed))
        self._outbox = Outbox(settings.recipients)
        sinks = (self._outbox.note_result,)
        self._controller = Controller(source, runner, loop, self._metrics, sinks)
        self._look = asyncio.Event()
        self._stopped = asyncio.Event()
        self._last_look: datetime | None = None
        self._last_problem = ""
        self._replays = Replays()

    def stop(self) -> None:
        """Ends the agent: nothing new is started, requests under way are finished."""
        self._stopped.set()

    async def run(self, ready: Callable[[str], None]) -> None:
        """Until `stop`; `ready` gets the origin of the page. Raises NotServed, BadRequest."""
        place = self._settings.place
        app = create_app(self, self._settings.hook_secrets, place.hosts)
        async with serving(app, place) as origin:
            ready(origin)
            beside = [asyncio.ensure_future(each) for each in (self._poll(), self._outbox.run())]
            try:
                await self._controller.run_until_stopped(
                    self._stopped, self._settings.grace, beside
                )
            finally:
                for task in beside:
                    task.cancel()
                await asyncio.gather(*beside, return_exceptions=True)
                await self._outbox.close(_LAST_NOTICES)

    async def _poll(self) -> None:
        """Looks at the repository at each interval, and when a push says so."""
        while True:
            self._look.clear()
            changed = await self._source.refresh()
            self._last_look = self._settings.run.now()
            self._note_source()
            self._controller.take_tenants(changed=changed)
            if changed:
                tenants = self._source.tenants.items()
                running = [key for key, schedule in tenants if not schedule.suspend]
                self._outbox.note_revision(self._source.revision, running)
            seconds = self._settings.interval * (1 + JITTER * self._settings.spread())
            with suppress(TimeoutError):
                await asyncio.wait_for(self._look.wait(), seconds)

    def _note_source(self) -> None:
        problem = self._source.problem
        self._metrics.note_source(is_ready=problem is None)
        text = "" if problem is None else describe_error(problem)
        if text and text != self._last_problem:
            rest = (
                "the commit in use stays" if self._source.revision else "no Tenant runs until then"
            )
            _log.error("the repository cannot be used: %s; %s", text, rest)
        if not text and self._last_problem:
            _log.info("the repository can be used again")
        self._last_problem = text
        revision = self._source.revision if problem is None else self._source.refused_revision
        self._outbox.note_source(problem, revision, self._settings.run.now().timestamp())

    @property
    def is_ready(self) -> bool:
        """As `Board` says."""
        return bool(self._source.revision) and self._source.problem is None

    def make_status(self) -> dict[str, Any]:
        """As `Board` says."""
        now, clock = datetime.now(UTC), self._settings.clock()
        items = self._controller.loop.items
        tenants = [
            make_tenant(items[key], self._controller.results.get(key), now, clock)
            for key in sorted(items)
        ]
        look = self._last_look
        source = {
            "repository": self._settings.repository,
            "branch": self._settings.branch,
            "revision": self._source.revision or None,
            "problem": self._last_problem or None,
            "last_look": look.isoformat(timespec="seconds") if look else None,
        }
        return make_status(tenants, source, __version__, now)

    def render_metrics(self) -> bytes:
        """As `Board` says."""
        return self._metrics.render()

    def take_push(self, ref: str, delivery: str) -> bool:
        """As `Board` says."""
        if self._replays.is_replay(delivery, self._settings.clock()):
            return False
        if ref != f"refs/heads/{self._settings.branch}":
            return False
        self._look.set()
        return True
