"""One valid Webhook document -> its values, and the rules that a schema cannot say.

Rules across documents are in `join.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, cast

from reconciler.core.model import limits
from reconciler.core.model.auth import AUTH_TYPES, SCHEMES, Auth, NoAuth, make_auth
from reconciler.core.model.capabilities import TENANT, UNKNOWN, Capabilities, Find
from reconciler.core.model.fields import list_attributes, list_plain_rows, make_spec
from reconciler.core.model.problem import Problem
from reconciler.core.model.reference_names import find_reference_name, strip_reference_suffix
from reconciler.core.model.secret import Secret, fingerprint
from reconciler.core.model.webhook import Declared, Origin
from reconciler.manifests.decode.events import Origins, Places, decode_subscriptions
from reconciler.manifests.decode.ignored import decode_ignored
from reconciler.manifests.decode.load_types import TenantSpec
from reconciler.manifests.decode.secrets import Check, Lists, Resolver
from reconciler.manifests.files.trees import relative_path
from reconciler.manifests.yaml.document import Document, Path
from reconciler.net import idn

if TYPE_CHECKING:
    from reconciler.core.model.scopes import Selector

# Urls that `limits.url` accepts for certain. This pattern exists for speed only.
_PLAIN_URL: Final = re.compile(
    r"https://(?:[a-z0-9]{1,30}(?:-[a-z0-9]{1,30})?\.){1,3}[a-z]{2,30}(?::[1-9][0-9]{0,3})?(?:/[A-Za-z0-9/._~-]*)?",
    re.ASCII,
)
_IN_CLEAR: Final = "http:// that sends events and credentials in clear"
_NO_AUTH: Final = NoAuth()
_HEADER: Final[Path] = ("spec", "auth", "header")
# The plain texts beside the name; their lengths are the schema's business.
_TEXT_ROWS: Final = tuple(
    row for row in list_plain_rows() if row.type is str and row.name != "name"
)
# Where no patch set a field, which is the usual case.
_NOWHERE: Final = MappingProxyType[tuple[str, ...], Origin]({})


@dataclass(slots=True, eq=False, repr=False)
class Draft:
    """A webhook on its way to Declared. The subscriptions of `event_subscriptions`,
    EventSubscription documents, still join `subscription_places`.
    """

    document: Document
    key: str
    name: str
    labels: dict[str, str]
    url: str | Secret
    auth: Auth
    subscription_places: Places
    event_subscriptions: list[Document] = field(default_factory=list)
    options: Mapping[str, Any] | None = None  # where some are secrets
    ignored: frozenset[tuple[str, ...]] = frozenset()


def decode_webhook(
    document: Document,
    resolver: Resolver,
    tenants: tuple[TenantSpec, ...],
    find: Find,
    others: tuple[TenantSpec, ...] = (),
) -> Draft:
    """The values of one Webhook document; its faults join `resolver.problems`. What none of the
    `tenants` selects may be meant for the product of one of the `others`.
    """
    problems = resolver.problems
    metadata, spec = document.value["metadata"], document.value["spec"]
    labels = metadata.get("labels") or {}
    key = metadata["name"]
    name = spec.get("name", key)
    if fault := _check_text(name):
        problems.append(document.make_problem(("spec", "name"), "webhook/name", f"name {fault}"))
    _check_texts(document, problems)
    lists = find_allowing_tenants(labels, tenants)
    capabilities = kinds(lists or find_allowing_tenants(labels, others) or tenants, find)
    auth = (
        _decode_auth(document, spec["auth"], resolver, lists, capabilities)
        if "auth" in spec
        else _NO_AUTH
    )
    url = _decode_url(document, spec, resolver, lists)
    places = decode_subscriptions(document, problems, capabilities)
    draft = Draft(document, key, name, labels, url, auth, places)
    if "ignore" in spec:
        draft.ignored = decode_ignored(document, problems)
    if "options" in spec:
        draft.options = _decode_options(document, spec["options"], resolver, lists)
    return draft


def _check_texts(document: Document, problems: list[Problem]) -> None:
    spec = document.value["spec"]
    for row in _TEXT_ROWS:
        text = spec.get(row.name, "")
        if not (text.isascii() and text.isprintable()) and (fault := row.check(text)):
            path, rule = ("spec", row.name), f"webhook/{row.name}"
            problems.append(document.make_problem(path, rule, f"{row.name} {fault}"))


def kinds(tenants: Sequence[TenantSpec], find: Find) -> tuple[Capabilities, ...]:
    """The capabilities of the providers of some Tenants, each once; without Tenants this project's
    own.
    """
    if not tenants:
        return (TENANT,)
    by_provider = {
        (
            spec.provider,
            spec.product,
            spec.catalogue is None,
            spec.has_ledger,
        ): spec.find_capabilities(find) or UNKNOWN
        for spec in tenants
    }
    return tuple(by_provider.values())


def find_allowing_tenants(labels: Mapping[str, str], tenants: tuple[TenantSpec, ...]) -> Lists:
    """The Tenants that select a webhook with these labels: each says what the webhook may
    reference.
    """
    return tuple([tenant for tenant in tenants if tenant.selects(labels)]) if tenants else ()


def _check_text(text: str) -> str | None:
    if text.isascii() and text.isprintable() and text[0] != " " and text[-1] != " ":
        return None  # its length is the schema's business
    return limits.name(text)


def _decode_url(
    document: Document, spec: Mapping[str, Any], resolver: Resolver, lists: Lists
) -> str | Secret:
    """A url, or the secret behind its reference."""
    name = find_reference_name(spec, "url")
    path, url = ("spec", name), cast("str | dict[str, Any]", spec[name])
    if isinstance(url, dict):
        return resolver.resolve(document, path, url, _check_url, lists, url=True)
    if _PLAIN_URL.fullmatch(url) and len(url) <= limits.URL_LENGTH:
        return url
    if fault := limits.url(url):
        resolver.problems.append(
            document.make_problem(path, "url/invalid", f"url {fault}", idn.hint(url))
        )
    elif limits.is_plain_http_abroad(url):
        message = f"url with {_IN_CLEAR}"
        resolver.problems.append(
            document.make_problem(
                path, "url/plain-http", message, "use https://", severity="warning"
            )
        )
    return url


def _check_url(value: str) -> tuple[str, str] | None:
    if fault := limits.url(value):
        return "url/invalid", f"holds a url that {fault}"
    return (
        ("url/plain-http", f"holds a url with {_IN_CLEAR}")
        if limits.is_plain_http_abroad(value)
        else None
    )


def _check_credential(value: str) -> tuple[str, str] | None:
    fault = limits.credential(value)
    return ("auth/credential", f"holds a value that {fault}") if fault else None


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


def _check_keys(scheme: str) -> Check:
    def check(value: str) -> tuple[str, str] | None:
        fault = limits.signing_keys(value, scheme)
        return ("auth/signing-key", f"holds a key that {fault}") if fault else None

    return check


def _decode_credential(
    document: Document,
    auth: Mapping[str, Any],
    field: str,
    check: Check,
    resolver: Resolver,
    lists: Lists,
) -> Secret:
    """The secret behind a field of an authentication, and behind `previous` of a signature. Its
    version is the written one, else its fingerprint.
    """
    path = ("spec", "auth", field)
    secret = resolver.resolve(document, path, auth[field], check, lists)
    if "previous" in auth and path not in resolver.unread:
        place = ("spec", "auth", "previous")
        previous = resolver.resolve(document, place, auth["previous"], check, lists)
        secret = secret.with_second(previous)
    version = auth.get("version")
    if version is None and resolver.fingerprint_key is not None:
        version = fingerprint({field: secret}, resolver.fingerprint_key)
    return secret.with_version(version) if version is not None else secret


def _decode_auth(
    document: Document,
    auth: dict[str, Any],
    resolver: Resolver,
    lists: Lists,
    capabilities: tuple[Capabilities, ...],
) -> Auth:
    row = AUTH_TYPES[auth["type"]]
    if not row.credential:
        return _NO_AUTH
    texts: dict[str, str | Secret] = {}
    check: Check = _check_password if row.credential == "password" else _check_credential
    match row.text:
        case "username":
            texts["username"] = _decode_username(document, auth, resolver, lists)
        case "header":
            texts["header"] = auth["header"]
            if fault := limits.header(auth["header"]):
                problem = document.make_problem(_HEADER, "auth/header", f"header {fault}")
                resolver.problems.append(problem)
        case "scheme":
            defaults = (kind.schemes[0] for kind in capabilities if kind.schemes)
            scheme = auth.get("scheme") or next(defaults, SCHEMES[0])
            texts["scheme"], check = scheme, _check_keys(scheme)
    secret = _decode_credential(document, auth, row.credential, check, resolver, lists)
    return make_auth(row.name, texts, secret)


def _check_option(value: str) -> tuple[str, str] | None:
    fault = limits.secret_option(value)
    return ("provider/option", f"holds a value that {fault}") if fault else None


def _decode_options(
    document: Document, options: Mapping[str, Any], resolver: Resolver, lists: Lists
) -> Mapping[str, Any] | None:
    """The options with the secret behind each reference, known by its fingerprint; None if there is
    no reference. `fit.py` checks that the provider takes one there.
    """
    references = {name: value for name, value in options.items() if isinstance(value, dict)}
    if not references:
        return None
    decoded = dict(options)
    for name, reference in references.items():
        path = ("spec", "options", name)
        secret = resolver.resolve(document, path, reference, _check_option, lists)
        key = resolver.fingerprint_key
        decoded[name] = secret.with_version(fingerprint({name: secret}, key) if key else None)
    return decoded


def _decode_username(
    document: Document, auth: Mapping[str, Any], resolver: Resolver, lists: Lists
) -> str | Secret:
    """A user name, or the secret behind its reference."""
    field = find_reference_name(auth, "username")
    path, username = ("spec", "auth", field), cast("str | dict[str, Any]", auth[field])
    if isinstance(username, dict):
        return resolver.resolve(document, path, username, _check_username, lists)
    if fault := limits.username(username):
        rule = "auth/username-colon" if ":" in username else "auth/credential"
        resolver.problems.append(document.make_problem(path, rule, f"username {fault}"))
    return username


def make_declared(drafts: Iterable[Draft], root: str, *, with_positions: bool) -> list[Declared]:
    """The declared webhooks of drafts. `with_positions` adds the position of each field, which
    keeps the documents in memory.
    """
    defaults = {row.name: row.default for row in list_attributes()}
    return [_make_declared(draft, root, defaults, with_positions) for draft in drafts]


def _make_declared(
    draft: Draft, root: str, defaults: Mapping[str, Any], with_positions: bool
) -> Declared:
    spec = draft.document.value["spec"]
    values = {name: spec.get(name, default) for name, default in defaults.items()}
    values["name"] = draft.name
    if draft.options is not None:
        values["options"] = draft.options
    declared = Declared(
        spec=make_spec(values, draft.url, draft.auth, frozenset(draft.subscription_places)),
        key=draft.key,
        origin=draft.document.origin,
        labels=draft.labels,
        previously=tuple(spec.get("previously", ())),
        protected=spec.get("protected"),
        sources=_list_sources(draft, root),
        subscription_origins=Origins(draft.subscription_places),
        field_origins=_patched_origins(draft.document)
        if draft.document.patch_trace is not None
        else _NOWHERE,
        scopes=_decode_scopes(spec["scopes"]) if "scopes" in spec else None,
        ignored=draft.ignored,
        suspended=spec.get("suspend", False),
    )
    return replace(declared, find_origin=draft.document.find_origin) if with_positions else declared


def _decode_scopes(value: Mapping[str, Any]) -> Selector:
    from reconciler.core.model.scopes import make_selector  # noqa: PLC0415  few webhooks have one

    return make_selector(value)


def _list_sources(draft: Draft, root: str) -> tuple[str, ...]:
    """The paths of the files that declare a webhook or add to it, sorted."""
    own = relative_path(draft.document.file.path, root)
    if not draft.event_subscriptions:
        return (own,)
    others = (relative_path(document.file.path, root) for document in draft.event_subscriptions)
    return tuple(sorted({own, *others}))


def _patched_origins(document: Document) -> dict[tuple[str, ...], Origin]:
    """The positions of the fields that a patch set; a field that it removed has none."""
    grafts = document.patch_trace.grafts if document.patch_trace is not None else ()
    return {
        tuple(strip_reference_suffix(str(step)) for step in path[1:]): document.locate(path)
        for path in grafts
    }
