"""Writes the reference pages: each `<!-- generated: NAME -->` of a page becomes what the program
itself says, when the site is built. So no table is kept by hand.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from reference_cli import command_pages, command_summary, exit_codes, worst_exit_codes
from reference_manifests import (
    field_tables,
    json_formats,
    metadata_table,
    own_field_table,
    reference_table,
)
from reference_plan import violation_rules
from reference_providers import conformance_rules
from reference_verdicts import verdicts

if TYPE_CHECKING:
    from collections.abc import Callable

    from sphinx.application import Sphinx

# What a page may ask for, by the name in its comment.
GENERATED: Final[dict[str, Callable[[], str]]] = {
    "metadata": metadata_table,
    "fields of Webhook": lambda: field_tables("Webhook"),
    "fields of EventSubscription": lambda: field_tables("EventSubscription"),
    "fields of Tenant": lambda: field_tables("Tenant"),
    "fields of ClusterTenant": lambda: own_field_table("ClusterTenant", "Tenant"),
    "fields of Policy": lambda: field_tables("Policy"),
    "fields of Product": lambda: field_tables("Product"),
    "secret references": reference_table,
    "command summary": command_summary,
    "commands": command_pages,
    "exit codes": exit_codes,
    "worst exit codes": worst_exit_codes,
    "JSON formats": json_formats,
    "violation rules": violation_rules,
    "verdicts": verdicts,
    "conformance rules": conformance_rules,
}
MARK: Final = re.compile(r"<!-- generated: (.+?) -->")
_OUTSIDE: Final = re.compile(r"\[([^\]]+)\]\((?:\.\./)+([^)#]*)\)")


def fill(text: str) -> str:
    """A page with what it asks for; raises KeyError for a name that is not in the table."""
    return MARK.sub(lambda mark: GENERATED[mark[1]](), text)


def name_outside_files(text: str) -> str:
    """A page whose links to files outside of docs/ are their paths: the site holds docs/ alone."""

    def path_of(link: re.Match[str]) -> str:
        words, path = link[1], link[2] or "."
        return f"`{path}`" if words.strip("`") == path else f"{words} (`{path}`)"

    return _OUTSIDE.sub(path_of, text)


def _read(_app: Sphinx, _name: str, source: list[str]) -> None:
    source[0] = fill(name_outside_files(source[0]))


def setup(app: Sphinx) -> dict[str, bool]:
    """What Sphinx calls."""
    app.connect("source-read", _read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
