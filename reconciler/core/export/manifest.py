"""A webhook as the YAML that declares it: what a tenant holds, brought back to Git.

Defaults are left out, but not `enabled`, and secrets are references to environment variables;
reading manifests is `manifests`. Scalars are plain where nothing can mistake them, else JSON
strings, which are YAML scalars too (YAML 1.2, 1.3) once what no editor shows is escaped.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from reconciler.core.model.auth import (
    get_auth_type,
    get_credential,
    get_credential_field,
    get_text,
)
from reconciler.core.model.fields import FIELDS
from reconciler.core.model.options import is_hidden
from reconciler.core.model.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from reconciler.core.model.auth import Auth
    from reconciler.core.model.webhook import Subscription, Webhook

API_VERSION: Final = "webhooks.reconciler/v1"
# characters of a key that is made from a name; DNS labels, and people, take no more
KEY_LENGTH: Final = 63
# characters of a key that go into a variable's name, which may have 255 in all
VARIABLE_LENGTH: Final = 200
# the prefix of a version that `secret.fingerprint` computes in every run
COMPUTED: Final = "hmac-sha256:"
NO_LABELS: Final = (
    "# labels: a tenant knows none, so they are not here; a Tenant's select may need them"
)
OTHER_LABELS: Final = (
    "# labels: those of the Tenant's select; a tenant knows none, so others are not here"
)
_PLAIN: Final = re.compile(r"[A-Za-z](?:[A-Za-z0-9_./:-]*[A-Za-z0-9_/-])?")
_WORDS: Final = frozenset(
    {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
)  # YAML 1.1's, for other readers


@dataclass(frozen=True, slots=True)
class Manifest:
    """A Webhook document as YAML text, and the environment variables that it references, in its
    order.
    """

    text: str
    variables: tuple[str, ...]


def make_key(name: str, otherwise: str) -> str:
    """A key made from a webhook's name at the tenant; `otherwise` if the name has no usable
    letter.
    """
    ascii_only = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_only).strip("-")[:KEY_LENGTH].rstrip("-") or otherwise


def make_manifest(
    spec: Webhook,
    key: str,
    *,
    protected: bool = False,
    labels: Mapping[str, str] | None = None,
    stem: str | None = None,
    scopes: Iterable[str] = (),
) -> Manifest:
    """The document that declares `spec` under `key`, in the `scopes` of a fleet. A url or user name
    that is a Secret becomes a reference too.

    `stem` is the middle part of the variables' names, if that of the key is used already.
    """
    lines = [*_format_metadata(key, labels or {}), "spec:"]
    variables: list[str] = []

    def value(field_value: Any, field_name: str) -> str:
        if isinstance(field_value, str):
            return format_scalar(field_value)
        if isinstance(field_value, dict):
            return _format_options(field_value, value)
        if not is_hidden(field_value):
            return json.dumps(field_value)
        variables.append(make_variable(stem or make_stem(key), field_name))
        return f"{{fromEnv: {variables[-1]}}}"

    for row in FIELDS:
        value_of_field = row.read(spec)
        if row.is_simple and value_of_field not in (
            row.default,
            key if row.name == "name" else None,
        ):
            lines.append(f"  {row.name}: {value(value_of_field, row.name)}")
    fields = [(name, value(text, name)) for name, text in list_auth_fields(spec.auth)]
    if fields:
        lines += ["  auth:", *(f"    {name}: {text}" for name, text in fields)]
    lines += _format_scopes(scopes)
    if protected:
        lines.append("  protected: true")
    lines += _format_events(spec.subscriptions)
    return Manifest("\n".join(lines) + "\n", tuple(variables))


def _format_options(options: Mapping[str, Any], value: Callable[[Any, str], str]) -> str:
    pairs = (
        f"{json.dumps(name)}: "
        + (value(item, make_option_field(name)) if is_hidden(item) else json.dumps(item))
        for name, item in options.items()
    )
    return f"{{{', '.join(pairs)}}}"


def make_option_field(name: str) -> str:
    """The last part of the name of the variable with a secret option."""
    return re.sub("[^A-Za-z0-9]", "_", name)


def _format_metadata(key: str, labels: Mapping[str, str]) -> Iterator[str]:
    """The lines before the spec."""
    yield f"apiVersion: {API_VERSION}"
    yield "kind: Webhook"
    yield "metadata:"
    yield f"  name: {format_scalar(key)}"
    yield f"  {OTHER_LABELS if labels else NO_LABELS}"
    if labels:
        pairs = (
            f"{format_scalar(name)}: {format_scalar(text)}" for name, text in sorted(labels.items())
        )
        yield f"  labels: {{{', '.join(pairs)}}}"


def format_scalar(text: str) -> str:
    """A text as a YAML scalar that every reader reads as this text."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return quote(text)


def quote(text: str) -> str:
    """A text in double quotes, as YAML and, but for characters beyond U+FFFF that no editor shows,
    as JSON.
    """
    return "".join(
        char if char.isprintable() else _escape(char)
        for char in json.dumps(text, ensure_ascii=False)
    )


def _escape(char: str) -> str:
    """YAML's own escapes (YAML 1.2, 5.7): JSON's surrogate pairs are none."""
    return f"\\u{ord(char):04x}" if char <= "\uffff" else f"\\U{ord(char):08x}"


def make_stem(key: str) -> str:
    """The middle part of a webhook's variables' names; several keys may have the same."""
    return re.sub("[^A-Z0-9]", "_", key.upper()[:VARIABLE_LENGTH])


def make_variable(stem: str, field_name: str) -> str:
    """The name of a variable. Its prefix differs from the program's own, RECONCILER_*, and from a
    Tenant's token.
    """
    return f"WEBHOOK_{stem}_{field_name.upper()}"


def list_auth_fields(auth: Auth) -> Iterator[tuple[str, str | Secret]]:
    """The fields of an authentication. Its credential is always a Secret."""
    secret = get_credential(auth)
    if secret is None:
        return
    yield "type", get_auth_type(auth)
    field, text = get_text(auth)
    if field:
        yield field, text
    yield get_credential_field(auth), Secret(None)
    if secret.version is not None and not secret.version.startswith(COMPUTED):
        yield "version", secret.version


def _format_scopes(scopes: Iterable[str]) -> list[str]:
    names = [f"      - {format_scalar(scope)}" for scope in scopes]
    return ["  scopes:", "    match:", *names] if names else []


def _format_events(subscriptions: Iterable[Subscription]) -> Iterator[str]:
    """One item per type and version, with its severities."""
    sorted_subscriptions = sorted(subscriptions, key=lambda item: item.sort_key)
    if sorted_subscriptions:
        yield "  events:"
    for (kind, version), group in groupby(
        sorted_subscriptions, key=lambda item: (item.type, item.version)
    ):
        yield f"    - type: {format_scalar(kind)}"
        if version is not None:
            yield f"      version: {format_scalar(version)}"
        severities = [format_scalar(item.severity) for item in group if item.severity is not None]
        if severities:
            text = severities[0] if len(severities) == 1 else _format_list(severities)
            yield f"      severity: {text}"


def _format_list(scalars: list[str]) -> str:
    return f"[{', '.join(scalars)}]"
