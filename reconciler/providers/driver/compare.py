"""What differs between a webhook of a product and a wanted one, and a revision for products without
one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reconciler.core.errors import Rejected
from reconciler.core.model.auth import get_credential, get_place, with_credential
from reconciler.core.model.capabilities import Capabilities
from reconciler.core.model.fields import FIELDS, Kind, list_plain_rows
from reconciler.core.model.options import is_hidden, list_secrets
from reconciler.core.model.secret import Secret, Withheld
from reconciler.core.model.webhook import Live, Subscription, Webhook
from reconciler.core.planning.diff import diff
from reconciler.providers.driver.marks import list_own
from reconciler.providers.moved import withheld
from reconciler.providers.plugin import Held, Marked


def complete_options(schema: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The options with the product's defaults. A list of unique items has no order, so it is
    sorted.
    """
    parts: Mapping[str, Any] = schema.get("properties", {})
    values = {name: part["default"] for name, part in parts.items() if "default" in part}
    values |= options
    for name, part in parts.items():
        if part.get("uniqueItems") and isinstance(values.get(name), list):
            values[name] = sorted(values[name], key=str)
    return values


def normalize_spec(capabilities: Capabilities, spec: Webhook) -> Webhook:
    """What a product holds for a spec: implied events, the defaults of options, and a credential as
    its version.
    """
    events = {
        Subscription(implied, None, None)
        for item in spec.subscriptions
        for implied in capabilities.implied.get(item.type, ())
    }
    options = complete_options(capabilities.options, spec.options)
    normal = withheld(replace(spec, subscriptions=spec.subscriptions | events, options=options))
    return _forget_versions(normal) if capabilities.mark == "none" else normal


def _forget_versions(spec: Webhook) -> Webhook:
    """A normal spec for a product without a mark: nothing keeps the versions of credentials."""
    secret = get_credential(spec.auth)
    auth = spec.auth if secret is None else with_credential(spec.auth, Withheld())
    options = {
        name: Withheld() if is_hidden(value) else value for name, value in spec.options.items()
    }
    return replace(spec, auth=auth, options=options)


def find_differences(held: Held, want: Webhook, capabilities: Capabilities) -> list[str]:
    """The top-level fields in which a product's webhook differs from a wanted one; `metadata` if
    the marks differ.
    """
    spec, skipped = held.spec, {row.name for row in list_plain_rows()} - capabilities.fields
    if capabilities.mark == "field":
        skipped.discard("description")  # the mark stands in it
    if not capabilities.secrets.type_visible:
        want = replace(want, auth=spec.auth)
    found = {change.path[0] for change in diff(spec, _comparable(spec, want))} - skipped
    if isinstance(want, Marked) and list_own(held.metadata) != list_own(want.metadata):
        found.add("metadata")
    return sorted(found)


def find_writes(live: Live, held: Held, want: Webhook, capabilities: Capabilities) -> set[str]:
    """The top-level fields that an update writes: those that differ, and those with a secret to be
    sent. Raises Rejected for a stored secret that would go to another url.
    """
    changed = set(find_differences(held, want, capabilities))
    secret = get_credential(want.auth)
    if isinstance(secret, Secret) or get_place(live.spec.auth) != get_place(want.auth):
        changed.add("auth")
    if list_secrets(want.options):
        changed.add("options")
    is_kept = any(isinstance(value, Withheld) for value in want.options.values())
    if is_kept and "url" in changed:
        raise Rejected(f"{want.name}: its secret options go nowhere else; send them again")
    if isinstance(secret, Withheld) and {"url", "auth"} & changed:
        raise Rejected(f"{want.name}: the stored credential goes nowhere else; send it again")
    return changed


def _comparable(held: Webhook, want: Webhook) -> Webhook:
    """The wanted spec with the credential and the secret options as held: these cannot be read
    back.
    """
    secrets = {name: value for name, value in held.options.items() if isinstance(value, Withheld)}
    if known := secrets.keys() & {name for name in want.options if is_hidden(want.options[name])}:
        options = {**want.options, **{name: secrets[name] for name in known}}
        want = replace(want, options=options)
    secret = get_credential(held.auth)
    if secret is None or get_credential(want.auth) is None:
        return withheld(want)
    return withheld(replace(want, auth=with_credential(want.auth, secret)))


def make_fingerprint(held: Held) -> str:
    """A revision for a product that has none: of everything readable and of the last write."""
    values = []
    for row in FIELDS:
        value = row.read(held.spec)
        if row.kind is Kind.CREDENTIAL:
            value = held.has_secret
        elif row.kind is Kind.SET:
            value = sorted(str(item) for item in value)
        values.append([".".join(row.path), value.shown if isinstance(value, Secret) else value])
    if own := list_own(held.metadata):
        values.append(["metadata", own])
    text = json.dumps([held.id, held.touched, values], sort_keys=True, default=str)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]
