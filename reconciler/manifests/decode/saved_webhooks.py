"""The declared webhooks of a saved plan: kept as Webhook manifests with their places, and decoded
as any manifest is.

Patches of the Tenant and events of EventSubscriptions are in them already. What a manifest has no
right to reference, a saved plan has not either.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from typing import Any, Final

from reconciler.core.change import Change
from reconciler.core.errors import InvalidManifests, InvalidPlanFile
from reconciler.core.model.auth import BasicAuth, credential, credential_field
from reconciler.core.model.fields import put
from reconciler.core.model.problem import Problem
from reconciler.core.model.secret import Secret
from reconciler.core.model.webhook import Declared, Origin, Subscription
from reconciler.manifests.decode.loaded import Manifests, Request
from reconciler.manifests.decode.secrets import UNRESOLVED, Resolver, access_of
from reconciler.manifests.decode.webhooks import declare, webhook
from reconciler.manifests.files.trees import STDIN
from reconciler.manifests.schemas.schema import is_valid
from reconciler.manifests.yaml.places import Document, File, Patched, Path

Json = dict[str, Any]
_COMMAND: Final = "fromCommand"
_CUT: Final = "…"  # in place of a command's arguments, which may be credentials


def saved_webhooks(changes: Iterable[Change], manifests: Manifests) -> list[Json]:
    """The declared webhooks of these changes; `manifests` has kept its values."""
    declared = {item.key: item for item in manifests.declared}
    return [
        _saved(manifests.values[change.declared.key], declared[change.declared.key], change)
        for change in changes
        if change.declared is not None
    ]


def _saved(value: Json, declared: Declared, change: Change) -> Json:
    events = sorted(declared.subscription_origins.items(), key=lambda item: item[0].sort_key)
    spec = {
        **{name: part for name, part in value["spec"].items() if name != "events"},
        **({"events": [_event(item) for item, _ in events]} if events else {}),
    }
    for path, reference in _references(spec):
        if len(reference.get(_COMMAND, ())) > 1:
            spec = {**spec, path[0]: _copy(spec[path[0]])}
            put(spec, path, {_COMMAND: [reference[_COMMAND][0], _CUT]})
    fields = [
        (path, place) for path, place in declared.field_origins.items() if path[0] != "events"
    ]
    placed = [(("events", number), place) for number, (_, place) in enumerate(events)]
    return {
        "value": {**value, "spec": spec},
        "place": asdict(declared.origin),
        "sources": list(declared.sources),
        "places": [{"path": list(path), **asdict(place)} for path, place in (*fields, *placed)],
        "unread": [list(path) for path in _kept(change.declared)],
    }


def _copy(part: Any) -> Any:
    return dict(part) if isinstance(part, dict) else part


def _event(item: Subscription) -> Json:
    parts = {"type": item.type, "version": item.version, "severity": item.severity}
    return {name: part for name, part in parts.items() if part is not None}


def _references(spec: Json) -> Iterator[tuple[tuple[str, ...], Json]]:
    """The references of a webhook's spec, with their paths in it."""
    auth = ((("auth", name), part) for name, part in spec.get("auth", {}).items())
    for path, part in ((("url",), spec["url"]), *auth):
        if isinstance(part, dict):
            yield path, part


def _kept(planned: Declared | None) -> Iterator[tuple[str, ...]]:
    """The paths of what the plan leaves as the tenant holds it: no run needs these references."""
    if planned is None:
        return
    spec = planned.spec
    if _is_held(spec.url):
        yield ("url",)
    if isinstance(spec.auth, BasicAuth) and _is_held(spec.auth.username):
        yield ("auth", "username")
    secret = credential(spec.auth)
    if secret is not None and not isinstance(secret, Secret):
        yield ("auth", credential_field(spec.auth))


def _is_held(value: str | Secret) -> bool:
    return isinstance(value, Secret) and not value.reference


class _Places(File):
    """A file whose offsets are numbers of known places; the first is the document's."""

    __slots__ = ("origins",)

    def __init__(self, origins: tuple[Origin, ...]) -> None:
        name = origins[0].file
        path = STDIN if name == STDIN else os.path.abspath(name)  # noqa: PTH100  strings, as all of this layer
        folder = os.getcwd() if path == STDIN else os.path.dirname(path)  # noqa: PTH109, PTH120  as above
        super().__init__(name, path=path, folder=folder)
        self.origins = origins

    def origin(self, index: int) -> Origin:
        """The place of that number."""
        return self.origins[index]


def _document(entry: Json) -> Document:
    """The manifest as the reader would give it; a patched field stands where its patch does."""
    value = entry["value"]
    events: list[Origin] = []
    grafts: dict[Path, tuple[Document, Path]] = {}
    for place in entry["places"]:
        path, origin = tuple(place["path"]), _origin(place)
        if path[0] == "events":
            events.append(origin)
        else:
            grafts["spec", *path] = Document(value, _Places((origin,)), 0), ("spec", *path)
    file = _Places((_origin(entry["place"]), *events))
    file.marks[id(value["spec"].get("events"))] = [*range(len(file.origins))]
    written = Document(value, file, 0)
    return replace(written, patched=Patched(written, grafts)) if grafts else written


def _origin(place: Json) -> Origin:
    return Origin(place["file"], place["line"], place["column"])


def decode_saved(
    entries: Iterable[Json], request: Request, manifests: Manifests
) -> tuple[Declared, ...]:
    """The declared webhooks, with a value behind each reference that the plan needs.

    `manifests` gives the Tenants' tokens and lists. Raises InvalidManifests with all that do not
    resolve, InvalidPlanFile for what is no Webhook.
    """
    chosen = (manifests.tenant,) if manifests.tenant is not None else manifests.tenants
    resolver = _resolver(request, manifests)
    found = []
    for entry in entries:
        if not _fits(entry):
            raise InvalidPlanFile("is not a plan that this program saves: /manifests: no Webhook")
        document, unread = _document(entry), {("spec", *path) for path in entry["unread"]}
        cut = {path for path in _cut(document) if path not in unread}
        resolver.problems.extend(_without_arguments(document, path) for path in cut)
        draft = webhook(document, replace(resolver, unread=frozenset(unread | cut)), chosen)
        made = declare(draft, manifests.root, placed=False)
        found.append(replace(made, sources=tuple(entry["sources"])))
    problems = [*resolver.problems, *(problem for _, problem in resolver.lost)]
    if any(problem.severity == "error" for problem in problems):
        raise InvalidManifests(tuple(problems), len(found))
    return tuple(found)


def _fits(entry: Json) -> bool:
    """Whether an entry is a Webhook with a place per event."""
    if not is_valid("Webhook", entry["value"]):
        return False
    events = [place["path"] for place in entry["places"] if place["path"][0] == "events"]
    count = len(entry["value"]["spec"].get("events", ()))
    return events == [["events", number] for number in range(count)]


def _resolver(request: Request, manifests: Manifests) -> Resolver:
    return Resolver(
        access_of(request, manifests.tokens),
        read=True,
        warn=False,
        fingerprint_key=request.fingerprint_key,
        problems=[],
        once=request.once,
        tokens=manifests.tokens,
    )


def _cut(document: Document) -> Iterator[Path]:
    """The paths of commands whose arguments are not in the file."""
    for path, reference in _references(document.value["spec"]):
        if reference.get(_COMMAND, ("",))[-1] == _CUT:
            yield ("spec", *path)


def _without_arguments(document: Document, path: Path) -> Problem:
    key = document.value["metadata"]["name"]
    message = f"{key}: a saved plan does not hold the arguments of a command"
    hint = "use --expect-digest, which reads the manifests again"
    return document.problem(path, UNRESOLVED, message, hint)
