"""One valid Webhook document -> its values, and the rules that a schema cannot say.

What spans documents is in `join.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

from reconciler.core.model import limits
from reconciler.core.model.auth import ApiKeyAuth, Auth, BasicAuth, BearerAuth, NoAuth
from reconciler.core.model.capabilities import TENANT, UNKNOWN, Capabilities, Find
from reconciler.core.model.fields import attributes, make_spec
from reconciler.core.model.secret import Secret, fingerprint
from reconciler.core.model.webhook import Declared, Origin
from reconciler.manifests.decode.events import Origins, Places, subscriptions
from reconciler.manifests.decode.loaded import TenantSpec
from reconciler.manifests.decode.secrets import Lists, Resolver
from reconciler.manifests.files.trees import relative
from reconciler.manifests.yaml.places import Document, Path
from reconciler.net import idn

# What `limits.url` takes anyway; only to be quick.
_PLAIN_URL: Final = re.compile(
    r"https://(?:[a-z0-9]{1,30}(?:-[a-z0-9]{1,30})?\.){1,3}[a-z]{2,30}(?::[1-9][0-9]{0,3})?(?:/[A-Za-z0-9/._~-]*)?",
    re.ASCII,
)
_IN_CLEAR: Final = "http:// that sends events and credentials in clear"
_NO_AUTH: Final = NoAuth()
# Where no patch set a field, which is the usual case.
_NOWHERE: Final = MappingProxyType[tuple[str, ...], Origin]({})


@dataclass(slots=True)
class Draft:
    """A webhook on its way to Declared: the subscriptions of `others`, EventSubscriptions, still
    join `places`.
    """

    document: Document
    key: str
    name: str
    labels: dict[str, str]
    url: str | Secret
    auth: Auth
    places: Places
    others: list[Document] = field(default_factory=list)


def webhook(
    document: Document, resolver: Resolver, tenants: tuple[TenantSpec, ...], find: Find
) -> Draft:
    """The values of one Webhook document; what is wrong with them joins `resolver.problems`."""
    problems = resolver.problems
    metadata, spec = document.value["metadata"], document.value["spec"]
    labels = metadata.get("labels") or {}
    key = metadata["name"]
    name = spec.get("name", key)
    if wrong := _text(name):
        problems.append(document.problem(("spec", "name"), "webhook/name", f"name {wrong}"))
    description = spec.get("description", "")
    if not (description.isascii() and description.isprintable()) and (
        wrong := limits.description(description)
    ):
        problems.append(
            document.problem(("spec", "description"), "webhook/description", f"description {wrong}")
        )
    lists = allowed(labels, tenants)
    auth = _auth(document, spec["auth"], resolver, lists) if "auth" in spec else _NO_AUTH
    url = _url(document, spec["url"], resolver, lists)
    places = subscriptions(document, problems, kinds(lists, find))
    return Draft(document, key, name, labels, url, auth, places)


def kinds(tenants: Iterable[TenantSpec], find: Find) -> tuple[Capabilities, ...]:
    """The capabilities of the providers of some Tenants, each once; without Tenants this project's
    own.
    """
    found = {spec.provider: find(spec.provider) or UNKNOWN for spec in tenants}
    return tuple(found.values()) or (TENANT,)


def allowed(labels: Mapping[str, str], tenants: tuple[TenantSpec, ...]) -> Lists:
    """The Tenants that select a webhook with these labels: each says what it may reference."""
    return tuple(tenant for tenant in tenants if tenant.selects(labels))


def _text(text: str) -> str | None:
    if text.isascii() and text.isprintable() and text[0] != " " and text[-1] != " ":
        return None  # its length is the schema's business
    return limits.name(text)


def _url(
    document: Document, url: str | dict[str, str], resolver: Resolver, lists: Lists
) -> str | Secret:
    """A url, or the secret behind its reference."""
    path: Path = ("spec", "url")
    if isinstance(url, dict):
        return resolver.secret(document, path, url, _check_url, lists, url=True)
    if _PLAIN_URL.fullmatch(url) and len(url) <= limits.URL_LENGTH:
        return url
    if wrong := limits.url(url):
        resolver.problems.append(
            document.problem(path, "url/invalid", f"url {wrong}", idn.hint(url))
        )
    elif limits.is_plain_http_abroad(url):
        message = f"url with {_IN_CLEAR}"
        resolver.problems.append(
            document.problem(path, "url/plain-http", message, "use https://", severity="warning")
        )
    return url


def _check_url(value: str) -> tuple[str, str] | None:
    if wrong := limits.url(value):
        return "url/invalid", f"holds a url that {wrong}"
    return (
        ("url/plain-http", f"holds a url with {_IN_CLEAR}")
        if limits.is_plain_http_abroad(value)
        else None
    )


def _check_credential(value: str) -> tuple[str, str] | None:
    wrong = limits.credential(value)
    return ("auth/credential", f"holds a value that {wrong}") if wrong else None


def _check_password(value: str) -> tuple[str, str] | None:
    colon = (
        "auth/password-colon",
        "holds a password with a colon, which Elastio's public sample receiver refuses",
    )
    return _check_credential(value) or (colon if ":" in value else None)


def _check_username(value: str) -> tuple[str, str] | None:
    if ":" in value:
        return "auth/username-colon", "holds a user name that must not contain a colon (RFC 7617)"
    return _check_credential(value)


def _credential(
    document: Document, auth: Mapping[str, Any], field: str, resolver: Resolver, lists: Lists
) -> Secret:
    """The secret behind a field of an authentication, known by its version: the written one, else
    its fingerprint.
    """
    check = _check_password if field == "password" else _check_credential
    secret = resolver.secret(document, ("spec", "auth", field), auth[field], check, lists)
    version = auth.get("version")
    if version is None and resolver.fingerprint_key is not None:
        version = fingerprint({field: secret}, resolver.fingerprint_key)
    return secret.with_version(version) if version is not None else secret


def _auth(document: Document, auth: dict[str, Any], resolver: Resolver, lists: Lists) -> Auth:
    problems = resolver.problems

    def hidden(field: str) -> Secret:
        return _credential(document, auth, field, resolver, lists)

    match auth["type"]:
        case "basic":
            return BasicAuth(
                _username(document, auth["username"], resolver, lists), hidden("password")
            )
        case "bearer":
            return BearerAuth(hidden("token"))
        case "apiKey":
            if wrong := limits.header(auth["header"]):
                problems.append(
                    document.problem(("spec", "auth", "header"), "auth/header", f"header {wrong}")
                )
            return ApiKeyAuth(auth["header"], hidden("value"))
    return _NO_AUTH


def _username(
    document: Document, name: str | dict[str, str], resolver: Resolver, lists: Lists
) -> str | Secret:
    """A user name, or the secret behind its reference."""
    path: Path = ("spec", "auth", "username")
    if isinstance(name, dict):
        return resolver.secret(document, path, name, _check_username, lists)
    if wrong := limits.username(name):
        rule = "auth/username-colon" if ":" in name else "auth/credential"
        resolver.problems.append(document.problem(path, rule, f"username {wrong}"))
    return name


def declare(draft: Draft, root: str, *, placed: bool) -> Declared:
    """What a draft says; with `placed` also where each field stands, which keeps the document in
    memory.
    """
    spec = draft.document.value["spec"]
    values = {row.name: spec.get(row.name, row.default) for row in attributes()}
    own = draft.document.file.path
    sources = {own, *(document.file.path for document in draft.others)} if draft.others else (own,)
    made = Declared(
        spec=make_spec(
            {**values, "name": draft.name}, draft.url, draft.auth, frozenset(draft.places)
        ),
        key=draft.key,
        origin=draft.document.origin,
        labels=draft.labels,
        previously=tuple(spec.get("previously", ())),
        protected=spec.get("protected"),
        sources=tuple(sorted(relative(path, root) for path in sources)),
        subscription_origins=Origins(draft.places),
        field_origins=_patched(draft.document) if draft.document.patched is not None else _NOWHERE,
    )
    return replace(made, where=draft.document.where) if placed else made


def _patched(document: Document) -> dict[tuple[str, ...], Origin]:
    """Where the fields of the spec stand that a patch set; one that it removed stands nowhere."""
    grafts = document.patched.grafts if document.patched is not None else ()
    return {tuple(map(str, path[1:])): document.place(path) for path in grafts}
