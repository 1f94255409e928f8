"""Tenant documents -> TenantSpec, the rules among them, and which one a run uses."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from reconciler.core.errors import BadRequest
from reconciler.core.model import limits
from reconciler.core.model.capabilities import PRODUCT_FILE
from reconciler.core.model.problem import Problem
from reconciler.core.model.secret import Secret
from reconciler.manifests.decode.catalogues import find_catalogue
from reconciler.manifests.decode.load_types import TenantSpec
from reconciler.manifests.decode.request import TenantChoice
from reconciler.manifests.decode.schedules import decode_schedule
from reconciler.manifests.decode.secrets import Resolver
from reconciler.manifests.files.trees import Tree
from reconciler.manifests.schemas.suggestions import suggest
from reconciler.manifests.secret_sources import Forbidden, Login, Place, show_reference
from reconciler.manifests.secret_sources.file import make_file_place
from reconciler.manifests.yaml.document import Document
from reconciler.net import idn

if TYPE_CHECKING:
    from reconciler.core.model.product import Product

CREDENTIALS: Final = frozenset(
    {"token", "roleId", "secretId"}
)  # of a login at the Vault: references, never text
_LOGIN_PATH: Final = ("spec", "secrets", "vault", "login")


def decode_tenant(
    document: Document, resolver: Resolver, products: Mapping[str, Product], tree: Tree
) -> TenantSpec:
    """The values of one Tenant document; its faults join `resolver.problems`. `products` are the
    product files of the run, `tree` has the file of its catalogue.
    """
    spec = document.value["spec"]
    login = _decode_login(document, resolver)
    return TenantSpec(
        name=document.value["metadata"]["name"],
        provider=spec.get("provider", "tenant"),
        url=_decode_url(document, spec, resolver.problems),
        token=_decode_token(document, spec, resolver, login),
        local=_decode_local(document, spec),
        owner=_decode_owner(document, spec, resolver.problems),
        ownership=spec.get("ownership", "marked"),
        prune=spec.get("prune", True),
        select=spec.get("select", {}).get("matchLabels", {}),
        origin=document.origin,
        token_origin=document.locate(("spec", "token")),
        **_decode_limits(spec.get("limits", {})),
        secrets=_decode_lists(spec),
        vault=login,
        wave=spec.get("wave", 1),
        patches=len(spec.get("patches", ())),
        repository=_decode_repository(document, spec, resolver.problems),
        target=_decode_target(spec),
        product=_find_product(document, products, resolver.problems),
        catalogue=find_catalogue(document, tree, resolver.problems),
        has_ledger="ledger" not in spec,
        **decode_schedule(document, resolver.problems),
    )


def _decode_limits(limits: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """How much one run may delete and update, as fields of a TenantSpec."""
    deletes, updates = limits.get("deletes", {}), limits.get("updates", {})
    return {
        "delete_share": float(deletes.get("share", 0.3)),
        "update_share": float(updates.get("share", 0.3)),
        "update_from": int(updates.get("from", 10)),
    }


def _decode_target(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part of the product that is meant. A product file takes a number for the same text."""
    target: Mapping[str, Any] = spec.get("target", {})
    if spec.get("provider") != PRODUCT_FILE:
        return target
    return {name: str(value) for name, value in target.items()}


def _find_product(
    document: Document, products: Mapping[str, Product], problems: list[Problem]
) -> Product | None:
    """The product file that a Tenant names, None if it has another provider."""
    spec = document.value["spec"]
    if "product" not in spec and spec.get("provider") != PRODUCT_FILE:
        return None
    from reconciler.manifests.decode.products import find_product  # noqa: PLC0415  few Tenants have one

    return find_product(document, products, problems)


def _decode_owner(document: Document, spec: dict[str, str], problems: list[Problem]) -> str:
    if fault := limits.name(spec["owner"]):
        problems.append(document.make_problem(("spec", "owner"), "tenant/owner", f"owner {fault}"))
    return spec["owner"]


def _decode_local(document: Document, spec: dict[str, str]) -> str | None:
    """The path of an embedded tenant's file, None if there is none."""
    if spec.get("local") is None:
        return None
    return os.path.normpath(os.path.join(document.file.folder, spec["local"]))  # noqa: PTH118  this layer keeps paths as text


def _decode_repository(
    document: Document, spec: dict[str, str], problems: list[Problem]
) -> str | None:
    if "repository" not in spec:
        return None
    from reconciler.core.model.remote import parse_repository  # noqa: PLC0415  few Tenants say it

    repository = parse_repository(spec["repository"])
    if repository is None:
        message = "repository must be host/path, or the url of a remote"
        hint = "such as forge.example/acme/webhooks, as git remote get-url origin prints it"
        problems.append(
            document.make_problem(("spec", "repository"), "tenant/repository", message, hint)
        )
    elif ":" in spec["repository"].rpartition("@")[0].partition("://")[2]:
        message, hint = (
            "repository holds a password",
            "write host/path only, and change that password",
        )
        problems.append(
            document.make_problem(("spec", "repository"), "tenant/repository", message, hint)
        )
    return repository


def _decode_url(document: Document, spec: dict[str, str], problems: list[Problem]) -> str | None:
    url = spec.get("url")
    if url is None:
        return None
    if fault := limits.url(url):
        problems.append(
            document.make_problem(("spec", "url"), "url/invalid", f"url {fault}", idn.hint(url))
        )
    elif limits.is_plain_http_abroad(url):
        message = "url with http:// would send the token in clear"
        problems.append(
            document.make_problem(("spec", "url"), "tenant/plain-http", message, "use https://")
        )
    return url


def _check_token(value: str) -> tuple[str, str] | None:
    is_valid = value.isascii() and value.isprintable() and " " not in value
    return (
        None
        if is_valid
        else ("auth/credential", "holds a token that must be printable ASCII without spaces")
    )


def _decode_token(
    document: Document, spec: dict[str, dict[str, str]], resolver: Resolver, login: Login | None
) -> Secret | None:
    if "token" not in spec:
        return None
    own_resolver = replace(resolver, access=replace(resolver.access, vault=login))
    return own_resolver.resolve(document, ("spec", "token"), spec["token"], _check_token, own=True)


def _decode_lists(spec: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The patterns of what webhooks may reference, by source. If the Vault has a login, then its
    patterns stand under `paths`.
    """
    patterns_by_source = {
        source: item.get("paths") if isinstance(item, dict) else item
        for source, item in spec.get("secrets", {}).items()
    }
    return {
        source: tuple(patterns)
        for source, patterns in patterns_by_source.items()
        if patterns is not None
    }


def _decode_login(document: Document, resolver: Resolver) -> Login | None:
    """How the Tenant logs in at the Vault, None if it has no login."""
    login = _get_login(document)
    if login is None:
        return None
    places = []
    for name in sorted(CREDENTIALS & login.keys()):
        try:
            places.append((name, resolver.find_own_place(document, login[name])))
        except Forbidden as error:
            source, argument = next(iter(login[name].items()))
            path = (*_LOGIN_PATH, name, source)
            resolver.problems.append(
                document.make_problem(
                    path, "secret/forbidden", f"{show_reference(source, argument)} {error}"
                )
            )
    options = {name: login.get(name, "") for name in ("mount", "role", "audience")}
    return Login(login["method"], **options, places=tuple(places))


def _get_login(document: Document) -> dict[str, Any] | None:
    vault = document.value["spec"].get("secrets", {}).get("vault")
    login: dict[str, Any] | None = vault.get("login") if isinstance(vault, dict) else None
    return login


def find_token_places(documents: Iterable[Document], resolver: Resolver) -> frozenset[Place]:
    """The places of all Tenants' tokens and of embedded tenants' keys, which no webhook may
    reference.
    """
    places: set[Place] = set()
    for document in documents:
        local = document.value["spec"].get("local")
        places.update(
            [make_file_place(os.path.realpath(f"{document.file.folder}/{local}.key"))]
            if local is not None
            else []
        )
        login = _get_login(document) or {}
        with suppress(Forbidden):  # reported when the token itself is looked at
            places.update(
                resolver.find_place(document, token)
                for token in [document.value["spec"].get("token")]
                if token
            )
        with suppress(Forbidden):  # reported when the login itself is decoded
            places.update(
                resolver.find_own_place(document, login[name])
                for name in CREDENTIALS & login.keys()
            )
    return frozenset(places)


def check_targets(documents: list[Document], specs: list[TenantSpec]) -> list[Problem]:
    """A problem per Tenant with the url (or local), target and owner of an earlier one: they would
    undo each other's work.
    """
    first_documents: dict[tuple[str, str], Document] = {}
    problems = []
    for document, spec in zip(documents, specs, strict=True):
        field = "local" if spec.local is not None else "url"
        first = first_documents.setdefault((normalize_target(spec), spec.owner), document)
        if first is not document:
            place = first.locate(("spec", field))
            message = f"a second Tenant with this {field} and owner; the first stands in {place}"
            problems.append(
                document.make_problem(
                    ("spec", field), "tenant/same-target", message, "give each its own owner"
                )
            )
    return problems


def normalize_target(spec: TenantSpec) -> str:
    """A tenant's file or url in one form (links resolved, lower case, without the default port),
    and the part of the product that is meant.
    """
    if spec.local is not None:
        return os.path.realpath(spec.local)
    scheme, _, rest = (spec.url or "").lower().partition("://")
    host, slash, path = rest.partition("/")
    default_port = {"http": ":80", "https": ":443"}.get(scheme, "")
    url = f"{scheme}://{host.removesuffix(default_port)}{slash}{path}".rstrip("/")
    part = json.dumps(dict(spec.target), sort_keys=True).lower() if spec.target else ""
    return f"{url} {part}".rstrip()


def choose_tenant(specs: tuple[TenantSpec, ...], choice: TenantChoice) -> TenantSpec | None:
    """The Tenant of this run, None if there is none or none is asked for; raises BadRequest."""
    if not choice.by_manifest:
        return None
    names = [spec.name for spec in specs]
    if choice.name is not None:
        chosen_tenant = next((spec for spec in specs if spec.name == choice.name), None)
        if chosen_tenant is None and not choice.lenient:
            hint = suggest(choice.name, names) or f"there are: {', '.join(names) or 'none'}"
            raise BadRequest(f"no Tenant manifest has the name {choice.name}; {hint}")
        if chosen_tenant is not None:
            return chosen_tenant
    if len(specs) > 1 and not choice.lenient:
        raise BadRequest(
            f"several Tenant manifests: {', '.join(sorted(names))}; choose one with {choice.option}"
        )
    return specs[0] if len(specs) == 1 else None
