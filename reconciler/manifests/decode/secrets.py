"""Secret references -> Secret: what a manifest may reference, and the value. The sources are in
`secret_sources/`.

A value is checked here, before it is hidden, and never printed. docs/security.md.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from reconciler.core.model.credential_shape import is_issued, is_random
from reconciler.core.model.problem import Problem, Severity
from reconciler.core.model.secret import Secret, hidden_url
from reconciler.manifests.secret_sources import (
    SOURCES,
    Access,
    FetchCache,
    Forbidden,
    Login,
    Unresolved,
    show_reference,
)
from reconciler.manifests.secret_sources import Place as SourcePlace
from reconciler.manifests.secret_sources.cluster import SOURCE as FROM_CLUSTER
from reconciler.manifests.secret_sources.env import find_own_place
from reconciler.manifests.secret_sources.file import FROM_FILE, is_private
from reconciler.manifests.yaml.document import Document, Path

if TYPE_CHECKING:
    from reconciler.manifests.decode.load_types import TenantSpec
    from reconciler.manifests.decode.request import Request

_LITERAL: Final = (
    "move it to where the reference looks, write that name here, and replace it at its "
    "issuer: Git keeps it"
)
_PATHS: Final = frozenset(
    {"path", "name", "file"}
)  # parts of references that may hold digests and identifiers
_SECRETS_ONLY: Final = (
    "is refused: the operator reads credentials from Secrets only; use fromSecret"
)
UNRESOLVED: Final = "secret/unresolved"  # the rule of a reference without a value
_WARNINGS: Final = frozenset({"auth/password-colon", "url/plain-http"})

Check = Callable[[str], tuple[str, str] | None]  # a value -> rule and message, or None
Reference = Mapping[str, Any]  # one entry: the source's key, and what it takes
Lists = tuple[
    "TenantSpec", ...
]  # each Tenant that selects a webhook; its `spec.secrets` lists what may be referenced


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Resolver:
    """Resolves references. `tokens` are the places of every Tenant's token; `fetch_cache` keeps
    fetched values.

    If a reference does not resolve and `warn` is set, then `problems` gets a warning. Else
    `unresolved_references` gets an error with the webhook's key. References at the paths `unread`
    are not looked up.
    """

    access: Access
    read_values: bool
    warn: bool
    fingerprint_key: Secret | None
    problems: list[Problem]
    fetch_cache: FetchCache
    tokens: frozenset[SourcePlace] = frozenset()
    unresolved_references: list[tuple[str | None, Problem]] = field(default_factory=list)
    unread: frozenset[Path] = frozenset()
    # what equal references of one folder gave; one with a problem is looked at each time
    _known: dict[tuple[Any, ...], Secret] = field(init=False, default_factory=dict)

    def resolve(
        self,
        document: Document,
        path: Path,
        reference: Reference,
        check: Check,
        lists: Lists = (),
        *,
        url: bool = False,
        own: bool = False,
    ) -> Secret:
        """The secret behind a reference. If there is none, then a Secret of None, with a problem
        unless `read_values` is off.

        `own` marks a Tenant's own token, which its lists do not bind.
        """
        source, argument = next(iter(reference.items()))
        if argument.__class__ is not str or document.patch_trace is not None or own or url:
            return self._resolve(document, path, reference, check, lists, url=url, own=own)
        key = (source, argument, document.file.folder, path, check, lists)
        secret = self._known.get(key)
        if secret is None:
            count = len(self.problems) + len(self.unresolved_references)
            secret = self._resolve(document, path, reference, check, lists, url=url, own=own)
            if count == len(self.problems) + len(self.unresolved_references):
                self._known[key] = secret
        return secret

    def _resolve(
        self,
        document: Document,
        path: Path,
        reference: Reference,
        check: Check,
        lists: Lists,
        *,
        url: bool,
        own: bool,
    ) -> Secret:
        source, argument = next(iter(reference.items()))
        if (step := _find_credential(argument)) is not None:
            message = (
                f"{source} holds what looks like a credential, where a name belongs; it is "
                "not shown"
            )
            self.problems.append(
                document.make_problem((*path, source, *step), "secret/literal", message, _LITERAL)
            )
            return Secret(None, f"{source}: …")
        name = show_reference(source, argument)
        value = self._find_value(document, path, reference, name, None if own else lists)
        if value is None:
            return Secret(None, name)
        fault = check(value)
        if fault is not None:
            rule, message = fault
            severity: Severity = "warning" if rule in _WARNINGS else "error"
            self.problems.append(
                document.make_problem(path, rule, f"{name} {message}", severity=severity)
            )
        return hidden_url(value, name) if url else Secret(value, name)

    def find_place(self, document: Document, reference: Reference) -> SourcePlace:
        """The place that a document's reference points to; raises Forbidden."""
        source, argument = next(iter(reference.items()))
        return self._find_place(source, argument, document.file.folder)

    def _find_place(self, source: str, argument: Any, folder: str) -> SourcePlace:
        if self.access.cluster is not None and source != FROM_CLUSTER:
            raise Forbidden(_SECRETS_ONLY)
        return SOURCES[source].find_place(argument, folder, self.access)

    def find_own_place(self, document: Document, reference: Reference) -> SourcePlace:
        """The place of a Tenant's credential for its own login, a variable or a file; raises
        Forbidden.
        """
        source, argument = next(iter(reference.items()))
        return (
            find_own_place(argument)
            if source == "fromEnv" and self.access.cluster is None
            else self.find_place(document, reference)
        )

    def _find_value(
        self,
        document: Document,
        path: Path,
        reference: Reference,
        name: str,
        lists: Lists | None,
    ) -> str | None:
        """The value, None if none is read or, with a problem, if there is none. `name` is how the
        problem shows the reference; `lists` is None for a Tenant's own reference.
        """
        if path in self.unread:
            return None
        source, argument = next(iter(reference.items()))
        try:
            folder = _find_folder(document, path, source, argument)
            return self._fetch_value(folder, source, argument, lists)
        except Forbidden as error:
            self.problems.append(
                document.make_problem((*path, source), "secret/forbidden", f"{name} {error}")
            )
        except Unresolved as error:
            message = f"{name} does not resolve: {error.reason}"
            self._add_unresolved(document, path, message, error.fix, own=lists is None)
        return None

    def _fetch_value(
        self, folder: str, source: str, argument: Any, lists: Lists | None
    ) -> str | None:
        """The value, None if none is read. `lists` is None for a Tenant's own reference. Raises
        Forbidden, Unresolved.
        """
        place = self._find_place(source, argument, folder)
        if lists is not None:
            if place in self.tokens:
                raise Forbidden("may not be referenced: it is a token or key of the tenant")
            if place.source == FROM_FILE and is_private(place, (folder, self.access.secrets_dir)):
                raise Forbidden(
                    "may not be referenced: .reconciler and .git hold tokens and keys of others"
                )
            _check_allowed(place, lists)
        if not self.read_values:
            return None
        kind = SOURCES[source]
        if lists is not None and not (lists or kind.ALLOWED_BY_DEFAULT):
            raise Unresolved(
                "no Tenant manifest of this run allows it",
                f"list it in a Tenant's secrets.{kind.LIST_NAME}",
            )
        login = _find_login(lists or ())
        return self.fetch_cache.get(
            kind, place, self.access if login is None else replace(self.access, vault=login)
        )

    def _add_unresolved(
        self, document: Document, path: Path, message: str, fix: str, *, own: bool
    ) -> None:
        if not self.warn:
            key = None if own else document.value["metadata"]["name"]
            self.unresolved_references.append(
                (key, document.make_problem(path, UNRESOLVED, message, fix))
            )
        elif not own:  # a plan needs the token too, and says so when it is about to be used
            self.problems.append(
                document.make_problem(path, UNRESOLVED, message, fix, severity="warning")
            )


def make_access(request: Request, tokens: Iterable[SourcePlace] = ()) -> Access:
    """What a run gives its sources. Processes that it starts do not see the variables among
    `tokens`.
    """
    return Access(
        env=request.env,
        timeout=request.secrets.timeout,
        secrets_dir=os.path.abspath(request.secrets.folder) if request.secrets.folder else None,  # noqa: PTH100  this layer keeps paths as text
        allow_command=request.secrets.allow_command,
        hidden_variables=frozenset(place.item[0] for place in tokens if place.source == "fromEnv"),
        ca_file=request.secrets.ca_file,
        sessions=request.secrets.once.sessions,
        cluster=request.secrets.cluster,
    )


def _find_credential(argument: Any) -> Path | None:
    """The path in a reference to what looks like a credential. In a command only the program is
    checked, since no other part is printed.
    """
    if isinstance(argument, list):
        return (0,) if is_issued(argument[0]) else None
    arguments = argument.items() if isinstance(argument, dict) else [("", argument)]
    for part, text in arguments:
        is_path = part in _PATHS or "/" in text or "." in text  # a digest may be the name of a file
        if is_issued(text) or (not is_path and is_random(text)):
            return (part,) if part else ()
    return None


def _find_folder(document: Document, path: Path, source: str, argument: Any) -> str:
    """The folder that a file in a reference is relative to: that of the manifest or patch with the
    reference.
    """
    if document.patch_trace is None:
        return document.file.folder
    file: Path = ("file",) if isinstance(argument, dict) and "file" in argument else ()
    return document.find_source((*path, source, *file))[0].file.folder


def _find_login(lists: Lists) -> Login | None:
    """The login at the Vault of the first Tenant that has one. A run that writes has one Tenant."""
    return next((tenant.vault for tenant in lists if tenant.vault is not None), None)


def _check_allowed(place: SourcePlace, lists: Lists) -> None:
    """Checks a reference against the lists of every Tenant that selects its webhook; raises
    Forbidden.
    """
    kind = SOURCES[place.source]
    for tenant in lists if kind.LIST_NAME is not None else ():
        patterns = tenant.secrets.get(kind.LIST_NAME or "")
        if patterns is None and not kind.ALLOWED_BY_DEFAULT:
            raise Forbidden(
                f"may not be referenced: the Tenant has no secrets.{kind.LIST_NAME} that allows it"
            )
        if patterns is not None and not any(
            fnmatchcase(place.subject, pattern) for pattern in patterns
        ):
            raise Forbidden(
                "may not be referenced: it matches no pattern of the Tenant's "
                f"secrets.{kind.LIST_NAME}"
            )
