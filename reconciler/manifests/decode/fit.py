"""Whether manifests fit the providers of the Tenants that select them.

Nothing is dropped silently: what a product cannot hold is an error, at its place in the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from reconciler.core.model.auth import get_auth_type, get_scheme
from reconciler.core.model.capabilities import (
    PRODUCT_FILE,
    TENANT,
    UNKNOWN,
    Capabilities,
    Find,
)
from reconciler.core.model.fields import list_plain_rows
from reconciler.core.model.options import KEYWORD, find_part, is_secret, list_parts
from reconciler.core.model.problem import Problem
from reconciler.core.model.webhook import Subscription
from reconciler.manifests.decode.load_types import TenantSpec
from reconciler.manifests.decode.webhooks import Draft
from reconciler.manifests.schemas.suggestions import suggest
from reconciler.manifests.yaml.document import Document

_TARGET: Final = ("spec", "target")
_OPTIONS: Final = ("spec", "options")
_PARTS: Final = ("version", "severity")


def provider(document: Document, tenant: TenantSpec, find: Find) -> tuple[Problem, ...]:
    """What is wrong with a Tenant's provider and its target."""
    name, capabilities = tenant.provider, tenant.find_capabilities(find)
    if capabilities is None:
        if name == PRODUCT_FILE:
            return ()  # its product is missing, which is a problem already
        message = f"no provider is named {name[:60]!r}"
        hint = _suggest_provider(name)
        return (document.make_problem(("spec", "provider"), "schema/enum", message, hint),)
    faults = _target(document, document.value["spec"].get("target"), capabilities)
    return (*faults, *_ledger(document, tenant, find))


def _ledger(document: Document, tenant: TenantSpec, find: Find) -> Iterator[Problem]:
    """A ledger that is switched off where there is none, or where a fleet needs it."""
    found = replace(tenant, has_ledger=True).find_capabilities(find)
    if found is None or tenant.has_ledger:
        return
    message = f"{found.provider} keeps no ledger"
    if found.mark == "ledger":
        if found.scopes not in tenant.target:
            return
        message = f"many {found.scopes} need their ledgers"
    path = ("spec", "ledger")
    yield document.make_problem(path, "tenant/ledger", message, "remove ledger", key=True)


def _suggest_provider(name: str) -> str:
    """What to write instead of a provider that is not installed."""
    from reconciler.manifests.decode.products import list_built_in  # noqa: PLC0415  few Tenants are wrong about it

    if name in list_built_in():
        return f"write provider: {PRODUCT_FILE} and product: {name}"
    return suggest(name, (TENANT.provider,)) or (
        "reconciler providers lists those that are installed"
    )


def _target(document: Document, target: Any, capabilities: Capabilities) -> Iterator[Problem]:
    """The faults of `spec.target` by the provider's schema; a missing one counts as empty."""
    if capabilities.target:
        schema = capabilities.target
        yield from _by_schema(document, _TARGET, target, schema, capabilities, "tenant/target")
    elif target is not None:
        message = f"{capabilities.provider} has no target"
        yield document.make_problem(_TARGET, "tenant/target", message, "remove target", key=True)


def _options(document: Document, options: Any, capabilities: Capabilities) -> Iterator[Problem]:
    """The faults of `spec.options` by the provider's schema."""
    if options is None:
        return
    if capabilities.options:
        faults = _check_secrets(document, options, capabilities)
        yield from faults.values()
        schema = _without_secrets(capabilities.options)
        others = {name: value for name, value in options.items() if name not in faults}
        yield from _by_schema(document, _OPTIONS, others, schema, capabilities, "provider/option")
    else:
        message = f"{capabilities.provider} has no options"
        hint = "remove options; a Tenant's patches can add them for one Tenant alone"
        yield document.make_problem(_OPTIONS, "provider/option", message, hint, key=True)


def _check_secrets(
    document: Document, options: Mapping[str, Any], capabilities: Capabilities
) -> dict[str, Problem]:
    """Literal text where a secret belongs, and references where none does, by the option's name; no
    value is quoted.
    """
    problems = {}
    for name, value in options.items():
        part = find_part(capabilities.options, name)
        path, is_reference = (*_OPTIONS, name), isinstance(value, dict)
        if part and is_secret(part) and not is_reference:
            message = f"options.{name} is a secret, and stands here as a literal; it is not shown"
            hint = "write a reference, such as {fromEnv: NAME}, and replace the value: Git keeps it"
            problems[name] = document.make_problem(path, "secret/literal", message, hint)
        elif part and is_reference and not is_secret(part):
            message = f"options.{name} of {capabilities.provider} is no secret"
            hint = "write the value; a reference is for secrets only"
            problems[name] = document.make_problem(path, "provider/option", message, hint)
    return problems


def _without_secrets(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of options that takes anything for a secret: its reference was checked."""
    groups = {
        group: {
            name: {KEYWORD: True} if is_secret(part) else part
            for name, part in schema[group].items()
        }
        for group in ("properties", "patternProperties")
        if group in schema
    }
    return {**schema, **groups}


def _by_schema(
    document: Document,
    place: tuple[str, ...],
    value: Any,
    schema: Mapping[str, Any],
    capabilities: Capabilities,
    rule: str,
) -> Iterator[Problem]:
    from jsonschema import Draft202012Validator  # noqa: PLC0415  few manifests have such a part

    for error in Draft202012Validator(schema).iter_errors({} if value is None else value):
        path = (*place, *error.absolute_path)
        message = (
            f"{'.'.join(map(str, path[1:]))} does not fit {capabilities.provider}: {_reason(error)}"
        )
        hint = f"reconciler providers {capabilities.provider} lists what it takes"
        yield document.make_problem(
            path, rule, message, hint, place_path=path if value is not None else ("spec",)
        )


def _reason(error: Any) -> str:
    """Why a value was refused, without the value."""
    match error.validator:
        case "required":
            missing = [name for name in error.validator_value if name not in error.instance]
            return f"it lacks {', '.join(missing)}"
        case "additionalProperties":
            known = [name for name, _ in list_parts(error.schema)]
            unknown = [
                str(name)[:60] for name in error.instance if not find_part(error.schema, name)
            ]
            return f"unknown field {', '.join(unknown)}; known: {', '.join(known)}"
        case "type" | "enum" | "pattern" | "minimum" | "maximum":
            return f"{error.validator} must be {error.validator_value}"
        case "minProperties" | "maxProperties":
            names = ", ".join(error.schema.get("properties", {}))
            return f"give {error.validator_value} of {names}"
        case other:
            return f"{other} does not hold"


def scopes(draft: Draft, tenants: Iterable[TenantSpec], find: Find) -> Iterator[Problem]:
    """A problem if a webhook narrows a fleet and a Tenant that selects it is none: the webhook
    would go where it is not meant.
    """
    if "scopes" not in draft.document.value["spec"]:
        return
    for tenant in tenants:
        noun = (tenant.find_capabilities(find) or UNKNOWN).scopes
        if noun and noun not in tenant.target:
            message = f"Tenant {tenant.name} has no {noun} in its target, so scopes mean nothing"
            yield _make_scopes_problem(draft.document, message)
            return


def _make_scopes_problem(document: Document, message: str) -> Problem:
    hint = "remove scopes; a Tenant's patches can add them for one Tenant alone"
    return document.make_problem(("spec", "scopes"), "provider/scopes", message, hint, key=True)


def webhook(draft: Draft, capabilities: Capabilities) -> Iterator[Problem]:
    """What of a webhook a provider cannot hold."""
    if capabilities is UNKNOWN:
        return
    document, name = draft.document, capabilities.provider
    yield from _auth(draft, capabilities)
    spec = document.value["spec"]
    for row in list_plain_rows():
        lacks = row.name not in capabilities.fields
        if lacks and spec.get(row.name) not in (None, row.default, row.created):
            message, hint = f"{name} has no {row.name}", f"remove {row.name}"
            yield document.make_problem(
                ("spec", row.name), "provider/field", message, hint, key=True
            )
    if "scopes" in spec and not capabilities.scopes:
        yield _make_scopes_problem(document, f"{name} has no scopes")
    if capabilities.mark == "none" and spec.get("protected"):
        message = f"{name} keeps no mark, so it cannot keep a protection"
        yield document.make_problem(
            ("spec", "protected"), "provider/field", message, "remove protected", key=True
        )
    yield from _options(document, spec.get("options"), capabilities)
    yield from _name(draft, capabilities)
    yield from _events(draft, capabilities)


def _auth(draft: Draft, capabilities: Capabilities) -> Iterator[Problem]:
    """A type, a scheme or a second key that the product does not have."""
    document, name = draft.document, capabilities.provider
    kind = get_auth_type(draft.auth)
    if kind not in capabilities.auths:
        message = f"{name} cannot authenticate deliveries by {kind}"
        hint = f"it can: {', '.join(sorted(capabilities.auths))}"
        yield document.make_problem(("spec", "auth", "type"), "provider/auth", message, hint)
    elif (scheme := get_scheme(draft.auth)) and scheme not in capabilities.schemes:
        message = f"{name} cannot sign by the scheme {scheme}"
        hint = f"it can: {', '.join(capabilities.schemes)}"
        yield document.make_problem(("spec", "auth", "scheme"), "provider/auth", message, hint)
    spec = document.value["spec"]
    if "previous" in spec.get("auth", {}) and not capabilities.secrets.previous:
        message, path = f"{name} holds one signing key", ("spec", "auth", "previous")
        yield document.make_problem(path, "provider/auth", message, "remove previous", key=True)


def _name(draft: Draft, capabilities: Capabilities) -> Iterator[Problem]:
    pattern, path = capabilities.name_pattern, ("spec", "name")
    if "name" in capabilities.fields and pattern and not re.fullmatch(pattern, draft.name):
        has_name = "name" in draft.document.value["spec"]
        yield draft.document.make_problem(
            path if has_name else ("metadata", "name"),
            "provider/name",
            f"{capabilities.provider} takes no such name",
            f"a name must match {pattern}; a Tenant's patches can set name for one Tenant alone",
        )


def _events(draft: Draft, capabilities: Capabilities) -> Iterator[Problem]:
    """Events that the product does not know, or none where it needs one."""
    name = capabilities.provider
    if capabilities.needs_events and not draft.subscription_places:
        message = f"{name} takes no webhook without events"
        yield draft.document.make_problem(("spec",), "provider/event", message, "add events")
    for item, (file, index) in draft.subscription_places.items():
        if capabilities.events and item.type not in capabilities.events:
            hint = suggest(item.type, capabilities.events) or (
                f"reconciler providers {name} lists its events"
            )
            message = f"{name} has no such event"
            yield file.make_problem(index, "provider/event", message, hint)
        for part in _superfluous(item, capabilities):
            message = f"events of {name} have no {part}"
            hint = f"remove {part}; a Tenant's patches can set events for one Tenant alone"
            yield file.make_problem(index, "provider/event", message, hint)


def _superfluous(item: Subscription, capabilities: Capabilities) -> Iterator[str]:
    for part in _PARTS:
        if getattr(item, part) is not None and part not in capabilities.event_parts:
            yield part
