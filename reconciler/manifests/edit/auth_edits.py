"""The changes of a document's `auth` that make it equal to what the tenant holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from reconciler.core.export.manifest import list_auth_fields, make_variable
from reconciler.core.model.auth import Auth, NoAuth
from reconciler.core.model.reference_names import find_reference_name
from reconciler.core.model.secret import Secret
from reconciler.manifests.edit.splice import Change

_AUTH: Final = ("spec", "auth")


def edit_auth(
    manifest_auth: Mapping[str, Any] | None,
    live_auth: Auth,
    stem: str,
    declared_version: str | None,
) -> tuple[list[Change], list[str]]:
    """The changes of `auth`, and the variables that it references only after them.

    References of the same type stay. `declared_version` is the version of the declared credential;
    None if it was not compared.
    """
    if isinstance(live_auth, NoAuth):
        return ([Change("remove", _AUTH)] if manifest_auth else []), []
    fields = dict(list_auth_fields(live_auth))
    is_same_type = manifest_auth is not None and manifest_auth["type"] == fields["type"]
    own_fields = manifest_auth if manifest_auth is not None and is_same_type else {}
    variables: list[str] = []
    new_auth: dict[str, Any] = {}
    for name, live_value in fields.items():
        field = find_reference_name(own_fields, name)
        manifest_value = own_fields.get(field)
        if isinstance(live_value, Secret) or isinstance(manifest_value, dict):
            if manifest_value is None:
                variables.append(make_variable(stem, field))
            new_auth[field] = manifest_value or {"fromEnv": variables[-1]}
        else:
            new_auth[field] = _choose_text(field, manifest_value, live_value)
    if is_same_type and declared_version is None:
        new_auth.pop("version", None)
    if manifest_auth is None or manifest_auth["type"] == "none":
        return [Change("set", _AUTH, new_auth)], variables
    return _change_fields(manifest_auth, new_auth), variables


def _choose_text(field: str, manifest_value: str | None, live_value: str) -> str:
    """The live text; the manifest's if only the letters' case of a header differs."""
    is_equal = manifest_value is not None and manifest_value.lower() == live_value.lower()
    return manifest_value if manifest_value and field == "header" and is_equal else live_value


def _change_fields(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    changes = [
        Change("set", (*_AUTH, field), value)
        for field, value in new.items()
        if old.get(field) != value
    ]
    return changes + [Change("remove", (*_AUTH, field)) for field in old if field not in new]
