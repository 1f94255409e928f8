"""Tenant documents -> TenantSpec, the rules among them, and which one a run uses."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from reconciler.core.errors import BadRequest
from reconciler.core.model import limits
from reconciler.core.model.problem import Problem
from reconciler.core.model.secret import Secret
from reconciler.manifests.decode.loaded import TenantSpec
from reconciler.manifests.decode.request import TenantChoice
from reconciler.manifests.decode.secrets import Resolver
from reconciler.manifests.schemas.near import near
from reconciler.manifests.secret_sources import Forbidden, Login, Place, shown
from reconciler.manifests.secret_sources.file import file_place
from reconciler.manifests.yaml.places import Document
from reconciler.net import idn

CREDENTIALS: Final = frozenset(
    {"token", "roleId", "secretId"}
)  # of a login at the Vault: references, never text
_LOGIN_PATH: Final = ("spec", "secrets", "vault", "login")


def tenant(document: Document, resolver: Resolver) -> TenantSpec:
    """The values of one Tenant document; what is wrong with them joins `resolver.problems`."""
    spec = document.value["spec"]
    bounds = spec.get("limits", {})
    deletes, updates = bounds.get("deletes", {}), bounds.get("updates", {})
    local = spec.get("local")
    if local is not None:
        local = os.path.normpath(os.path.join(document.file.folder, local))  # noqa: PTH118  strings, as all of this layer
    if wrong := limits.name(spec["owner"]):
        resolver.problems.append(
            document.problem(("spec", "owner"), "tenant/owner", f"owner {wrong}")
        )
    login = _login(document, resolver)
    return TenantSpec(
        name=document.value["metadata"]["name"],
        provider=spec.get("provider", "tenant"),
        url=_url(document, spec, resolver.problems),
        token=_token(document, spec, resolver, login),
        local=local,
        owner=spec["owner"],
        ownership=spec.get("ownership", "marked"),
        prune=spec.get("prune", True),
        select=spec.get("select", {}).get("matchLabels", {}),
        origin=document.origin,
        token_origin=document.place(("spec", "token")),
        delete_share=float(deletes.get("share", 0.3)),
        update_share=float(updates.get("share", 0.3)),
        update_from=int(updates.get("from", 10)),
        secrets=_lists(spec),
        vault=login,
        wave=spec.get("wave", 1),
        patches=len(spec.get("patches", ())),
        repository=_repository(document, spec, resolver.problems),
        target=spec.get("target", {}),
    )


def _repository(document: Document, spec: dict[str, str], problems: list[Problem]) -> str | None:
    if "repository" not in spec:
        return None
    from reconciler.core.model.remote import named  # noqa: PLC0415  few Tenants say it

    found = named(spec["repository"])
    if found is None:
        message = "repository must be host/path, or the url of a remote"
        hint = "such as forge.example/acme/webhooks, as git remote get-url origin prints it"
        problems.append(
            document.problem(("spec", "repository"), "tenant/repository", message, hint)
        )
    elif ":" in spec["repository"].rpartition("@")[0].partition("://")[2]:
        message, hint = (
            "repository holds a password",
            "write host/path only, and change that password",
        )
        problems.append(
            document.problem(("spec", "repository"), "tenant/repository", message, hint)
        )
    return found


def _url(document: Document, spec: dict[str, str], problems: list[Problem]) -> str | None:
    url = spec.get("url")
    if url is None:
        return None
    if wrong := limits.url(url):
        problems.append(
            document.problem(("spec", "url"), "url/invalid", f"url {wrong}", idn.hint(url))
        )
    elif limits.is_plain_http_abroad(url):
        message = "url with http:// would send the token in clear"
        problems.append(
            document.problem(("spec", "url"), "tenant/plain-http", message, "use https://")
        )
    return url


def _check_token(value: str) -> tuple[str, str] | None:
    fine = value.isascii() and value.isprintable() and " " not in value
    return (
        None
        if fine
        else ("auth/credential", "holds a token that must be printable ASCII without spaces")
    )


def _token(
    document: Document, spec: dict[str, dict[str, str]], resolver: Resolver, login: Login | None
) -> Secret | None:
    if "token" not in spec:
        return None
    own = replace(resolver, access=replace(resolver.access, vault=login))
    return own.secret(document, ("spec", "token"), spec["token"], _check_token, own=True)


def _lists(spec: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The patterns of what webhooks may reference, by source; beside a login the Vault's stand
    under `paths`.
    """
    given = {
        source: item.get("paths") if isinstance(item, dict) else item
        for source, item in spec.get("secrets", {}).items()
    }
    return {source: tuple(patterns) for source, patterns in given.items() if patterns is not None}


def _login(document: Document, resolver: Resolver) -> Login | None:
    """How the Tenant logs in at the Vault, None where it does not say so."""
    given = _login_of(document)
    if given is None:
        return None
    places = []
    for name in sorted(CREDENTIALS & given.keys()):
        try:
            places.append((name, resolver.own_place(document, given[name])))
        except Forbidden as error:
            source, argument = next(iter(given[name].items()))
            path = (*_LOGIN_PATH, name, source)
            resolver.problems.append(
                document.problem(path, "secret/forbidden", f"{shown(source, argument)} {error}")
            )
    plain = {name: given.get(name, "") for name in ("mount", "role", "audience")}
    return Login(given["method"], **plain, places=tuple(places))


def _login_of(document: Document) -> dict[str, Any] | None:
    vault = document.value["spec"].get("secrets", {}).get("vault")
    login: dict[str, Any] | None = vault.get("login") if isinstance(vault, dict) else None
    return login


def token_places(documents: Iterable[Document], resolver: Resolver) -> frozenset[Place]:
    """Where all Tenants' tokens and embedded ones' keys are, which no webhook may reference."""
    places: set[Place] = set()
    for document in documents:
        local = document.value["spec"].get("local")
        places.update(
            [file_place(os.path.realpath(f"{document.file.folder}/{local}.key"))]
            if local is not None
            else []
        )
        login = _login_of(document) or {}
        with suppress(Forbidden):  # reported when the token itself is looked at
            places.update(
                resolver.place(document, token)
                for token in [document.value["spec"].get("token")]
                if token
            )
        with suppress(Forbidden):  # likewise
            places.update(
                resolver.own_place(document, login[name]) for name in CREDENTIALS & login.keys()
            )
    return frozenset(places)


def same_target(documents: list[Document], specs: list[TenantSpec]) -> list[Problem]:
    """Two Tenants with equal url (or local) and owner would undo each other's work."""
    seen: dict[tuple[str, str], Document] = {}
    problems = []
    for document, spec in zip(documents, specs, strict=True):
        field = "local" if spec.local is not None else "url"
        first = seen.setdefault((target(spec), spec.owner), document)
        if first is not document:
            place = first.place(("spec", field))
            message = f"a second Tenant with this {field} and owner; the first stands in {place}"
            problems.append(
                document.problem(
                    ("spec", field), "tenant/same-target", message, "give each its own owner"
                )
            )
    return problems


def target(spec: TenantSpec) -> str:
    """A tenant's file or url, the same however it is written: links, letters' case, the port that
    goes without saying.
    """
    if spec.local is not None:
        return os.path.realpath(spec.local)
    scheme, _, rest = (spec.url or "").lower().partition("://")
    host, slash, path = rest.partition("/")
    default_port = {"http": ":80", "https": ":443"}.get(scheme, "")
    return f"{scheme}://{host.removesuffix(default_port)}{slash}{path}".rstrip("/")


def choose(specs: tuple[TenantSpec, ...], choice: TenantChoice) -> TenantSpec | None:
    """The Tenant of this run, None where there is none or none is wanted; raises BadRequest."""
    if not choice.by_manifest:
        return None
    names = [spec.name for spec in specs]
    if choice.name is not None:
        found = next((spec for spec in specs if spec.name == choice.name), None)
        if found is None and not choice.lenient:
            hint = near(choice.name, names) or f"there are: {', '.join(names) or 'none'}"
            raise BadRequest(f"no Tenant manifest is named {choice.name}; {hint}")
        if found is not None:
            return found
    if len(specs) > 1 and not choice.lenient:
        raise BadRequest(
            f"several Tenant manifests: {', '.join(sorted(names))}; choose one with --tenant NAME"
        )
    return specs[0] if len(specs) == 1 else None
