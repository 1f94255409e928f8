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
    ApiKeyAuth,
    BasicAuth,
    auth_type,
    credential,
    credential_field,
)
from reconciler.core.model.fields import FIELDS
from reconciler.core.model.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.core.model.auth import Auth
    from reconciler.core.model.webhook import Subscription, Webhook

API_VERSION: Final = "webhooks.reconciler/v1"
# characters of a key that is made from a name; DNS labels, and people, take no more
KEY_LENGTH: Final = 63
# characters of a key that go into a variable's name, which may have 255 in all
VARIABLE_LENGTH: Final = 200
# begins a version that `secret.fingerprint` made, which is made again at the next run
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


def key_for(name: str, otherwise: str) -> str:
    """A key made from a tenant's name, for a webhook that has none yet; `otherwise` where the name
    has no letter for it.
    """
    ascii_only = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_only).strip("-")[:KEY_LENGTH].rstrip("-") or otherwise


def manifest(
    spec: Webhook,
    key: str,
    *,
    protected: bool = False,
    labels: Mapping[str, str] | None = None,
    stem: str | None = None,
) -> Manifest:
    """The document that declares `spec` under `key`; a url or user name that is a Secret becomes a
    reference as well.

    `stem` is what the variables are named after, where the key's own (`stem_for`) is another
    webhook's already.
    """
    lines = [f"apiVersion: {API_VERSION}", "kind: Webhook", "metadata:", f"  name: {scalar(key)}"]
    if labels:
        pairs = (f"{scalar(name)}: {scalar(text)}" for name, text in sorted(labels.items()))
        lines += [f"  {OTHER_LABELS}", f"  labels: {{{', '.join(pairs)}}}"]
    else:
        lines.append(f"  {NO_LABELS}")
    lines.append("spec:")
    variables: list[str] = []

    def value(given: Any, what: str) -> str:
        if isinstance(given, str):
            return scalar(given)
        if not isinstance(given, Secret):
            return json.dumps(given)
        variables.append(variable(stem or stem_for(key), what))
        return f"{{fromEnv: {variables[-1]}}}"

    for row in FIELDS:
        given = row.read(spec)
        if row.is_simple and given not in (row.default, key if row.name == "name" else None):
            lines.append(f"  {row.name}: {value(given, row.name)}")
    fields = [(name, value(text, name)) for name, text in auth_fields(spec.auth)]
    if fields:
        lines += ["  auth:", *(f"    {name}: {text}" for name, text in fields)]
    if protected:
        lines.append("  protected: true")
    lines += _events(spec.subscriptions)
    return Manifest("\n".join(lines) + "\n", tuple(variables))


def scalar(text: str) -> str:
    """A text as a YAML scalar that every reader takes for this text."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return quoted(text)


def quoted(text: str) -> str:
    """A text in double quotes, as YAML and, but for characters beyond U+FFFF that no editor shows,
    as JSON.
    """
    return "".join(
        char if char.isprintable() else _escaped(char)
        for char in json.dumps(text, ensure_ascii=False)
    )


def _escaped(char: str) -> str:
    """YAML's own escapes (YAML 1.2, 5.7): JSON's surrogate pairs are none."""
    return f"\\u{ord(char):04x}" if char <= "\uffff" else f"\\U{ord(char):08x}"


def stem_for(key: str) -> str:
    """The middle of the variables' names of a webhook; several keys may have the same."""
    return re.sub("[^A-Z0-9]", "_", key.upper()[:VARIABLE_LENGTH])


def variable(stem: str, what: str) -> str:
    """A variable's name. Its beginning keeps it apart from the program's own, RECONCILER_*, and
    from a Tenant's token.
    """
    return f"WEBHOOK_{stem}_{what.upper()}"


def auth_fields(auth: Auth) -> Iterator[tuple[str, str | Secret]]:
    """The fields of an authentication; its credential is a Secret, whatever the tenant told of
    it.
    """
    secret = credential(auth)
    if secret is None:
        return
    yield "type", auth_type(auth)
    match auth:
        case BasicAuth(username=username):
            yield "username", username
        case ApiKeyAuth(header=header):
            yield "header", header
        case _:
            pass
    yield credential_field(auth), Secret(None)
    if secret.version is not None and not secret.version.startswith(COMPUTED):
        yield "version", secret.version


def _events(subscriptions: Iterable[Subscription]) -> Iterator[str]:
    """One item for each type and version, with its severities."""
    ordered = sorted(subscriptions, key=lambda item: item.sort_key)
    if ordered:
        yield "  events:"
    for (kind, version), group in groupby(ordered, key=lambda item: (item.type, item.version)):
        yield f"    - type: {scalar(kind)}"
        if version is not None:
            yield f"      version: {scalar(version)}"
        severities = [scalar(item.severity) for item in group if item.severity is not None]
        if severities:
            yield (
                f"      severity: {severities[0] if len(severities) == 1 else _listed(severities)}"
            )


def _listed(scalars: list[str]) -> str:
    return f"[{', '.join(scalars)}]"
