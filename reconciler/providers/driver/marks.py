"""The mark of ownership in the last line of a description, for products without a field for it.

    [reconciler owner=payments key=oncall v=3 source=webhooks/oncall.yaml]

A mark is data that anybody may edit. If it cannot be read, the webhook is unowned.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

from reconciler.core.model.auth import Auth, get_auth_type, get_credential, make_auth
from reconciler.core.model.capabilities import Capabilities
from reconciler.core.model.secret import Withheld
from reconciler.core.model.webhook import Declared, Live, ManagedBy, Owner, Webhook

_LINE: Final = re.compile(r"(?:^|\n)\[reconciler((?: [a-z]+=[^\s\[\]=]*)*)\]\s*\Z")
_ANY: Final = re.compile(r"\[reconciler\b")
_SAFE: Final = "/:.,@-_"


@dataclass(frozen=True, slots=True)
class Mark:
    """Whose a webhook is, the version of its credential (None: not known), its protection, and the
    type of its authentication where the product does not tell it.
    """

    managed_by: ManagedBy
    version: str | None = None
    protected: bool = False
    auth: str = ""


def make_mark(
    capabilities: Capabilities,
    spec: Webhook,
    declared: Declared,
    owner: Owner,
    before: Live | None,
) -> Mark:
    """The mark of a webhook as it is about to be written over `before`."""
    secret = get_credential(spec.auth)
    repository = owner.repository_for(before.managed_by if before is not None else None)
    managed_by = ManagedBy(owner.name, declared.key, declared.sources, owner.revision, repository)
    protected = declared.protected
    if protected is None and before is not None:
        protected = before.protected
    return Mark(
        managed_by,
        secret.version if secret is not None else None,
        bool(protected),
        "" if capabilities.secrets.type_visible else get_auth_type(spec.auth),
    )


def find_auth(capabilities: Capabilities, shown: Auth, mark: Mark | None) -> Auth:
    """The authentication that the product tells, else the type that the mark has."""
    kind = mark.auth if mark is not None else ""
    if capabilities.secrets.type_visible or kind not in capabilities.auths:
        return shown
    return make_auth(kind, {"scheme": next(iter(capabilities.schemes), "")}, Withheld())


def with_mark(description: str, mark: Mark) -> str:
    """The description with the mark as its last line."""
    by = mark.managed_by
    parts = [("owner", by.owner), ("key", by.key)]
    parts += [("v", mark.version)] if mark.version is not None else []
    parts += [("source", source) for source in by.sources]
    parts += [("commit", by.revision)] if by.revision is not None else []
    parts += [("repository", by.repository)] if by.repository is not None else []
    parts += [("protected", "yes")] if mark.protected else []
    parts += [("auth", mark.auth)] if mark.auth else []
    line = " ".join(["[reconciler", *(f"{name}={quote(text, _SAFE)}" for name, text in parts)])
    return f"{description}\n{line}]" if description else f"{line}]"


def read_mark(text: str) -> tuple[str, Mark | None, bool]:
    """The description without its mark, the mark, and whether something looks like a mark but
    cannot be read.
    """
    match = _LINE.search(text)
    if match is None:
        return text, None, _ANY.search(text) is not None
    parts = [part.partition("=") for part in match.group(1).split()]
    values = [(name, unquote(value)) for name, _, value in parts]
    first = dict(reversed(values))
    if not first.get("owner") or not first.get("key"):
        return text, None, True
    managed_by = ManagedBy(
        first["owner"],
        first["key"],
        tuple(value for name, value in values if name == "source"),
        first.get("commit"),
        first.get("repository"),
    )
    mark = Mark(managed_by, first.get("v"), first.get("protected") == "yes", first.get("auth", ""))
    return text[: match.start()], mark, False
