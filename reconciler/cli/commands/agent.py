"""`reconciler agent`."""

from __future__ import annotations

from typing import NamedTuple

import click

from reconciler.cli.options.agent import (
    AgentPlaceOptions,
    HookOptions,
    LoopOptions,
    RecipientOptions,
    RepositoryOptions,
    agent_place_options,
    hook_options,
    loop_options,
    recipient_options,
    repository_options,
)
from reconciler.cli.options.connection import ca_file_option, network_options, time_options
from reconciler.cli.options.manifests import SecretOptions, secret_options
from reconciler.cli.options.option_values import pass_options
from reconciler.cli.options.output import logging_options
from reconciler.cli.terminal.console import console_of
from reconciler.connection import Connection

EPILOG = """\b
Examples:
  reconciler agent --repository https://git.example.com/acme/webhooks.git --state state
  reconciler agent --repository git@git.example.com:acme/webhooks.git --path webhooks \\
    --state /var/lib/reconciler --mode apply --verify /etc/reconciler/allowed_signers
  reconciler agent --repository /srv/git/webhooks.git --state state --port 0 --interval 10

Prints the address of its page when it is ready. /healthz, /readyz, /metrics and /status are beside
it. Git reads its credentials as always: from a credential helper or the SSH agent. SIGTERM finishes
the requests under way and exits 0.
"""


class AgentOptions(NamedTuple):
    """The options of `agent`."""

    repository: RepositoryOptions = RepositoryOptions()
    loop: LoopOptions = LoopOptions()
    hooks: HookOptions = HookOptions()
    recipients: RecipientOptions = RecipientOptions()
    place: AgentPlaceOptions = AgentPlaceOptions()
    secrets: SecretOptions = SecretOptions()
    connection: Connection = Connection()


@click.command("agent", epilog=EPILOG)
@repository_options
@loop_options
@agent_place_options
@hook_options
@recipient_options
@secret_options
@ca_file_option
@network_options
@time_options
@logging_options
@pass_options(AgentOptions)
def command(ctx: click.Context, options: AgentOptions) -> int:
    """Follow a branch of a Git repository, and reconcile its Tenants again and again."""
    place, recipients = options.place, options.recipients
    if (place.tls_cert is None) is not (place.tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key go together", ctx)
    if (recipients.events_url_file is None) is not (recipients.events_key_file is None):
        raise click.UsageError("--events-url-file and --events-key-file go together", ctx)
    from reconciler.cli.actions import agent  # noqa: PLC0415  `--help` needs none of it

    return agent.run_agent(console_of(ctx), options)
