"""What the agent follows, how it runs, and where it is served."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import click

from reconciler.cli.options.option import Decorator, Number, option, together


class RepositoryOptions(NamedTuple):
    """The branch of a repository, and which of its commits may be used."""

    repository: str = ""
    branch: str = "main"
    path: tuple[str, ...] = ()
    policies: str | None = None
    verify: str | None = None
    allow_rewind: bool = False


class LoopOptions(NamedTuple):
    """How the agent runs; times in seconds."""

    state: str = ""
    mode: Literal["report", "apply"] = "report"
    interval: float = 60.0
    workers: int = 10
    grace: float = 30.0
    trace: bool = False


class HookOptions(NamedTuple):
    """Files with the secrets of push webhooks."""

    github_secret_file: str | None = None
    gitlab_secret_file: str | None = None
    gitea_secret_file: str | None = None


class RecipientOptions(NamedTuple):
    """Who gets notifications and the statuses of commits."""

    notify_file: str | None = None
    events_url_file: str | None = None
    events_key_file: str | None = None
    status_token_file: str | None = None
    status_repository: str | None = None
    forge: str | None = None
    forge_url: str | None = None
    page_url: str | None = None


class AgentPlaceOptions(NamedTuple):
    """Where the page, the metrics and the push webhooks are served."""

    host: str = "127.0.0.1"
    port: int = 8081
    allow_plain_http: bool = False
    allow_host: tuple[str, ...] = ()
    tls_cert: str | None = None
    tls_key: str | None = None


trace_option: Decorator[Any] = option(
    "--trace",
    is_flag=True,
    help="Send OpenTelemetry traces of the runs, as OTEL_EXPORTER_OTLP_ENDPOINT alone does. "
    "Needs the extra tracing.",
)

repository_options: Decorator[Any] = together(
    option(
        "--repository",
        required=True,
        metavar="URL",
        help="The repository to follow, as `git clone` takes it; without a password.",
    ),
    option("--branch", default="main", show_default=True, metavar="NAME", help="Its branch."),
    option(
        "--path",
        multiple=True,
        metavar="PATH",
        help="A folder or file of the repository with manifests; repeatable.  [default: all of it]",
    ),
    option(
        "--policies",
        metavar="PATH",
        help="A folder of the repository with rules that planned webhooks have to keep.  [default: "
        "policies beside the Tenant manifest]",
    ),
    option(
        "--verify",
        metavar="FILE",
        help="Every commit must be signed by a key of this file: SSH allowed signers, or OpenPGP "
        "public keys in ASCII armor. It lies outside of the repository.",
    ),
    option(
        "--allow-rewind",
        is_flag=True,
        help="Use a branch that does not contain the last applied commit any more.",
    ),
)

loop_options: Decorator[Any] = together(
    option(
        "--state",
        required=True,
        metavar="DIR",
        help="The agent's folder: a copy of the repository and the last applied commits.",
    ),
    option(
        "--mode",
        type=click.Choice(["report", "apply"]),
        default="report",
        show_default=True,
        help="For Tenants without spec.mode: report plans only, apply writes too.",
    ),
    option(
        "--interval",
        type=Number(min=1),
        default=60.0,
        metavar="S",
        help="Seconds between two looks at the repository.  [default: 60]",
    ),
    option(
        "--workers",
        type=click.IntRange(1, 100),
        default=10,
        show_default=True,
        metavar="N",
        help="Tenants at once.",
    ),
    option(
        "--grace",
        type=Number(min=0),
        default=30.0,
        metavar="S",
        help="Seconds that requests under way may take after SIGTERM.  [default: 30]",
    ),
    trace_option,
)

hook_options: Decorator[Any] = together(
    *(
        option(
            f"--{forge}-secret-file",
            metavar="FILE",
            help=f"Take push webhooks of {name} at /hooks/{forge}, with the secret in this file.",
        )
        for forge, name in (("github", "GitHub"), ("gitlab", "GitLab"), ("gitea", "Gitea"))
    )
)

recipient_options: Decorator[Any] = together(
    option(
        "--notify-file",
        metavar="FILE",
        help="Notify the services of this file: a url of apprise per line. Needs the extra agent.",
    ),
    option(
        "--events-url-file",
        metavar="FILE",
        help="POST notifications as CloudEvents to the url in this file, with --events-key-file.",
    ),
    option(
        "--events-key-file",
        metavar="FILE",
        help="The key that signs them, of Standard Webhooks: whsec_ and base64.",
    ),
    option(
        "--status-token-file",
        metavar="FILE",
        help="Publish the status of each commit at the forge, with the token in this file.",
    ),
    option(
        "--status-repository",
        metavar="URL",
        help="The repository at the forge, if --repository is a mirror of it.",
    ),
    option(
        "--forge",
        type=click.Choice(["github", "gitlab", "gitea"]),
        help="Which forge that is, if its host does not tell.",
    ),
    option("--forge-url", metavar="URL", help="The address of its API, if it is not the usual."),
    option(
        "--page-url",
        metavar="URL",
        help="Where people open the agent's page: commit statuses link there.",
    ),
)

agent_place_options: Decorator[Any] = together(
    option("--host", default="127.0.0.1", show_default=True, help="Address to listen on."),
    option(
        "--port",
        type=click.IntRange(0, 65535),
        default=8081,
        show_default=True,
        help="0: any free one, printed.",
    ),
    option(
        "--allow-host",
        multiple=True,
        metavar="NAME",
        help="A host name that page and status are answered to; repeatable.",
    ),
    option(
        "--tls-cert", metavar="FILE", help="Certificate chain in PEM: serve https, with --tls-key."
    ),
    option("--tls-key", metavar="FILE", help="The certificate's key in PEM."),
    option(
        "--allow-plain-http", is_flag=True, help="Serve other addresses than loopback without TLS."
    ),
)
