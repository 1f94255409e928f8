"""Runs the operator until SIGTERM or Ctrl-C, or releases its objects."""

from __future__ import annotations

import asyncio
import os
import socket
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.cli.options.operator import ClusterOptions, OperatorLoopOptions
from reconciler.cli.run.source import fingerprint_key
from reconciler.cli.terminal.console import Console
from reconciler.cli.terminal.ending import Exit
from reconciler.cli.terminal.lines import Lines
from reconciler.cli.terminal.logs import start_logging
from reconciler.cli.terminal.signals import interruptible, run
from reconciler.continuous.run import Settings as RunSettings
from reconciler.continuous.run_id import add_run
from reconciler.continuous.tracing import Tracing, choose_tracing
from reconciler.core.errors import BadRequest
from reconciler.manifests import SecretLookup
from reconciler.net.listening import Place

if TYPE_CHECKING:
    from reconciler.cli.commands.operator import OperatorOptions
    from reconciler.continuous.operator.api import Access
    from reconciler.continuous.operator.settings import OperatorSettings
    from reconciler.continuous.operator.shards import LeaseSettings

_OWN_NAMESPACE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_RENEW: Final = 2 / 3  # of the lease's duration
_RETRY: Final = 1 / 8


def run_operator(console: Console, options: OperatorOptions) -> int:
    """The exit code: 0 after SIGTERM or Ctrl-C."""
    _require_extra()
    lines = Lines(2)
    lines.addFilter(add_run)
    try:
        return run(_serve(console, options, lines))
    finally:
        lines.close()


def run_release(console: Console, options: ClusterOptions) -> int:
    """Removes every finalizer of ours; the exit code."""
    _require_extra()
    return run(_release(console, options))


def _require_extra() -> None:
    try:
        import kopf  # noqa: F401, PLC0415  the extra
        import kubernetes_asyncio  # noqa: F401, PLC0415  the extra
    except ImportError:
        raise BadRequest(
            'the operator needs the extra kubernetes: pip install "webhook-reconciler[kubernetes]"'
        ) from None


async def _serve(console: Console, options: OperatorOptions, lines: Lines) -> int:
    from reconciler.continuous.operator.api import Access, open_api  # noqa: PLC0415  the extra
    from reconciler.continuous.operator.operator import Operator  # noqa: PLC0415  the extra

    start_logging(console, lines)
    access = Access(options.cluster.kubeconfig, options.cluster.context)
    tracing = choose_tracing(wanted=options.loop.trace)
    with tracing as traces:
        settings = _make_settings(options, access, traces)
        async with open_api(access) as api:
            operator = Operator(api, settings)
            served = operator.run(lambda origin: console.data(f"page: {origin}/"))
            task = asyncio.ensure_future(served)
            with interruptible(operator.stop, task.cancel):
                await task
    return Exit.DONE


def _make_settings(options: OperatorOptions, access: Access, tracing: Tracing) -> OperatorSettings:
    from reconciler.continuous.operator.settings import OperatorSettings  # noqa: PLC0415  the extra
    from reconciler.continuous.operator.watch.login import log_in  # noqa: PLC0415  the extra

    loop, place, connection = options.loop, options.place, options.connection
    key = fingerprint_key()
    return OperatorSettings(
        run=RunSettings(connection, mode=loop.mode, fingerprint_key=key, tracing=tracing),
        place=Place(
            host=place.host,
            port=place.port,
            names=place.allow_host,
            plain=place.allow_plain_http,
            certificate=place.tls_cert,
            key=place.tls_key,
        ),
        leases=_make_leases(loop),
        lookup=SecretLookup(mode="require", timeout=connection.timeout, fingerprint_key=key),
        login=partial(log_in, access),
        namespaces=options.cluster.namespace,
        workers=loop.workers,
        grace=loop.grace,
        settle=loop.settle,
        resync=loop.resync,
    )


def _make_leases(loop: OperatorLoopOptions) -> LeaseSettings:
    from reconciler.continuous.operator.shards import LeaseSettings  # noqa: PLC0415  the extra

    duration = loop.lease_duration
    return LeaseSettings(
        _find_namespace(loop),
        loop.identity or _make_identity(),
        loop.shards,
        duration,
        duration * _RENEW,
        max(duration * _RETRY, 1.0),
    )


def _make_identity() -> str:
    """The name of a pod, which no two have at once; elsewhere also the process's number."""
    host = socket.gethostname()
    return host if _OWN_NAMESPACE.exists() else f"{host}-{os.getpid()}"


def _find_namespace(loop: OperatorLoopOptions) -> str:
    """The operator's own namespace; raises BadRequest."""
    if loop.lease_namespace is not None:
        return loop.lease_namespace
    try:
        return _OWN_NAMESPACE.read_text(encoding="utf-8").strip()
    except OSError:
        raise BadRequest(
            "which namespace is the operator's own? Outside of a pod give --lease-namespace"
        ) from None


async def _release(console: Console, options: ClusterOptions) -> int:
    from reconciler.continuous.operator.api import Access, open_api  # noqa: PLC0415  the extra
    from reconciler.continuous.operator.release import release  # noqa: PLC0415  the extra

    async with open_api(Access(options.kubeconfig, options.context)) as api:
        count = await release(api, options.namespace)
    console.data(f"{count} objects released; nothing was deleted at a tenant")
    return Exit.DONE
