"""OpenTelemetry traces: a span per run, and one for each of its phases. The extra `tracing` has the
library; the variables of OpenTelemetry say where spans are sent to.

A span has the names of what it is about: no url, no path, no text of an error.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final

from reconciler import __version__
from reconciler.core.errors import BadRequest

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

SERVICE: Final = "reconciler"
ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


class Phases:
    """The phases of one run, one after the other: listing, plan, execute."""

    def __init__(self, tracer: Tracer | None = None, run: Span | None = None) -> None:
        self._tracer, self._run = tracer, run
        self._phase: Span | None = None

    def begin(self, name: str) -> None:
        """Ends the phase before, and begins this one."""
        self.end()
        if self._tracer is not None and self._run is not None:
            from opentelemetry.trace import set_span_in_context  # noqa: PLC0415  of the extra

            self._phase = self._tracer.start_span(name, set_span_in_context(self._run))

    def end(self) -> None:
        """Ends the phase."""
        if self._phase is not None:
            self._phase.end()
            self._phase = None

    def note(self, fields: Mapping[str, str]) -> None:
        """Gives the span of the run attributes."""
        if self._run is not None:
            self._run.set_attributes({f"{SERVICE}.{name}": text for name, text in fields.items()})


class Tracing:
    """Makes the spans of runs; none without a tracer."""

    def __init__(self, tracer: Tracer | None = None) -> None:
        self._tracer = tracer

    @contextmanager
    def run(self) -> Iterator[Phases]:
        """The span of a run, until the block ends."""
        if self._tracer is None:
            yield Phases()
            return
        span = self._tracer.start_span("run")
        phases = Phases(self._tracer, span)
        try:
            yield phases
        finally:
            phases.end()
            span.end()


@contextmanager
def open_tracing(exporter: Any = None) -> Iterator[Tracing]:
    """Sends spans by OTLP over HTTP, or to the exporter, until the block ends; what waits then is
    sent. Raises BadRequest without the extra.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415  of the extra
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415  of the extra
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415  of the extra
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415  of the extra
    except ImportError:
        raise BadRequest(
            "traces need the extra tracing: pip install 'webhook-reconciler[tracing]'"
        ) from None
    resource = Resource.create({"service.name": SERVICE, "service.version": __version__})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter()))
    try:
        yield Tracing(provider.get_tracer(SERVICE, __version__))
    finally:
        provider.shutdown()


def choose_tracing(*, wanted: bool) -> AbstractContextManager[Tracing]:
    """Traces if they are wanted, or if the environment names an endpoint for them; else none."""
    has_endpoint = any(os.environ.get(name) for name in ENDPOINTS)
    return open_tracing() if wanted or has_endpoint else nullcontext(Tracing())
