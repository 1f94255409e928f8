"""The table of authentications: a row that is added at run time is planned, sent, read and exported."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import pytest

from reconciler.core.export.manifest import make_manifest
from reconciler.core.model import auth
from reconciler.core.model.secret import Secret, Withheld
from reconciler.core.model.webhook import Owner
from reconciler.core.wire import webhooks as codec
from tests.support.builders import as_stored, declared, only, plan_of, secret


@dataclass(frozen=True, slots=True)
class CookieAuth:
    """A credential in a cookie."""

    value: Secret | Withheld


@pytest.fixture
def _cookie() -> Iterator[None]:
    """The table with one more row."""
    with pytest.MonkeyPatch.context() as patch:
        row = auth.AuthType("cookie", CookieAuth, "Cookie", credential="value")  # type: ignore[arg-type]  a type of `Auth` once it is real
        patch.setitem(auth.AUTH_TYPES, "cookie", row)
        patch.setitem(auth._BY_CLASS, CookieAuth, row)  # type: ignore[misc]  likewise
        yield


def with_cookie(version: str) -> Any:
    item = declared("a", url="https://hooks.example.com/x")
    return replace(item, spec=replace(item.spec, auth=CookieAuth(secret(version=version))))


def test_the_table_has_every_type_and_its_fields() -> None:
    assert {row.kind for row in auth.AUTH_TYPES.values()} == set(typing.get_args(auth.Auth))
    for row in auth.AUTH_TYPES.values():
        names = [field.name for field in fields(row.kind)]  # type: ignore[arg-type]  a class
        assert names == [name for name in (row.text, row.credential) if name]


def test_a_type_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(ValueError, match="unknown type"):
        auth.make_auth("telepathy", {}, Withheld())


@pytest.mark.usefixtures("_cookie")
def test_a_new_type_is_planned() -> None:
    created = only(plan_of([with_cookie("1")], []))
    assert {("auth.type", "cookie"), ("auth.value", "version 1")} <= {
        (field.dotted, field.after) for field in created.fields
    }
    [field] = only(plan_of([with_cookie("2")], [as_stored(with_cookie("1"))])).fields
    assert (field.dotted, field.before, field.after) == ("auth.value", "version 1", "version 2")


@pytest.mark.usefixtures("_cookie")
def test_a_new_type_is_sent_and_read_back_without_its_credential() -> None:
    item = with_cookie("1")
    body = codec.make_create_body(item, Owner("payments"))
    assert body["auth"] == {
        "type": "cookie",
        "value": item.spec.auth.value.reveal(),
        "credential_version": "1",
    }
    shown = {**body, "id": "1", "revision": "1", "invocations": None}
    assert codec.live_from_wire(shown).spec.auth == CookieAuth(Withheld("1"))


@pytest.mark.usefixtures("_cookie")
def test_a_new_type_is_exported_with_a_reference() -> None:
    manifest = make_manifest(as_stored(with_cookie("1")).spec, "a")
    assert "    type: cookie\n    value: {fromEnv: " in manifest.text
    assert with_cookie("1").spec.auth.value.reveal() not in manifest.text
