"""Names of Secrets for references, and names of variables for Secrets.

A webhook's credentials are keys of one Secret, `<webhook>-credentials`, a Tenant's token is in
`<tenant>-tenant`. A reference that several documents share has a Secret of its own, so that it
outlives each of them. The name of a variable leads to the same Secret again.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from reconciler.core.export.manifest import make_key
from reconciler.core.model.webhook import Origin
from reconciler.manifests.secret_sources import Access, Forbidden, show_reference
from reconciler.manifests.secret_sources.cluster import SOURCE as FROM_SECRET
from reconciler.manifests.secret_sources.env import find_place

VALUE: Final = "value"  # the key in the Secret of a shared reference
_CREDENTIALS: Final = "-credentials"
_LENGTH: Final = 200  # characters of a Secret's name before its ending; it may have 253
_VARIABLE_LENGTH: Final = 240  # of a variable's name, which may have 255
_RELATIVE: Final = frozenset({"fromFile", "fromSops"})  # to the folder of the manifest
# Variables that a shell and programs need.
_USUAL: Final = frozenset(
    {"HOME", "IFS", "LANG", "PATH", "PWD", "SHELL", "TERM", "TMPDIR", "TZ", "USER"}
)


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A key of a Secret, which may be in the operator's namespace."""

    secret: str
    key: str
    is_of_operator: bool = False


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Use:
    """One reference in a document: `kind` and `name` are the document's, `field` is its own."""

    kind: str
    name: str
    field: str
    reference: Mapping[str, Any]
    folder: str
    origin: Origin

    @property
    def owner(self) -> tuple[str, str]:
        """The document that it is in."""
        return self.kind, self.name

    @property
    def is_of_operator(self) -> bool:
        """Whether its Secret is in the operator's namespace."""
        return self.kind == "ClusterTenant"

    @property
    def is_known(self) -> bool:
        """Whether it is a Secret already."""
        return FROM_SECRET in self.reference

    def identify(self) -> str:
        """Equal for references to one value."""
        source, argument = next(iter(self.reference.items()))
        if source in _RELATIVE:
            file = argument if isinstance(argument, str) else argument["file"]
            argument = [posixpath.normpath(posixpath.join(self.folder, file)), argument]
        return json.dumps([self.is_of_operator, source, argument], sort_keys=True)

    def show(self) -> str:
        """The reference as outputs show it."""
        return show_reference(*next(iter(self.reference.items())))


def name_secrets(uses: Iterable[Use]) -> dict[str, SecretKey]:
    """The key of a Secret for each reference, by its identity; the order of uses is no matter."""
    groups: dict[str, list[Use]] = {}
    for use in sorted(uses, key=lambda use: (use.kind, use.name, use.field, use.identify())):
        groups.setdefault(use.identify(), []).append(use)
    found = {
        identity: _read_secret(group[0]) for identity, group in groups.items() if group[0].is_known
    }
    taken = set(found.values())
    for identity in sorted(groups, key=lambda identity: len(_list_owners(groups[identity])) > 1):
        if identity not in found:
            found[identity] = _name_secret(groups[identity], taken)
            taken.add(found[identity])
    return found


def _read_secret(use: Use) -> SecretKey:
    """The key of a Secret that a manifest has already."""
    reference = use.reference[FROM_SECRET]
    return SecretKey(reference["name"], reference["key"], use.is_of_operator)


def _list_owners(uses: Iterable[Use]) -> set[tuple[str, str]]:
    return {use.owner for use in uses}


def _name_secret(uses: list[Use], taken: set[SecretKey]) -> SecretKey:
    use = uses[0]
    if len(_list_owners(uses)) > 1:
        return _name_shared(use, taken)
    ending = _CREDENTIALS if use.kind == "Webhook" else "-tenant"
    secret = f"{use.name[:_LENGTH].rstrip('-.')}{ending}"
    number, made = 1, SecretKey(secret, use.field, use.is_of_operator)
    while made in taken:
        number += 1
        made = SecretKey(secret, f"{use.field}-{number}", use.is_of_operator)
    return made


def _name_shared(use: Use, taken: set[SecretKey]) -> SecretKey:
    """A Secret that is called as the reference, and holds nothing else."""
    base = make_key(_describe(use), "shared")
    if base.endswith(_CREDENTIALS):
        base = base.removesuffix("s")  # with the ending it would be a webhook's
    if not _is_usable(_make_upper(base)):
        base = f"secret-{base}"
    names = {each.secret for each in taken}
    number, secret = 1, base
    while secret in names:
        number += 1
        secret = f"{base}-{number}"
    return SecretKey(secret, VALUE, use.is_of_operator)


def _describe(use: Use) -> str:
    """The words of a reference. Arguments of a command may be credentials."""
    [argument] = use.reference.values()
    if isinstance(argument, str):
        return argument
    if isinstance(argument, list):
        return f"{posixpath.basename(argument[0])}-command"
    return "-".join(str(argument[name]) for name in sorted(argument, reverse=True))


def name_variables(keys: Iterable[SecretKey]) -> dict[SecretKey, str]:
    """The name of a variable for each key of a Secret."""
    names: dict[SecretKey, str] = {}
    taken: set[str] = set()
    for key in sorted(set(keys), key=lambda key: (key.secret, key.key)):
        base = _name_variable(key)
        number, name = 1, base
        while name in taken:
            number += 1
            name = f"{base}_{number}"
        names[key] = name
        taken.add(name)
    return names


def _name_variable(key: SecretKey) -> str:
    """`payments-oncall-credentials`, `token` -> PAYMENTS_ONCALL_TOKEN."""
    if key.secret.endswith(_CREDENTIALS):
        text = f"{key.secret.removesuffix(_CREDENTIALS)}-{key.key}"
    else:
        text = key.secret if key.key == VALUE else f"{key.secret}-{key.key}"
    name = _make_upper(text)
    return name if _is_usable(name) else f"SECRET_{name}"


def _make_upper(text: str) -> str:
    return re.sub("[^A-Z0-9]", "_", text.upper()[:_VARIABLE_LENGTH])


def _is_usable(variable: str) -> bool:
    """Whether a manifest may reference a variable, and nothing else needs it."""
    if variable[0].isdigit() or variable in _USUAL:
        return False
    try:
        find_place(variable, "", Access({}))
    except Forbidden:
        return False
    return True
