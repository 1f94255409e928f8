"""Tests the endpoints with a delivery each."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace

from reconciler import workflow
from reconciler.cli.actions.probe import Imitation, Probe
from reconciler.cli.options.manifests import ManifestOptions
from reconciler.cli.options.testing import EndpointOptions
from reconciler.cli.run.live_state import known_switched_off
from reconciler.cli.run.prepare import narrow
from reconciler.cli.run.show import show_test
from reconciler.cli.run.source import known_owner, read
from reconciler.cli.run.target_choice import choose_target
from reconciler.cli.run.watched import watched
from reconciler.cli.terminal.console import Console
from reconciler.cli.terminal.ending import Exit
from reconciler.cli.terminal.signals import run
from reconciler.connect import Target, make_sender, open_provider
from reconciler.connection import Connection
from reconciler.core.errors import BadRequest, Rejected
from reconciler.core.model.capabilities import TENANT, list_dated_schemes
from reconciler.core.model.webhook import Declared, Subscription, Webhook
from reconciler.core.results.reports import Delivery, TestReport
from reconciler.deadline import end_in
from reconciler.manifests import TenantSpec
from reconciler.providers import registry
from reconciler.providers.base import Provider, Reader
from reconciler.testing import Send, Testing, Trial, Wish


def test_tenant(console: Console, options: ManifestOptions, endpoints: EndpointOptions) -> int:
    """The endpoints of one tenant; the exit code."""
    wanted = prepare_tests(options, endpoints)
    report, interrupted = run(run_tests(console, wanted, endpoints, alone=True))
    show_test(console, report)
    return exit_code(report, interrupted=interrupted)


def exit_code(report: TestReport, *, interrupted: bool) -> int:
    """The exit code of what was tested."""
    if interrupted:
        return Exit.INTERRUPTED
    return Exit.DONE if report.passed else Exit.FAILED_TEST


@dataclass(frozen=True, slots=True)
class Wanted:
    """The webhooks to test, and the tenant that is to send, if any, with the owner of this run. A
    probe sends what `imitation` says.
    """

    connection: Connection
    selected: tuple[Declared, ...]
    target: Target | None
    owner: str = ""
    imitation: Imitation = field(default_factory=Imitation)

    def within(self, seconds: float | None) -> Wanted:
        """The same with that `--deadline`."""
        return replace(self, connection=self.connection._replace(deadline=seconds))


def prepare_tests(options: ManifestOptions, endpoints: EndpointOptions) -> Wanted:
    """What is to be tested; every secret of it resolves."""
    lenient = not endpoints.by_tenant  # a probe asks no tenant, so none is chosen
    manifests = read(options._replace(rules=options.rules._replace(lenient=lenient)), "require")
    if options.tenant.by_manifest and manifests.tenant is None:
        _require_same_tests(manifests.tenants)
    selected = workflow.require_secrets(manifests, narrow(options).keys(manifests.declared))
    imitation = _find_imitation(manifests.tenant)
    wanted = Wanted(options.connection, selected, None, imitation=imitation)
    if not endpoints.by_tenant:
        return wanted
    target = choose_target(options.tenant, manifests)
    return replace(wanted, target=target, owner=known_owner(options.tenant, manifests))


def _require_same_tests(tenants: Iterable[TenantSpec]) -> None:
    """Raises BadRequest if what a probe sends depends on the tenant, and none is chosen."""
    for spec in tenants:
        reason = "some with patches" if spec.patches else ""
        if _find_imitation(spec).capabilities.envelope is not None:
            reason = "some of products with deliveries of their own"
        if reason:
            raise BadRequest(
                f"several Tenant manifests, {reason}; choose one with --tenant NAME, "
                "or --all-tenants"
            )


def _find_imitation(spec: TenantSpec | None) -> Imitation:
    """In whose place a probe sends: that of the Tenant, else of this project's own tenant."""
    if spec is None:
        return Imitation()
    product = spec.product.capabilities if spec.product is not None else None
    capabilities = product or registry.capabilities(spec.provider) or TENANT
    words = {name: value for name, value in spec.target.items() if isinstance(value, str)}
    words["instance"] = (spec.url or "").rstrip("/")
    return Imitation(capabilities, words, spec.catalogue)


@dataclass(slots=True)
class _Senders:
    """Who sends, by the name that reports give them; `reader` asks the tenant, if it sends."""

    sends: dict[str, Send] = field(default_factory=dict)
    reader: Reader | None = None


@asynccontextmanager
async def _opened(wanted: Wanted, endpoints: EndpointOptions) -> AsyncIterator[_Senders]:
    """The senders that the options ask for, closed at the end."""
    senders, connection = _Senders(), wanted.connection
    async with AsyncExitStack() as stack:
        if wanted.target is not None:
            provider = await stack.enter_async_context(
                open_provider(wanted.target, connection, endpoints.parallelism)
            )
            senders.sends["tenant"], senders.reader = send_by(provider), provider
        if endpoints.by_probe:
            sender = await stack.enter_async_context(make_sender(connection))
            senders.sends["probe"] = Probe(sender, connection.timeout, wanted.imitation)
        yield senders


async def run_tests(
    console: Console, wanted: Wanted, endpoints: EndpointOptions, *, alone: bool = False
) -> tuple[TestReport, bool]:
    """What was tested, and whether it was interrupted. `alone`: an error too is preceded by the
    report.
    """
    end, most = end_in(wanted.connection.deadline), endpoints.max_latency
    wish = Wish(
        all_events=endpoints.all_events,
        check_auth=endpoints.check_auth,
        max_latency=most / 1000 if most is not None else None,
        parallelism=endpoints.parallelism,
        dated_schemes=list_dated_schemes(wanted.imitation.capabilities),
    )
    async with _opened(wanted, endpoints) as senders:
        webhooks, failures = await workflow.find_places(wanted.selected, senders.reader)
        tests = Testing(webhooks, senders.sends, wish)
        report, interrupted = await watched(console, tests, end, alone=alone)
        report = replace(report, failures=failures)
        if senders.reader is None or not wanted.owner or interrupted:
            return report, interrupted
        try:
            off = await known_switched_off(wanted.selected, senders.reader, wanted.owner)
        except CancelledError:  # what was tested is reported all the same
            return report, True
        return replace(report, switched_off=off), interrupted


def send_by(provider: Provider) -> Send:
    """Sends through the tenant, which dates and numbers its messages by itself."""
    is_saved = provider.capabilities.test == "saved"

    async def send(spec: Webhook, event: Subscription, trial: Trial) -> Delivery:
        if trial and is_saved:
            raise Rejected(f"{spec.name}: this product tests what is saved, so with no {trial}")
        return await provider.test(spec, None, event)

    return send
