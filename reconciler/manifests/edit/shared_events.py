"""Which document each change of a webhook's events goes to: an EventSubscription may serve several
webhooks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from reconciler.core.export.exported import Edit
from reconciler.core.model.webhook import Origin, Subscription
from reconciler.manifests.decode.load_types import EventSubscriptionRef
from reconciler.manifests.edit import event_edits
from reconciler.manifests.edit.edit_session import DocumentRef, EditSession
from reconciler.manifests.edit.splice import Change
from reconciler.manifests.files.trees import show_path


@dataclass(slots=True)
class _EventChanges:
    """Subscriptions to remove or to add: `by_key` per webhook and, once decided, `by_document` per
    document.
    """

    by_key: dict[str, frozenset[Subscription]]
    by_document: dict[DocumentRef, set[Subscription]] = field(
        default_factory=lambda: defaultdict(set)
    )

    def is_shared_by_all(self, place: DocumentRef, subscription: Subscription) -> bool:
        """Whether every webhook of a document needs the change, so that no other webhook is
        changed.
        """
        return all(subscription in self.by_key.get(key, ()) for key in place.keys)


def find_event_documents(
    places: dict[str, DocumentRef], event_subscriptions: Iterable[EventSubscriptionRef]
) -> dict[str, list[DocumentRef]]:
    """Per webhook the documents that may list its events, its own first."""
    documents = {key: [place] for key, place in places.items()}
    for reference in event_subscriptions:
        place = DocumentRef(
            reference.path, "EventSubscription", reference.name, reference.line, reference.keys
        )
        for key in reference.keys & documents.keys():
            documents[key].append(place)
    return documents


def edit_shared_events(
    session: EditSession, edits_by_key: dict[str, Edit], documents: dict[str, list[DocumentRef]]
) -> None:
    """Removes and adds events, in the documents that change no other webhook."""
    removals = _EventChanges(
        {key: _changed_subscriptions(edit, only_added=True) for key, edit in edits_by_key.items()}
    )
    additions = _EventChanges(
        {key: _changed_subscriptions(edit, only_added=False) for key, edit in edits_by_key.items()}
    )
    kept_origins = {
        key: _plan_removals(session, edit, documents[key], removals)
        for key, edit in edits_by_key.items()
    }
    for key, edit in edits_by_key.items():
        _plan_additions(session, edit, documents[key], removals, additions, kept_origins[key])
    for place in dict.fromkeys([*removals.by_document, *additions.by_document]):
        _edit_event_list(
            session,
            place,
            removals.by_document.get(place, set()),
            additions.by_document.get(place, set()),
            edits_by_key,
        )


def _plan_additions(
    session: EditSession,
    edit: Edit,
    documents: list[DocumentRef],
    removals: _EventChanges,
    additions: _EventChanges,
    kept_origins: dict[str, Origin | None],
) -> None:
    """Notes the document to add each event to; an event that has to stay is left to a person."""
    for subscription in sorted(additions.by_key[edit.declared.key], key=_sort_key):
        if any(subscription in additions.by_document.get(place, ()) for place in documents):
            continue
        target = (
            _choose_document(session, documents, subscription, removals, additions)
            if subscription.type not in kept_origins
            else None
        )
        if target is None:
            session.warn_by_hand(edit, "events", kept_origins.get(subscription.type))
        else:
            additions.by_document[target].add(subscription)


def _sort_key(subscription: Subscription) -> tuple[str, str, str]:
    return subscription.sort_key


def _plan_removals(
    session: EditSession, edit: Edit, places: list[DocumentRef], removals: _EventChanges
) -> dict[str, Origin | None]:
    """Notes the documents to remove events from. Returns the positions of events that have to stay,
    by type.
    """
    kept_origins: dict[str, Origin | None] = {}
    for subscription in sorted(removals.by_key[edit.declared.key], key=_sort_key):
        holders = [
            place for place in places if subscription in _listed_subscriptions(session, place)
        ]
        if holders and all(
            session.is_editable(place) and removals.is_shared_by_all(place, subscription)
            for place in holders
        ):
            for place in holders:
                removals.by_document[place].add(subscription)
        else:
            kept_origins[subscription.type] = edit.declared.subscription_origins.get(subscription)
            session.warn_by_hand(edit, "events", kept_origins[subscription.type])
    return kept_origins


def _changed_subscriptions(edit: Edit, *, only_added: bool) -> frozenset[Subscription]:
    """The subscriptions that only the manifests have (`only_added`: a plan would add them), or only
    the tenant.
    """
    change = next((change for change in edit.fields if change.path == ("events",)), None)
    return frozenset(() if change is None else change.added if only_added else change.removed)


def _listed_subscriptions(session: EditSession, place: DocumentRef) -> set[Subscription]:
    spec = session.read_spec(place) or {}
    return {
        subscription
        for item in spec.get("events", ())
        for subscription in event_edits.expand_item(item)
    }


def _choose_document(
    session: EditSession,
    places: list[DocumentRef],
    subscription: Subscription,
    removals: _EventChanges,
    additions: _EventChanges,
) -> DocumentRef | None:
    """The document to add an event to: one that loses an event of that type, else the webhook's own
    list, else one with events.
    """
    candidates = [
        place
        for place in places
        if session.is_editable(place) and additions.is_shared_by_all(place, subscription)
    ]
    same_type = [
        place
        for place in candidates
        if any(
            removed_event.type == subscription.type
            for removed_event in removals.by_document.get(place, ())
        )
    ]
    single_webhook = [place for place in candidates if len(place.keys) == 1]
    with_events = [
        place for place in single_webhook if (session.read_spec(place) or {}).get("events")
    ]
    return next(iter([*same_type, *with_events, *single_webhook]), None)


def _edit_event_list(
    session: EditSession,
    place: DocumentRef,
    removals: set[Subscription],
    additions: set[Subscription],
    edits_by_key: dict[str, Edit],
) -> None:
    text, spec = session.read_text(place.path), session.read_spec(place)
    if text is None or spec is None:  # both were looked at before
        return
    changes = event_edits.edit_events(spec.get("events", []), removals, additions)
    is_emptied = place.kind != "Webhook" and any(
        change == Change("remove", ("spec", "events")) for change in changes
    )
    is_edited = text.drop(place.kind, place.name) if is_emptied else session.change(place, changes)
    for key in sorted(place.keys):
        if is_edited:
            session.edited_fields[place, key].append("events")
        else:
            session.warn_by_hand(edits_by_key[key], "events")
    if is_emptied:
        session.warnings.append(
            f"{show_path(place.path)}:{place.line}: {place.name} has no event left and was removed"
        )
