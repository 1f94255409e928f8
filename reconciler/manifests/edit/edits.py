"""What differs of declared webhooks -> edits in the files that declare them, and warnings of what a
person has to edit.

Files outside of the folder are another team's: they are read only.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from yaml.error import YAMLError

from reconciler.core.export.exported import Edit, Export, Written
from reconciler.core.model.auth import BasicAuth, credential
from reconciler.core.model.fields import FIELDS
from reconciler.core.model.secret import Secret, Withheld, is_fingerprint
from reconciler.core.model.webhook import Origin, Subscription
from reconciler.core.wire.webhooks import literal
from reconciler.manifests.decode.loaded import Joined
from reconciler.manifests.edit import told
from reconciler.manifests.edit.edit import Text
from reconciler.manifests.edit.splice import Change
from reconciler.manifests.files.trees import shown

_CREDENTIALS: Final = frozenset({"auth.token", "auth.password", "auth.value"})
_ADOPT: Final = "edit it by hand, or reconcile"


@dataclass(frozen=True, slots=True)
class _Place:
    """A document: where it stands and the keys of the webhooks that it speaks of."""

    path: str
    kind: str
    name: str
    line: int
    keys: frozenset[str]


@dataclass(slots=True)
class _Work:
    """The files of a run, each read when it is first asked for, and what has been done in them so
    far.
    """

    folder: Path
    texts: dict[str, Text | None] = field(default_factory=dict)
    done: dict[tuple[_Place, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    variables: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    warnings: list[str] = field(default_factory=list)

    def text(self, path: str) -> Text | None:
        """The file, None where it cannot be read: standard input, or what changed since it was
        loaded.
        """
        if path not in self.texts:
            try:
                self.texts[path] = Text(Path(path).read_bytes())
            except (OSError, UnicodeDecodeError, YAMLError):
                self.texts[path] = None
        return self.texts[path]

    def spec(self, place: _Place) -> dict[str, Any] | None:
        """What a document says at the moment."""
        text = self.text(place.path)
        return None if text is None else text.spec(place.kind, place.name)

    def editable(self, place: _Place) -> bool:
        """Whether a document may be edited, and is there."""
        return (
            Path(place.path).resolve().is_relative_to(self.folder) and self.spec(place) is not None
        )

    def change(self, place: _Place, changes: Iterable[Change]) -> bool:
        """Makes all changes of a document, or none."""
        text = self.text(place.path)
        return (
            text is not None
            and self.editable(place)
            and text.change(place.kind, place.name, changes)
        )

    def by_hand(self, edit: Edit, what: str, place: Origin | str | None = None) -> None:
        """Tells what is left to a person."""
        self.warnings.append(
            f"{place or edit.declared.origin}: {edit.live.spec.name}: {what} differs; {_ADOPT}"
        )


def edits(
    made: Export, joined: Iterable[Joined], folder: str
) -> tuple[tuple[Written, ...], tuple[str, ...]]:
    """The files of DIR that declare what differs, edited in place; and what has to be edited by
    hand.
    """
    work = _Work(Path(folder).resolve())
    places = {edit.declared.key: _own(edit) for edit in made.edits}
    simple = {"protected", *(row.name for row in FIELDS if row.is_simple)}
    for edit in made.edits:
        own, fields = places[edit.declared.key], [change.dotted for change in edit.fields]
        for name in fields:
            if name in simple:
                _simple(work, edit, own, name)
        if any(name.startswith("auth.") for name in fields):
            _auth(work, edit, own)
    _events(work, {edit.declared.key: edit for edit in made.edits}, _documents(places, joined))
    return _written(work, made), tuple(dict.fromkeys(work.warnings))


def _own(edit: Edit) -> _Place:
    origin, key = edit.declared.origin, edit.declared.key
    return _Place(os.path.abspath(origin.file), "Webhook", key, origin.line, frozenset({key}))  # noqa: PTH100  strings, as all of this layer


def _simple(work: _Work, edit: Edit, own: _Place, name: str) -> None:
    """A field of one value; what is referenced stays a reference."""
    value = edit.live.protected if name == "protected" else getattr(literal(edit.live.spec), name)
    referenced = name == "url" and isinstance(edit.declared.spec.url, Secret)
    if (
        referenced
        or isinstance(value, Secret)
        or not work.change(own, [Change("set", ("spec", name), value)])
    ):
        work.by_hand(edit, name)
    else:
        work.done[own, edit.declared.key].append(name)


def _auth(work: _Work, edit: Edit, own: _Place) -> None:
    """The authentication: whatever can be said of it without knowing a credential."""
    spec = work.spec(own)
    names = [change.dotted for change in edit.fields if change.path[0] == "auth"]
    held, raw = literal(edit.live.spec).auth, (spec or {}).get("auth")
    secret = credential(edit.declared.spec.auth)
    known = secret.version if secret is not None else None
    changes, variables = told.auth(raw, held, edit.stem, known)
    if spec is None or not work.change(own, changes):
        for name in names:
            work.by_hand(edit, name)
        return
    theirs = credential(held)
    unknown = (
        is_fingerprint(known)
        and isinstance(theirs, Withheld)
        and known != theirs.version
        and not variables
    )
    kept_user = isinstance(edit.declared.spec.auth, BasicAuth) and isinstance(
        edit.declared.spec.auth.username, Secret
    )
    for name in names:
        if unknown and name in _CREDENTIALS and not _states_version(work, own):
            said = f"{name} has another value than the tenant was given; reconcile sends it"
            work.warnings.append(f"{edit.declared.origin}: {edit.live.spec.name}: {said}")
        elif kept_user and name == "auth.username" and isinstance(held, BasicAuth):
            work.by_hand(edit, name)
        elif changes:
            work.done[own, edit.declared.key].append(name)
    work.variables[edit.declared.key] += variables


def _states_version(work: _Work, own: _Place) -> bool:
    return "version" in ((work.spec(own) or {}).get("auth") or {})


def _documents(places: dict[str, _Place], joined: Iterable[Joined]) -> dict[str, list[_Place]]:
    """Of each webhook the documents that may list its events, its own first."""
    found = {key: [place] for key, place in places.items()}
    for one in joined:
        place = _Place(one.path, "EventSubscription", one.name, one.line, one.keys)
        for key in one.keys & found.keys():
            found[key].append(place)
    return found


def _events(work: _Work, edits_by_key: dict[str, Edit], documents: dict[str, list[_Place]]) -> None:
    gone = _Wanted({key: _subscriptions(edit, added=True) for key, edit in edits_by_key.items()})
    new = _Wanted({key: _subscriptions(edit, added=False) for key, edit in edits_by_key.items()})
    stays = {key: _taken(work, edit, documents[key], gone) for key, edit in edits_by_key.items()}
    for key, edit in edits_by_key.items():
        for one in sorted(new.of[key], key=_by_sort_key):
            if any(one in new.at.get(place, ()) for place in documents[key]):
                continue
            target = (
                _target(work, documents[key], one, gone, new)
                if one.type not in stays[key]
                else None
            )
            if target is None:
                work.by_hand(edit, "events", stays[key].get(one.type))
            else:
                new.at[target].add(one)
    for place in dict.fromkeys([*gone.at, *new.at]):
        _relist(work, place, gone.at.get(place, set()), new.at.get(place, set()), edits_by_key)


def _by_sort_key(one: Subscription) -> tuple[str, str, str]:
    return one.sort_key


def _taken(
    work: _Work, edit: Edit, places: list[_Place], gone: _Wanted
) -> dict[str, Origin | None]:
    """Notes where each event has to go; the places of those that have to stay, by type, for what
    they became.
    """
    stays: dict[str, Origin | None] = {}
    for one in sorted(gone.of[edit.declared.key], key=_by_sort_key):
        holders = [place for place in places if one in _listed(work, place)]
        if holders and all(work.editable(place) and gone.by_all(place, one) for place in holders):
            for place in holders:
                gone.at[place].add(one)
        else:
            stays[one.type] = edit.declared.subscription_origins.get(one)
            work.by_hand(edit, "events", stays[one.type])
    return stays


@dataclass(slots=True)
class _Wanted:
    """What has to go or to come: `of` each webhook by key, and, once decided, `at` each
    document.
    """

    of: dict[str, frozenset[Subscription]]
    at: dict[_Place, set[Subscription]] = field(default_factory=lambda: defaultdict(set))

    def by_all(self, place: _Place, one: Subscription) -> bool:
        """Whether every webhook of a document wants it, so that none is changed unasked."""
        return all(one in self.of.get(key, ()) for key in place.keys)


def _subscriptions(edit: Edit, *, added: bool) -> frozenset[Subscription]:
    """What the manifests say and the tenant does not (`added`: a plan would add it), or the other
    way round.
    """
    change = next((change for change in edit.fields if change.path == ("events",)), None)
    return frozenset(() if change is None else change.added if added else change.removed)


def _listed(work: _Work, place: _Place) -> set[Subscription]:
    spec = work.spec(place) or {}
    return {one for item in spec.get("events", ()) for one in told.subscriptions(item)}


def _target(
    work: _Work, places: list[_Place], one: Subscription, gone: _Wanted, new: _Wanted
) -> _Place | None:
    """Where an event is added: where the like of it goes, else in the webhook's own list, else
    where its events stand.
    """
    free = [place for place in places if work.editable(place) and new.by_all(place, one)]
    alike = [place for place in free if any(was.type == one.type for was in gone.at.get(place, ()))]
    alone = [place for place in free if len(place.keys) == 1]
    listing = [place for place in alone if (work.spec(place) or {}).get("events")]
    return next(iter([*alike, *listing, *alone]), None)


def _relist(
    work: _Work,
    place: _Place,
    gone: set[Subscription],
    new: set[Subscription],
    edits_by_key: dict[str, Edit],
) -> None:
    text, spec = work.text(place.path), work.spec(place)
    if text is None or spec is None:  # both were looked at before
        return
    changes = told.events(spec.get("events", []), gone, new)
    emptied = place.kind != "Webhook" and any(
        change == Change("remove", ("spec", "events")) for change in changes
    )
    made = text.drop(place.kind, place.name) if emptied else work.change(place, changes)
    for key in sorted(place.keys):
        if made:
            work.done[place, key].append("events")
        else:
            work.by_hand(edits_by_key[key], "events")
    if emptied:
        work.warnings.append(
            f"{shown(place.path)}:{place.line}: {place.name} has no event left and was taken out"
        )


def _written(work: _Work, made: Export) -> tuple[Written, ...]:
    """The files that were edited, an entry for each webhook; none of a file that reads otherwise as
    a whole.
    """
    by_key = {edit.declared.key: edit for edit in made.edits}
    texts = {path: work.texts[path] for path in dict.fromkeys(place.path for place, _ in work.done)}
    whole = {path: text.whole() for path, text in texts.items() if text is not None}
    found = []
    for (place, key), fields in work.done.items():
        edit, text = by_key[key], whole.get(place.path)
        if text is None:
            for name in fields:
                work.by_hand(edit, name)
            continue
        own = place.kind == "Webhook"
        variables = tuple(work.variables.pop(key, ())) if own else ()
        name, path = edit.live.spec.name, place.path
        written = Written(
            path, shown(path), text, key, name, edit.live.id, place.line, tuple(fields)
        )
        found.append(replace(written, variables=variables, mark=edit.live.managed_by))
    return tuple(sorted(found, key=lambda file: (file.path, file.line, file.key)))
