"""What differs between a webhook of a product and a wanted one, and a revision for products without
one.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

from reconciler.core.model.auth import get_credential, with_credential
from reconciler.core.model.capabilities import Capabilities
from reconciler.core.model.fields import FIELDS, Kind, list_plain_rows
from reconciler.core.model.secret import Secret
from reconciler.core.model.webhook import Webhook
from reconciler.core.planning.diff import diff
from reconciler.providers.moved import withheld
from reconciler.providers.plugin import Held


def find_differences(held: Webhook, want: Webhook, capabilities: Capabilities) -> list[str]:
    """The top-level fields in which a product's webhook differs from a wanted one."""
    skipped = {row.name for row in list_plain_rows()} - capabilities.fields
    if capabilities.mark == "field":
        skipped.discard("description")  # the mark stands in it
    if not capabilities.secrets.type_visible:
        want = replace(want, auth=held.auth)
    return sorted({change.path[0] for change in diff(held, _comparable(held, want))} - skipped)


def _comparable(held: Webhook, want: Webhook) -> Webhook:
    """The wanted spec with the credential as held: credentials cannot be read back."""
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
    text = json.dumps([held.id, held.touched, values], sort_keys=True, default=str)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]
