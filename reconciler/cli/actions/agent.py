"""Runs the agent until SIGTERM or Ctrl-C."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.run.recipients import make_recipients, read_secret
from reconciler.cli.run.source import fingerprint_key
from reconciler.cli.terminal.console import Console
from reconciler.cli.terminal.ending import Exit
from reconciler.cli.terminal.lines import Lines
from reconciler.cli.terminal.logs import start_logging
from reconciler.cli.terminal.signals import interruptible, run
from reconciler.connect import make_sender
from reconciler.continuous.agent.agent import Agent, AgentSettings
from reconciler.continuous.agent.outbox import Recipients
from reconciler.continuous.forges.push import FORGES
from reconciler.continuous.git.mirror import Mirror
from reconciler.continuous.git.signers import AllowedSigners
from reconciler.continuous.git.source import GitSettings, GitSource
from reconciler.continuous.run import Settings as RunSettings
from reconciler.continuous.run_id import add_run
from reconciler.continuous.state_folder import StateFolder
from reconciler.continuous.tracing import Tracing, choose_tracing
from reconciler.core.model.secret import Secret
from reconciler.manifests import SecretLookup
from reconciler.net.listening import Place

if TYPE_CHECKING:
    from reconciler.cli.commands.agent import AgentOptions


def run_agent(console: Console, options: AgentOptions) -> int:
    """The exit code: 0 after SIGTERM or Ctrl-C, 130 after a second one."""
    state = StateFolder(Path(options.loop.state))
    lines = Lines(2)
    lines.addFilter(add_run)
    try:
        with state.lock():
            return run(_follow(console, options, state, lines))
    finally:
        lines.close()


async def _follow(console: Console, options: AgentOptions, state: StateFolder, lines: Lines) -> int:
    start_logging(console, lines)
    with choose_tracing(wanted=options.loop.trace) as traces:
        async with make_sender(options.connection) as sender:
            chosen, repository = options.recipients, options.repository.repository
            recipients = make_recipients(chosen, repository, sender, options.connection.ca_file)
            settings = _make_settings(options, recipients, traces)
            agent = Agent(_make_source(options, state), settings)
            task = asyncio.ensure_future(agent.run(lambda origin: console.data(f"page: {origin}/")))
            with interruptible(agent.stop, task.cancel):
                await asyncio.wait({task})
    if task.cancelled():  # by a second signal
        return Exit.INTERRUPTED
    task.result()
    return Exit.DONE


def _make_source(options: AgentOptions, state: StateFolder) -> GitSource:
    chosen = options.repository
    mirror = Mirror(state.path / "repository.git", chosen.repository, chosen.branch, os.environ)
    mirror.open()
    connection = options.connection
    lookup = SecretLookup(
        mode="require",
        folder=options.secrets.secrets_dir,
        allow_command=options.secrets.allow_command,
        timeout=connection.timeout,
        ca_file=connection.ca_file,
        fingerprint_key=fingerprint_key(),
    )
    settings = GitSettings(
        paths=tuple(path.strip("/") for path in chosen.path) or ("",),
        policies=chosen.policies.strip("/") if chosen.policies else None,
        secrets=lookup,
        signers=AllowedSigners.read(Path(chosen.verify)) if chosen.verify else None,
        allow_rewind=chosen.allow_rewind,
    )
    return GitSource(mirror, state, os.environ, settings)


def _make_settings(
    options: AgentOptions, recipients: Recipients, tracing: Tracing
) -> AgentSettings:
    loop, place = options.loop, options.place
    return AgentSettings(
        run=RunSettings(
            mode=loop.mode,
            connection=options.connection,
            fingerprint_key=fingerprint_key(),
            tracing=tracing,
        ),
        place=Place(
            host=place.host,
            port=place.port,
            names=place.allow_host,
            plain=place.allow_plain_http,
            certificate=place.tls_cert,
            key=place.tls_key,
        ),
        branch=options.repository.branch,
        repository=options.repository.repository,
        interval=loop.interval,
        grace=loop.grace,
        workers=loop.workers,
        hook_secrets=_read_hook_secrets(options.hooks._asdict()),
        recipients=recipients,
    )


def _read_hook_secrets(files: Mapping[str, str | None]) -> dict[str, Secret]:
    secrets = {}
    for forge in FORGES:
        file = files[f"{forge}_secret_file"]
        if file is not None:
            secrets[forge] = read_secret(file, f"--{forge}-secret-file")
    return secrets
