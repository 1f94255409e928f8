"""Every option that more than one command has, once. Each is also RECONCILER_<OPTION>, the same for
every command.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from reconciler.cli.terminal.console import console_of

F = TypeVar("F", bound=Callable[..., Any])
Decorator = Callable[[F], F]


class Number(click.FloatRange):
    """A number of a range; what is no number is in none, although every comparison with it is
    false.
    """

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The number; raises BadParameter."""
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value} is not in the range {self._describe_range()}.", param, ctx)
        return number


class _Option(click.Option):
    """An option that is also an environment variable of its long name, and says so when that is
    wrong.

    Several values are separated by commas or white space; those of a list of choices, which hold
    spaces, by commas alone. `--prune/--no-prune` has two variables. An empty variable is as one
    that is not set; not so that of a guard, which an empty one would take away: it is an empty
    value, which fits nothing.
    """

    def __init__(self, *names: Any, guard: bool = False, **attributes: Any) -> None:
        """As click's; `guard` for what says that a run may do one thing only."""
        super().__init__(*names, **attributes)
        self.guard = guard

    def _variable(self) -> str:
        """The name of the variable that is set, else of the first."""
        names = self.envvar if isinstance(self.envvar, list) else [str(self.envvar)]
        return next((name for name in names if os.environ.get(name)), names[0])

    def value_from_envvar(self, ctx: click.Context) -> Any:
        """The text of the variable, split where several values are wanted; None when it is unset,
        or empty and no guard.
        """
        text = self.resolve_envvar_value(ctx)
        if text is None:
            return "" if self.guard and self._variable() in os.environ else None
        if self.multiple:
            separators = r"," if isinstance(self.type, click.Choice) else r"[,\s]"
            return [part.strip() for part in re.split(separators, text) if part.strip()]
        return self._switched(ctx) if self.secondary_opts else super().value_from_envvar(ctx)

    def _switched(self, ctx: click.Context) -> bool | str:
        """What the two variables of a switch say; raises BadParameter where one contradicts the
        other.
        """
        off = variable(self.secondary_opts[0])
        given = {name: text for name in self.envvar or () if (text := os.environ.get(name))}
        meant = {_opposite(text) if name == off else _boolean(text) for name, text in given.items()}
        if len(meant) > 1:
            raise click.BadParameter(
                f"{' and '.join(given)} contradict each other; unset one", ctx, self
            )
        return meant.pop()

    def get_error_hint(self, ctx: click.Context | None) -> str:
        """What a usage error is about: the variable, where the value came from it."""
        if (
            ctx is not None
            and ctx.get_parameter_source(self.name or "") is ParameterSource.ENVIRONMENT
        ):
            return f"'{self._variable()}' (environment)"
        return super().get_error_hint(ctx)


def _boolean(text: str) -> bool | str:
    """What a variable such as RECONCILER_PRUNE means; its text where that is no boolean, for click
    to refuse.
    """
    try:
        return bool(click.BOOL.convert(text, None, None))
    except click.BadParameter:
        return text


def _opposite(text: str) -> bool | str:
    """The same of a variable such as RECONCILER_NO_PRUNE."""
    said = _boolean(text)
    return said if isinstance(said, str) else not said


def variable(option_name: str) -> str:
    """The environment variable of an option: `--max-deletes` is `RECONCILER_MAX_DELETES`."""
    return "RECONCILER_" + option_name.removeprefix("--").replace("-", "_").upper()


def option(*names: str, **attributes: Any) -> Decorator[F]:
    """A click option that is also an environment variable of its long name."""
    long = next(name for name in names if name.startswith("--")).split("/")
    variables = [variable(name) for name in long]
    return click.option(
        *names, cls=_Option, envvar=variables if len(variables) > 1 else variables[0], **attributes
    )


def together(*decorators: Decorator[Any]) -> Decorator[F]:
    """Several options as one decorator, listed in `--help` in this order."""

    def apply(function: F) -> F:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return apply


def _set_verbose(ctx: click.Context, _param: click.Parameter, value: int) -> None:
    console = console_of(ctx)
    console.verbose = max(console.verbose, value)
    console.start_logging()


def _set(name: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    def callback(ctx: click.Context, _param: click.Parameter, value: Any) -> Any:
        console = console_of(ctx)
        if value:
            setattr(console, name, value)
            console.start_logging()
        return value

    return callback


logging_options: Decorator[Any] = together(
    option(
        "-q",
        "--quiet",
        is_flag=True,
        expose_value=False,
        callback=_set("quiet"),
        help="Only errors on standard error.",
    ),
    option(
        "-v",
        "--verbose",
        count=True,
        expose_value=False,
        callback=_set_verbose,
        help="More on standard error; -vv: requests.",
    ),
    option(
        "--log-format",
        type=click.Choice(["text", "json"]),
        expose_value=False,
        callback=_set("log_format"),
        help="Form of the log lines on standard error.  [default: text]",
    ),
    option(
        "--no-color",
        is_flag=True,
        expose_value=False,
        callback=_set("no_color"),
        help="No colour (also NO_COLOR, TERM=dumb).",
    ),
)


def output_option(*formats: str) -> Decorator[Any]:
    """`-o`; read before the others, so that a usage error comes in the form that was asked for."""
    return option(
        "-o",
        "--output",
        type=click.Choice(formats),
        default="text",
        is_eager=True,
        callback=_set("output"),
        help="Form of the output.",
        show_default=True,
    )


def _pairs(
    _ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    pairs = []
    for value in values:
        key, sign, text = value.partition("=")
        if not key or not sign:
            raise click.BadParameter("wants KEY=VALUE, a label of the manifests")
        pairs.append((key, text))
    return tuple(pairs)


def _files(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[Any]:
    """What completion offers for a path: files, which the shell itself knows."""
    from click.shell_completion import CompletionItem  # noqa: PLC0415  only when a shell asks

    return [CompletionItem(incomplete, type="file")]


def _here(_ctx: click.Context, _param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    return value or (".",)


# `.` by default, for what writes nothing; reconcile wants to be told what it may delete from
paths_argument = click.argument(
    "paths", nargs=-1, metavar="[PATH...]", callback=_here, shell_complete=_files
)
optional_paths_argument = click.argument(
    "paths", nargs=-1, metavar="[PATH...]", shell_complete=_files
)

tenant_options: Decorator[Any] = together(
    option("--tenant", metavar="NAME", help="Which Tenant manifest, where there are several."),
    option("--tenant-url", metavar="URL", help="The tenant's API, instead of a Tenant manifest."),
    option("--owner", metavar="NAME", help="Who we are there; with --tenant-url."),
    option(
        "--tenant-token-file",
        metavar="FILE",
        help="File with the token; with --tenant-url (or RECONCILER_TENANT_TOKEN).",
    ),
    option("--local", is_flag=True, help="The embedded tenant in a file; no server."),
    option(
        "--local-file",
        metavar="FILE",
        help="That file; implies --local.  [default: .reconciler/tenant.db]",
    ),
)

all_tenants_option: Decorator[Any] = option(
    "--all-tenants",
    is_flag=True,
    help="Every Tenant manifest among the PATHs, by spec.wave, then by name; one report over all.",
)

since_option: Decorator[Any] = option(
    "--since",
    metavar="REV",
    help="Tell what Git changed since that revision from what the tenant changed.",
)

network_options: Decorator[Any] = together(
    option(
        "--allow-network",
        multiple=True,
        metavar="CIDR",
        help="Addresses that deliveries may reach beside public ones; repeatable.",
    ),
    option(
        "--allow-port",
        multiple=True,
        type=click.IntRange(1, 65535),
        metavar="N",
        help="A port below 1024 beside 80, 443; repeatable.",
    ),
)

time_options: Decorator[Any] = together(
    option(
        "--timeout",
        type=Number(min=0.001),
        default=30.0,
        metavar="S",
        help="Seconds a request may take.  [default: 30]",
    ),
    option(
        "--deadline",
        type=Number(min=0.001),
        metavar="S",
        help="Seconds the whole run may take.  [default: no limit]",
    ),
)

narrow_options: Decorator[Any] = together(
    option(
        "--only",
        multiple=True,
        metavar="NAME",
        help="Only this metadata.name; repeatable. Nothing is deleted then.",
    ),
    option(
        "--select",
        multiple=True,
        metavar="KEY=VALUE",
        callback=_pairs,
        help="Only webhooks with this label; repeatable. Nothing is deleted then.",
    ),
)


def _folder(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    if value is not None and (not value or "\0" in value):
        raise click.BadParameter("is no folder")
    return value


policies_option: Decorator[Any] = option(
    "--policies",
    metavar="DIR",
    callback=_folder,
    help="Rules that planned webhooks have to keep.  [default: policies beside the Tenant "
    "manifest, else here]",
)

policies_at_option: Decorator[Any] = option(
    "--policies-at",
    metavar="REV",
    help="The policies as of this Git revision, where its Tenant manifest had them; CI gives "
    "the base branch.",
)

adopt_from_option: Decorator[Any] = option(
    "--adopt-from",
    metavar="OWNER",
    help="Also webhooks of this owner, which move to us without being deleted.",
)

secret_options: Decorator[Any] = together(
    option(
        "--secrets-dir",
        metavar="DIR",
        help="A folder that fromFile and fromSops may name by absolute path.",
    ),
    option(
        "--allow-command",
        is_flag=True,
        help="Let fromCommand run the programs that manifests name.",
    ),
)

prune_option: Decorator[Any] = option(
    "--prune/--no-prune",
    default=None,
    help="Delete what is ours and no longer declared.  [default: prune]",
)

exclude_option: Decorator[Any] = option(
    "--exclude",
    multiple=True,
    metavar="NAME",
    help="All but this metadata.name; repeatable. Nothing is deleted.",
)

policy_options: Decorator[Any] = together(
    prune_option,
    option("--adopt", is_flag=True, help="Take over declared webhooks that are nobody's."),
    option(
        "--max-deletes",
        type=click.IntRange(0),
        metavar="N",
        help="Refuse more deletes than this.  [default: more than 1 and over 30 %]",
    ),
    option(
        "--max-updates",
        type=click.IntRange(0),
        metavar="N",
        help="Refuse more updates than this.  [default: over 30 %, from 10 up]",
    ),
    option("--accept-in-use", is_flag=True, help="Delete also what delivered in the last 24 h."),
    option("--resend-credentials", is_flag=True, help="Send credentials that cannot be compared."),
    exclude_option,
    option("--revision", metavar="TEXT", help="Stored with what is written; CI passes the commit."),
)
