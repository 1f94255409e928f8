"""Edits in manifests that make declared webhooks equal to the live ones, and warnings of what a
person has to edit.

Files outside of the folder belong to other teams and are not edited.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from reconciler.core.export.exported import Edit, Export, Written
from reconciler.core.export.manifest import make_option_field, make_variable
from reconciler.core.model.auth import CREDENTIAL_FIELDS, Auth, get_credential, get_username
from reconciler.core.model.fields import FIELDS
from reconciler.core.model.options import is_hidden
from reconciler.core.model.secret import Secret, Withheld, is_fingerprint
from reconciler.core.wire.webhooks import make_literal
from reconciler.manifests.decode.load_types import EventSubscriptionRef
from reconciler.manifests.edit.auth_edits import edit_auth
from reconciler.manifests.edit.edit_session import DocumentRef, EditSession
from reconciler.manifests.edit.shared_events import edit_shared_events, find_event_documents
from reconciler.manifests.edit.splice import Change
from reconciler.manifests.files.trees import show_path

_CREDENTIALS: Final = frozenset(f"auth.{name}" for name in CREDENTIAL_FIELDS.values())


def make_edits(
    export: Export, event_subscriptions: Iterable[EventSubscriptionRef], folder: str
) -> tuple[tuple[Written, ...], tuple[str, ...]]:
    """The edited files of DIR, and warnings of what to edit by hand."""
    session = EditSession(Path(folder).resolve())
    own_documents = {edit.declared.key: _own_document(edit) for edit in export.edits}
    simple_fields = {"protected", *(row.name for row in FIELDS if row.is_simple)}
    for edit in export.edits:
        own_document, fields = (
            own_documents[edit.declared.key],
            [change.dotted for change in edit.fields],
        )
        for name in fields:
            if name in simple_fields:
                _edit_simple_field(session, edit, own_document, name)
        for change in edit.fields:
            if change.path[0] == "options":
                _edit_option(session, edit, own_document, change.path[1])
        if any(name.startswith("auth.") for name in fields):
            _edit_auth(session, edit, own_document)
    edit_shared_events(
        session,
        {edit.declared.key: edit for edit in export.edits},
        find_event_documents(own_documents, event_subscriptions),
    )
    return _make_written(session, export), tuple(dict.fromkeys(session.warnings))


def _own_document(edit: Edit) -> DocumentRef:
    origin, key = edit.declared.origin, edit.declared.key
    return DocumentRef(os.path.abspath(origin.file), "Webhook", key, origin.line, frozenset({key}))  # noqa: PTH100  this layer keeps paths as text


def _edit_simple_field(session: EditSession, edit: Edit, own: DocumentRef, name: str) -> None:
    """Edits a field of one value; a reference stays."""
    value = (
        edit.live.protected if name == "protected" else getattr(make_literal(edit.live.spec), name)
    )
    is_reference = name == "url" and isinstance(edit.declared.spec.url, Secret)
    if (
        is_reference
        or isinstance(value, Secret)
        or not session.change(own, [Change("set", ("spec", name), value)])
    ):
        session.warn_by_hand(edit, name)
    else:
        session.edited_fields[own, edit.declared.key].append(name)


def _edit_option(session: EditSession, edit: Edit, own: DocumentRef, name: str) -> None:
    """Edits one of the product's own fields. A secret that the manifest lacks becomes a reference;
    one that it has stays.
    """
    spec = session.read_spec(own)
    options = (spec or {}).get("options")
    value = edit.live.spec.options.get(name)
    variables = []
    if is_hidden(value):
        variables = [make_variable(edit.stem, make_option_field(name))]
        value = {"fromEnv": variables[0]}
    path = ("spec", "options", name)
    change = Change("remove", path) if value is None else Change("set", path, value)
    if not options and value is not None:
        change = Change("set", path[:2], {name: value})
    has_secret = isinstance((options or {}).get(name), dict)
    if spec is None or (has_secret and variables) or not session.change(own, [change]):
        session.warn_by_hand(edit, f"options.{name}")
        return
    session.edited_fields[own, edit.declared.key].append(f"options.{name}")
    session.variables[edit.declared.key] += variables


def _edit_auth(session: EditSession, edit: Edit, own: DocumentRef) -> None:
    """Edits the authentication, as far as possible without knowing a credential."""
    spec = session.read_spec(own)
    names = [change.dotted for change in edit.fields if change.path[0] == "auth"]
    live_auth, manifest_auth = make_literal(edit.live.spec).auth, (spec or {}).get("auth")
    secret = get_credential(edit.declared.spec.auth)
    declared_version = secret.version if secret is not None else None
    changes, variables = edit_auth(manifest_auth, live_auth, edit.stem, declared_version)
    if spec is None or not session.change(own, changes):
        for name in names:
            session.warn_by_hand(edit, name)
        return
    has_other_credential = (
        _is_other_version(declared_version, live_auth)
        and not variables
        and not _states_version(session, own)
    )
    for name in names:
        if has_other_credential and name in _CREDENTIALS:
            message = f"{name} differs from the value that the tenant has; reconcile sends it"
            session.warnings.append(f"{edit.declared.origin}: {edit.live.spec.name}: {message}")
        elif name == "auth.username" and _keeps_username(edit.declared.spec.auth, live_auth):
            session.warn_by_hand(edit, name)
        elif changes:
            session.edited_fields[own, edit.declared.key].append(name)
    session.variables[edit.declared.key] += variables


def _is_other_version(declared_version: str | None, live_auth: Auth) -> bool:
    """Whether a fingerprint differs from the version that the tenant has."""
    live = get_credential(live_auth)
    return (
        is_fingerprint(declared_version)
        and isinstance(live, Withheld)
        and declared_version != live.version
    )


def _keeps_username(declared: Auth, live: Auth) -> bool:
    """Whether the user name is a reference, which stays."""
    return isinstance(get_username(declared), Secret) and get_username(live) is not None


def _states_version(session: EditSession, own: DocumentRef) -> bool:
    return "version" in ((session.read_spec(own) or {}).get("auth") or {})


def _make_written(session: EditSession, export: Export) -> tuple[Written, ...]:
    """The edited files, an entry per webhook. A file is left out if it reads differently as a
    whole.
    """
    by_key = {edit.declared.key: edit for edit in export.edits}
    texts = {
        path: session.texts[path]
        for path in dict.fromkeys(place.path for place, _ in session.edited_fields)
    }
    texts_by_path = {path: text.assemble() for path, text in texts.items() if text is not None}
    written_files = []
    for (place, key), fields in session.edited_fields.items():
        edit, text = by_key[key], texts_by_path.get(place.path)
        if text is None:
            for name in fields:
                session.warn_by_hand(edit, name)
            continue
        is_own = place.kind == "Webhook"
        variables = tuple(session.variables.pop(key, ())) if is_own else ()
        name, path = edit.live.spec.name, place.path
        written_file = Written(
            path, show_path(path), text, key, name, edit.live.id, place.line, tuple(fields)
        )
        written_files.append(replace(written_file, variables=variables, mark=edit.live.managed_by))
    return tuple(sorted(written_files, key=lambda file: (file.path, file.line, file.key)))
