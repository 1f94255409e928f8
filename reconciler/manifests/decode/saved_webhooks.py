"""The declared webhooks of a saved plan: kept as Webhook manifests with their places, and decoded
as any manifest is.

Patches of the Tenant and events of EventSubscriptions are in them already. What a manifest has no
right to reference, a saved plan has not either.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from typing import Any

from reconciler.core.change import Change
from reconciler.core.errors import InvalidManifests, InvalidPlanFile
from reconciler.core.model.auth import get_credential_field
from reconciler.core.model.fields import FIELDS, Kind
from reconciler.core.model.options import list_secrets
from reconciler.core.model.reference_names import add_reference_suffix
from reconciler.core.model.scopes import get_git_key
from reconciler.core.model.secret import Secret
from reconciler.core.model.webhook import Declared, Origin
from reconciler.core.wire.webhooks import events_to_wire
from reconciler.manifests.decode.load_types import Manifests
from reconciler.manifests.decode.request import Request
from reconciler.manifests.decode.secrets import Resolver, make_access
from reconciler.manifests.decode.webhooks import decode_webhook, make_declared
from reconciler.manifests.files.trees import STDIN
from reconciler.manifests.schemas.schema import is_valid
from reconciler.manifests.secret_sources.command import without_arguments
from reconciler.manifests.yaml.document import Document, File, PatchTrace, Path

Json = dict[str, Any]


def saved_webhooks(changes: Iterable[Change], manifests: Manifests) -> list[Json]:
    """The declared webhooks of these changes; `manifests` has kept its values."""
    declared = {item.key: item for item in manifests.declared}
    planned: dict[str, list[Declared]] = {}  # of a fleet one manifest has many changes
    for change in changes:
        if change.declared is not None:
            planned.setdefault(get_git_key(change.declared.key), []).append(change.declared)
    return [_saved(manifests.values[key], declared[key], items) for key, items in planned.items()]


def _saved(value: Json, declared: Declared, planned: Iterable[Declared]) -> Json:
    origins = declared.subscription_origins
    events = sorted(origins, key=lambda item: item.sort_key)
    written = [
        {name: part for name, part in event.items() if part is not None}  # a product may have none
        for event in events_to_wire(frozenset(events))
    ]
    spec = {**value["spec"], "events": written}
    fields = [*declared.field_origins.items()]
    places = [
        *((path, place) for path, place in fields if path[0] != "events"),
        *((("events", number), origins[event]) for number, event in enumerate(events)),
    ]
    return {
        "value": {**value, "spec": without_arguments(spec)},
        "place": asdict(declared.origin),
        "sources": declared.sources,
        "places": [{"path": path, **asdict(place)} for path, place in places],
        "unread": sorted(set.intersection(*(set(_unread(declared, item)) for item in planned))),
    }


def _unread(declared: Declared, planned: Declared) -> Iterator[tuple[str, ...]]:
    """The paths of references that the plan does not need: it leaves what the tenant holds."""
    planned_options = planned.spec.options
    for name in list_secrets(declared.spec.options):
        if not isinstance(planned_options.get(name), Secret):
            yield "options", name
    for row in FIELDS:
        wanted = row.read(declared.spec)
        if isinstance(wanted, Secret) and not getattr(row.read(planned.spec), "reference", ""):
            is_credential = row.kind is Kind.CREDENTIAL
            yield ("auth", get_credential_field(declared.spec.auth)) if is_credential else row.path


class _Places(File):
    """A file whose offsets are numbers of known places; the first is the document's."""

    __slots__ = ("origins",)

    def __init__(self, origins: tuple[Origin, ...]) -> None:
        name = origins[0].file
        path = STDIN if name == STDIN else os.path.abspath(name)  # noqa: PTH100  strings, as all of this layer
        folder = os.getcwd() if path == STDIN else os.path.dirname(path)  # noqa: PTH109, PTH120  as above
        super().__init__(name, path=path, folder=folder)
        self.origins = origins

    def locate(self, index: int) -> Origin:
        """The place of that number."""
        return self.origins[index if index < len(self.origins) else 0]


def _document(entry: Json) -> Document:
    """The manifest as the reader would give it; a patched field stands where its patch does."""
    value, places = entry["value"], [(place["path"], _origin(place)) for place in entry["places"]]
    events = value["spec"].get("events", [])
    file = _Places(
        (_origin(entry["place"]), *(place for path, place in places if path[0] == "events"))
    )
    file.marks[id(events)] = [*range(len(events) + 1)]
    written = Document(value, file, 0)
    grafts: dict[Path, tuple[Document, Path]] = {
        ("spec", *path): (Document(value, _Places((place,)), 0), ("spec", *path))
        for path, place in places
        if path[0] != "events"
    }
    return replace(written, patch_trace=PatchTrace(written, grafts)) if grafts else written


def _origin(place: Json) -> Origin:
    return Origin(place["file"], place["line"], place["column"])


def _list_unread(entry: Json) -> Iterator[Path]:
    """The paths of the references that the plan does not need, under each name of their fields."""
    for *above, name in entry["unread"]:
        for field in (name, add_reference_suffix(name)):
            yield ("spec", *above, field)


def decode_saved(
    entries: Iterable[Json], request: Request, manifests: Manifests
) -> tuple[Declared, ...]:
    """The declared webhooks, with a value behind each reference that the plan needs.

    `manifests` gives the Tenants' tokens and lists. Raises InvalidManifests with all that do not
    resolve, InvalidPlanFile for what is no Webhook.
    """
    chosen = (manifests.tenant,) if manifests.tenant is not None else manifests.tenants
    resolver = Resolver(
        make_access(request, manifests.tokens),
        read_values=True,
        warn=False,
        fingerprint_key=request.secrets.fingerprint_key,
        problems=[],
        fetch_cache=request.secrets.once,
        tokens=manifests.tokens,
    )
    webhooks = []
    for entry in entries:
        value = entry["value"]
        if not is_valid("Webhook", value) or without_arguments(value) != value:
            raise InvalidPlanFile("the saved plan has an invalid Webhook manifest; plan again")
        unread = frozenset(_list_unread(entry))
        draft = decode_webhook(
            _document(entry), replace(resolver, unread=unread), chosen, request.find
        )
        [webhook] = make_declared([draft], manifests.root, with_positions=False)
        webhooks.append(replace(webhook, sources=tuple(entry["sources"])))
    problems = [*resolver.problems, *(problem for _, problem in resolver.unresolved_references)]
    if any(problem.severity == "error" for problem in problems):
        raise InvalidManifests(tuple(problems), len(webhooks))
    return tuple(webhooks)
