"""The mark of ownership: texts by name, in a webhook's metadata or in the last line of its
description.

    {"reconciler.owner": "payments", "reconciler.key": "oncall", "reconciler.v": "3"}

    [reconciler owner=payments key=oncall v=3 source=webhooks/oncall.yaml]

A mark is data that anybody may edit. If it cannot be read, the webhook is unowned.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote, unquote

from reconciler.core.errors import Rejected
from reconciler.core.model.auth import Auth, get_auth_type, get_credential, make_auth
from reconciler.core.model.capabilities import Capabilities
from reconciler.core.model.options import Options
from reconciler.core.model.secret import Secret, Withheld
from reconciler.core.model.webhook import Declared, Live, ManagedBy, Owner, Webhook
from reconciler.providers.plugin import Held, with_metadata

PREFIX: Final = "reconciler."
"""What the names of our own metadata begin with."""

_LINE: Final = re.compile(r"(?:^|\n)\[reconciler((?: [a-z]+=[^\s\[\]=]*)*)\]\s*\Z")
_ANY: Final = re.compile(r"\[reconciler\b")
_LISTS: Final = frozenset({"source", "option"})  # texts with a space between their items
_SAFE: Final = "/:.,@-_"


@dataclass(frozen=True, slots=True)
class Mark:
    """Whose a webhook is, the version of its credential (None: not known), its protection, the type
    of its authentication where the product does not tell it, and the versions of secret options by
    name.
    """

    managed_by: ManagedBy
    version: str | None = None
    protected: bool = False
    auth: str = ""
    options: tuple[tuple[str, str], ...] = ()


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
        list_versions(spec.options),
    )


def list_versions(options: Options) -> tuple[tuple[str, str], ...]:
    """The versions of the secrets among the options, by name; without those that are not known."""
    versions = (
        (name, value.version)
        for name, value in sorted(options.items())
        if isinstance(value, Secret | Withheld)
    )
    return tuple((name, version) for name, version in versions if version is not None)


def add_versions(options: Options, mark: Mark | None) -> Options:
    """The options of a webhook with the versions that its mark has of their secrets."""
    versions = dict(mark.options) if mark is not None else {}
    return {
        name: Withheld(versions.get(name)) if isinstance(value, Withheld) else value
        for name, value in options.items()
    }


def make_retired_mark(
    capabilities: Capabilities, declared: Declared, owner: Owner, live: Live
) -> Mark:
    """The mark of a webhook that another one is about to replace: ours, and under a key that no
    manifest can declare, so that a plan deletes it.
    """
    mark = make_mark(capabilities, live.spec, declared, owner, live)
    managed_by = replace(mark.managed_by, key=f"{declared.key} (replaced)")
    return replace(mark, managed_by=managed_by, protected=False)


def find_auth(capabilities: Capabilities, shown: Auth, mark: Mark | None) -> Auth:
    """The authentication that the product tells, else the type that the mark has."""
    kind = mark.auth if mark is not None else ""
    if capabilities.secrets.type_visible or kind not in capabilities.auths:
        return shown
    return make_auth(kind, {"scheme": next(iter(capabilities.schemes), "")}, Withheld())


def take_mark(capabilities: Capabilities, held: Held) -> tuple[str, Mark | None, bool]:
    """The description without a mark, the mark of the webhook, and whether something looks like a
    mark but cannot be read.
    """
    text = held.spec.description
    match capabilities.mark:
        case "field":
            return read_mark(text)
        case "native":
            own = list_own(held.metadata)
            mark = read_texts({name.removeprefix(PREFIX): value for name, value in own.items()})
            return text, mark, mark is None and bool(own)
        case _:
            return text, None, False


def add_mark(
    capabilities: Capabilities, spec: Webhook, mark: Mark, metadata: Mapping[str, str]
) -> Webhook:
    """The webhook as it is written: with its mark, if the product keeps marks in the webhook.
    `metadata` is what the product holds; texts of other programs stay.

    Raises Rejected for a description without room for the mark.
    """
    match capabilities.mark:
        case "field":
            text, room = with_mark(spec.description, mark), capabilities.description_length
            if len(text) > room:
                raise Rejected(
                    f"{spec.name}: its description has no room for the mark of ownership: "
                    f"{len(text):,} characters, the product takes {room:,}; shorten "
                    "spec.description"
                )
            return replace(spec, description=text)
        case "native":
            others = {name: metadata[name] for name in metadata.keys() - list_own(metadata).keys()}
            own = {PREFIX + name: text for name, text in make_texts(mark).items()}
            return with_metadata(spec, {**others, **own})
        case _:
            return spec


def list_own(metadata: Mapping[str, str]) -> dict[str, str]:
    """Those texts of a webhook's metadata that are the mark, or look like it."""
    return {name: text for name, text in metadata.items() if name.startswith(PREFIX)}


def make_texts(mark: Mark) -> dict[str, str]:
    """The mark as texts by name. Sources are one text: percent-encoded, a space between them."""
    by = mark.managed_by
    texts = {
        "owner": by.owner,
        "key": by.key,
        "v": mark.version,
        "source": " ".join(quote(source, _SAFE) for source in by.sources) or None,
        "commit": by.revision,
        "repository": by.repository,
        "protected": "yes" if mark.protected else None,
        "auth": mark.auth or None,
        "option": " ".join(f"{name}:{version}" for name, version in mark.options) or None,
    }
    return {name: text for name, text in texts.items() if text is not None}


def read_texts(texts: Mapping[str, str]) -> Mark | None:
    """The mark that such texts are, None if they are none."""
    if not texts.get("owner") or not texts.get("key"):
        return None
    managed_by = ManagedBy(
        texts["owner"],
        texts["key"],
        tuple(unquote(source) for source in texts.get("source", "").split()),
        texts.get("commit"),
        texts.get("repository"),
    )
    is_protected, options = texts.get("protected") == "yes", texts.get("option", "").split()
    pairs = (text.partition(":") for text in options)
    versions = tuple((name, version) for name, _, version in pairs if version)
    return Mark(managed_by, texts.get("v"), is_protected, texts.get("auth", ""), versions)


def with_mark(description: str, mark: Mark) -> str:
    """The description with the mark as its last line."""
    parts = ["[reconciler"]
    for name, text in make_texts(mark).items():
        values = text.split(" ") if name in _LISTS else [quote(text, _SAFE)]
        parts += [f"{name}={value}" for value in values]
    line = f"{' '.join(parts)}]"
    return f"{description}\n{line}" if description else line


def read_mark(text: str) -> tuple[str, Mark | None, bool]:
    """The description without its mark, the mark, and whether something looks like a mark but
    cannot be read.
    """
    match = _LINE.search(text)
    if match is None:
        return text, None, _ANY.search(text) is not None
    texts: dict[str, str] = {}
    for part in match.group(1).split():
        name, _, value = part.partition("=")
        if name in _LISTS:
            texts[name] = f"{texts.get(name, '')} {value}"
        else:
            texts.setdefault(name, unquote(value))
    mark = read_texts(texts)
    return (text, None, True) if mark is None else (text[: match.start()], mark, False)
