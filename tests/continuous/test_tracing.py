"""Traces of runs with the exporter in memory of OpenTelemetry's SDK, and the run of log lines."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from reconciler.connection import Connection
from reconciler.continuous.run import Runner, Settings
from reconciler.continuous.run_id import add_run, running
from reconciler.continuous.tracing import Phases, Tracing, open_tracing
from tests.continuous.test_run import Folder


def run_traced(folder: Folder, times: int = 1) -> list[tuple[ReadableSpan, list[ReadableSpan]]]:
    """The span of each run, with its children in their order."""
    exporter = InMemorySpanExporter()
    with open_tracing(exporter) as tracing:
        runner = Runner(folder, Settings(Connection(), mode="apply", tracing=tracing))
        for _ in range(times):
            asyncio.run(runner.run("production"))
    spans = sorted(exporter.get_finished_spans(), key=lambda span: span.start_time or 0)
    return [
        (
            span,
            [
                child
                for child in spans
                if child.parent is not None and child.parent.span_id == span.context.span_id
            ],
        )
        for span in spans
        if span.parent is None
    ]


def test_a_run_has_a_span_for_listing_plan_and_execution(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    (first, phases), (second, later) = run_traced(folder, times=2)
    assert first.name == "run"
    assert [phase.name for phase in phases] == ["listing", "plan", "execution"]
    assert all((phase.end_time or 0) <= (first.end_time or 0) for phase in phases)
    attributes = dict(first.attributes or {})
    assert attributes.pop("reconciler.run")
    assert str(attributes.pop("reconciler.digest")).startswith("sha256:")
    assert attributes == {
        "reconciler.tenant": "production",
        "reconciler.revision": "r1",
        "reconciler.state": "applied",
    }
    assert [phase.name for phase in later] == ["listing", "plan"]
    assert dict(second.attributes or {})["reconciler.state"] == "synced"
    assert first.resource.attributes["service.name"] == "reconciler"


def test_a_run_that_fails_early_has_a_span_without_phases(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    (tmp_path / "one.yaml").write_text("kind: Webhook\n")
    ((span, phases),) = run_traced(folder)
    assert phases == []
    assert dict(span.attributes or {})["reconciler.state"] == "failed"


def test_without_tracing_nothing_is_made() -> None:
    with Tracing().run() as phases:
        phases.begin("listing")
        phases.note({"tenant": "t"})
        phases.end()
        assert isinstance(phases, Phases)


def test_a_log_line_of_a_run_has_its_id_in_threads_too(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("reconciler.test")
    caplog.handler.addFilter(add_run)

    async def run(number: int) -> None:
        with running(f"run{number}", "production"):
            await asyncio.sleep(0.01 * (3 - number))
            await asyncio.to_thread(log.warning, "%s", number)

    async def main() -> None:
        await asyncio.gather(*map(run, range(3)))
        log.warning("none")

    asyncio.run(main())
    caplog.handler.removeFilter(add_run)
    found = {record.getMessage(): getattr(record, "fields", None) for record in caplog.records}
    assert found == {
        **{str(n): {"run": f"run{n}", "tenant": "production"} for n in range(3)},
        "none": {},
    }
