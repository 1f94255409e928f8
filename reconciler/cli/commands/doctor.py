"""`reconciler doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.options import (
    Number,
    logging_options,
    option,
    output_option,
    paths_argument,
    secret_options,
    tenant_options,
)
from reconciler.cli.run.certificates import ca_file_option
from reconciler.cli.terminal.console import console_of

if TYPE_CHECKING:
    from reconciler.cli.run.source import Options
    from reconciler.core.results.finding import Finding
    from reconciler.manifests import Manifests

EPILOG = """\b
Examples:
  reconciler doctor
  reconciler doctor webhooks/ --tenant production
  reconciler doctor --tenant-url https://acme.example.com/public-api/v1 \\
    --tenant-token-file token.txt -o json
"""


@click.command("doctor", epilog=EPILOG)
@paths_argument
@tenant_options
@ca_file_option
@option(
    "--timeout",
    type=Number(min=0.001),
    default=10.0,
    metavar="S",
    help="Seconds a request may take.  [default: 10]",
)
@secret_options
@output_option("text", "json")
@logging_options
@click.pass_context
def command(ctx: click.Context, /, **values: Any) -> int:
    """Look for what is wrong: versions, manifests, permissions of files, and of the tenant its
    token, scopes, TLS and clock.

    Writes nothing. Exit 1 when something is wrong.
    """
    from reconciler.cli.run.source import Options  # noqa: PLC0415  likewise
    from reconciler.cli.terminal.ending import Exit  # noqa: PLC0415  `--help` needs none of it
    from reconciler.cli.terminal.signals import run  # noqa: PLC0415  likewise
    from reconciler.render import doctor  # noqa: PLC0415  likewise

    default = ctx.get_parameter_source("paths") is click.core.ParameterSource.DEFAULT
    console, options = (
        console_of(ctx),
        Options({**values, "deadline": values["timeout"] * 3, "may_be_empty": default}),
    )
    findings = run(_examined(options))
    console.data(
        doctor.doctor_json(findings) if console.output == "json" else doctor.doctor_text(findings)
    )
    return Exit.ERROR if any(finding.status == "failed" for finding in findings) else Exit.DONE


async def _examined(options: Options) -> tuple[Finding, ...]:
    """Every check that the options allow; each goes on where another fails."""
    from reconciler.cli.run import checks  # noqa: PLC0415  as above

    manifests, read = _manifests(options)
    return (
        checks.versions(),
        *read,
        *checks.files(_token_files(options, manifests)),
        *await checks.tenant(options, manifests),
    )


def _token_files(options: Options, manifests: Manifests | None) -> list[str]:
    """The files that hold tokens of tenants, as options and Tenant manifests name them; relative to
    the current folder.
    """
    from os import environ  # noqa: PLC0415  as above
    from os.path import realpath, relpath  # noqa: PLC0415  as above

    from reconciler.manifests.secret_sources.file import FROM_FILE, login_places  # noqa: PLC0415  likewise

    given = {realpath(options.tenant_token_file)} if options.tenant_token_file else set()
    places = manifests.tokens - login_places(environ) if manifests is not None else frozenset()
    return sorted(
        relpath(path)
        for path in given | {place.item[0] for place in places if place.source == FROM_FILE}
    )


def _manifests(options: Options) -> tuple[Manifests | None, tuple[Finding, ...]]:
    """What the paths hold, with what is to be said of it."""
    from reconciler.cli.run.source import read  # noqa: PLC0415  as above
    from reconciler.core.errors import InvalidManifests  # noqa: PLC0415  likewise
    from reconciler.core.results.finding import Finding  # noqa: PLC0415  likewise
    from reconciler.render.counted import counted  # noqa: PLC0415  likewise

    try:
        found = read(options, "warn")
    except InvalidManifests as error:
        return None, (Finding("manifests", "failed", str(error), "reconciler validate says which"),)
    counts = [counted(number, kind) for kind, number in found.kinds.items()]
    what = f"{', '.join(counts) or 'no manifests'} in {' '.join(options.paths)}"
    if found.problems:
        message = f"{counted(len(found.problems), 'warning')}; {what}"
        return found, (
            Finding("manifests", "warning", message, "reconciler validate and plan say which"),
        )
    return found if counts else None, (Finding("manifests", "ok", what),)
