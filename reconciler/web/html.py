"""The Jinja environment of a page, the headers of its answers, and addresses with a query."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_FOLDER: Final = Path(__file__).parent


def make_headers(*, scripts: bool) -> dict[str, str]:
    """The headers of every answer of a page. Nothing inline runs or is applied; scripts come from
    the page itself, or not at all.
    """
    script = "script-src 'self'; " if scripts else ""
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'self'; {script}img-src 'self'; "
            "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        ),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
    }


def make_address(path: str, **query: Any) -> str:
    """A path of this page with its query; a parameter that is None or empty is left out."""
    parameters = {name: value for name, value in query.items() if value not in {None, ""}}
    return f"{path}?{urlencode(parameters)}" if parameters else path


def format_number(value: int) -> str:
    """A count with thousands apart."""
    return f"{value:,}"


def make_environment(templates: Path) -> Environment:
    """The environment of a page's own templates, which may extend `document.html`. Every value is
    escaped, and a missing one is an error.
    """
    environment = Environment(
        loader=FileSystemLoader([templates, _FOLDER / "templates"]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["number"] = format_number
    environment.globals["address"] = make_address
    return environment
