"""The references of a saved plan -> secrets, by the same rules as in its manifests, which are not
read again for it.

What a manifest has no right to reference, a plan file has not either.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from typing import TypeGuard

from reconciler.core.errors import InvalidManifests, InvalidPlanFile
from reconciler.core.model.auth import (
    Auth,
    BasicAuth,
    credential,
    credential_field,
    with_credential,
)
from reconciler.core.model.problem import Problem
from reconciler.core.model.secret import Secret, is_fingerprint
from reconciler.core.model.webhook import Declared
from reconciler.manifests.decode.loaded import Manifests, Request
from reconciler.manifests.decode.secrets import Lists, Resolver, access_of
from reconciler.manifests.decode.webhooks import (
    allowed,
    decoded_credential,
    decoded_url,
    decoded_username,
)
from reconciler.manifests.files.trees import STDIN
from reconciler.manifests.secret_sources import SOURCES, Lost, parsed
from reconciler.manifests.secret_sources.file import private_places
from reconciler.manifests.yaml.places import Document, File, Patched, Path


def resolve(
    request: Request, manifests: Manifests | None, declared: Iterable[Declared]
) -> dict[str, Declared]:
    """The same webhooks, by key, with a value behind each reference.

    `manifests` gives the Tenants' tokens and lists, where there are any; files are relative to the
    manifest's folder. Raises InvalidManifests with all that do not resolve, InvalidPlanFile for
    what is no reference.
    """
    problems: list[Problem] = []
    resolver = _resolver(request, manifests)
    found = {}
    for item in declared:
        mine = replace(resolver, problems=[], lost=[])
        try:
            found[item.key] = _one(item, mine, _lists(item, manifests))
        except ValueError:
            raise InvalidPlanFile(
                f"{item.key}: what its secrets come from is no reference"
            ) from None
        except Lost as error:
            message = f"{item.key}: {error.why}"
            mine.problems.append(
                Problem(item.origin, "", "secret/unresolved", "error", message, error.mend)
            )
        told = [*mine.problems, *(problem for _, problem in mine.lost)]
        problems += [replace(problem, origin=item.origin) for problem in told]
    if any(problem.severity == "error" for problem in problems):
        raise InvalidManifests(tuple(problems), len(found))
    return found


def _resolver(request: Request, manifests: Manifests | None) -> Resolver:
    tokens = manifests.tokens if manifests is not None else private_places(request.private)
    access = access_of(request, tokens)
    return Resolver(
        access,
        read=True,
        warn=False,
        fingerprint_key=request.fingerprint_key,
        problems=[],
        once=request.once,
        tokens=tokens,
    )


def _lists(item: Declared, manifests: Manifests | None) -> Lists:
    if manifests is None:
        return ()
    return allowed(
        item.labels, (manifests.tenant,) if manifests.tenant is not None else manifests.tenants
    )


def _reference(secret: Secret) -> dict[str, str]:
    """Where it comes from, as a manifest says it; raises ValueError, Lost."""
    reference = parsed(secret.reference)
    if not reference.keys() <= SOURCES.keys():
        raise ValueError("no source of ours")
    return reference


def _one(item: Declared, resolver: Resolver, lists: Lists) -> Declared:
    document = _document(item.key, item.origin.file)
    grafts: dict[Path, tuple[Document, Path]] = {}
    for path, origin in item.field_origins.items():
        grafts["spec", *path] = _document(item.key, origin.file), ("spec", *path)
    if grafts:
        document = replace(document, patched=Patched(document, grafts))
    spec = item.spec
    url = (
        decoded_url(document, _reference(spec.url), resolver, lists)
        if _referenced(spec.url)
        else spec.url
    )
    return replace(
        item, spec=replace(spec, url=url, auth=_auth(document, spec.auth, resolver, lists))
    )


def _document(key: str, file: str) -> Document:
    """What is left of a manifest or of a Tenant with a patch: the file, whose folder references are
    relative to.
    """
    path = STDIN if file == STDIN else os.path.abspath(file)  # noqa: PTH100  strings, as all of this layer
    folder = os.getcwd() if path == STDIN else os.path.dirname(path)  # noqa: PTH109, PTH120  likewise
    return Document({"metadata": {"name": key}}, File(file, path=path, folder=folder), 0)


def _auth(document: Document, auth: Auth, resolver: Resolver, lists: Lists) -> Auth:
    if isinstance(auth, BasicAuth) and _referenced(auth.username):
        username = decoded_username(document, _reference(auth.username), resolver, lists)
        auth = BasicAuth(username, auth.password)
    secret = credential(auth)
    if not isinstance(secret, Secret):  # it stays at the tenant
        return auth
    field, version = credential_field(auth), secret.version
    written = None if is_fingerprint(version) else version
    wanted = {field: _reference(secret), "version": written}
    return with_credential(auth, decoded_credential(document, wanted, field, resolver, lists))


def _referenced(value: str | Secret) -> TypeGuard[Secret]:
    return isinstance(value, Secret) and bool(value.reference)
