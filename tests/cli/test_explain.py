"""`explain`: every field of every kind, near names for what is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.manifests.schema_texts import KINDS, all_field_names
from reconciler.manifests.schemas.fields import Field, explain_field, list_kinds
from tests.support.processes import run


def every(field: Field, path: str) -> dict[str, Field]:
    found = {path: field}
    for child in field.fields:
        below = f"{path}.{child.path}"
        found |= every(explain_field(below), below)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_of_a_kind_is_explained_in_words(kind: str) -> None:
    found = every(explain_field(kind), kind)
    assert [path for path, field in found.items() if not field.description] == []
    assert all(path.rpartition(".")[2] in all_field_names() for path in found if path != kind)
    assert len(found) > 8


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ("Webhook.spec.url", "Webhook.spec.url"),
        ("webhook.url", "Webhook.spec.url"),
        ("webhook.labels", "Webhook.metadata.labels"),
        ("event-subscription.events.severity", "EventSubscription.spec.events.severity"),
        ("TENANT.limits.deletes.share", "Tenant.spec.limits.deletes.share"),
    ],
)
def test_a_field_is_found_by_short_ways_too(asked: str, path: str) -> None:
    assert explain_field(asked).path == path


def test_required_fields_defaults_and_variants_are_said(tmp_path: Path) -> None:
    auth = {field.path: field for field in explain_field("Webhook.auth").fields}
    assert auth["type"].required
    assert auth["password"].variant == "Basic authentication"
    assert not explain_field("Webhook.spec.name").required
    assert explain_field("EventSubscription.spec.events").required
    assert not explain_field("Webhook.spec.url").required  # or urlFrom
    shown = run("explain", "tenant.prune", cwd=tmp_path)
    assert (shown.code, shown.out) == (
        0,
        (
            "Tenant.spec.prune  (true or false)\n    Delete what is ours and no longer "
            "declared.\n    default true\n"
        ),
    )


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("Webhok", "did you mean Webhook?"),
        ("Webhook.spec.uri", "did you mean url?"),
        ("Webhook.autth", "did you mean auth?"),
        ("Webhook.spec.auth.tokn", "did you mean token?"),
        ("Webhook.spec.enabled.x", "it has no fields of its own"),
        ("Webhook.", "known: apiVersion, kind, metadata, spec"),
        ("Webhook.\x1b[31m", "known: apiVersion"),
    ],
)
def test_what_is_no_field_is_64_with_near_names(tmp_path: Path, asked: str, hint: str) -> None:
    ended = run("explain", asked, cwd=tmp_path)
    assert ended.code == 64
    assert hint in ended.err
    assert "\x1b" not in ended.err


def test_without_a_kind_every_kind_is_listed(tmp_path: Path) -> None:
    out = run("explain", cwd=tmp_path).out
    assert (
        [line for line in out.splitlines() if not line.startswith(" ")]
        == [kind.path for kind in list_kinds()]
        == list(KINDS)
    )
