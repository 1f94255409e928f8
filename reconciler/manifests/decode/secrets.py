"""Secret references -> Secret: where a manifest may point, and what comes of it. The sources
themselves are in `sources/`.

A value is looked at here, before it is hidden, and never shown. docs/security.md.
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
from reconciler.manifests.secret_sources import SOURCES, Access, Forbidden, Login, Lost, Once, shown
from reconciler.manifests.secret_sources import Place as SourcePlace
from reconciler.manifests.secret_sources.env import own_place
from reconciler.manifests.secret_sources.file import FROM_FILE, private
from reconciler.manifests.yaml.places import Document, Path

if TYPE_CHECKING:
    from reconciler.manifests.decode.loaded import TenantSpec
    from reconciler.manifests.decode.request import Request

_LITERAL: Final = (
    "move it to where the reference looks, write that name here, and replace it at its "
    "issuer: Git keeps it"
)
_PATHS: Final = frozenset(
    {"path", "name", "file"}
)  # parts of references that may hold digests and identifiers
UNRESOLVED: Final = "secret/unresolved"  # the rule of a reference without a value
_WARNINGS: Final = frozenset({"auth/password-colon", "url/plain-http"})

Check = Callable[[str], tuple[str, str] | None]  # a value -> rule and message, or None
Reference = Mapping[str, Any]  # one entry: the source's key, and what it takes
Lists = tuple[
    "TenantSpec", ...
]  # each Tenant that selects a webhook: its `spec.secrets` says what may be referenced


@dataclass(frozen=True, slots=True)
class Resolver:
    """Looks references up. `tokens` are the places of every Tenant's token, `once` keeps what was
    fetched.

    What does not resolve joins `problems` as a warning if `warn` is set, else `lost`, as an error
    with the webhook's key. `unread` are the paths whose references are not looked up.
    """

    access: Access
    read: bool
    warn: bool
    fingerprint_key: Secret | None
    problems: list[Problem]
    once: Once
    tokens: frozenset[SourcePlace] = frozenset()
    lost: list[tuple[str | None, Problem]] = field(default_factory=list)
    unread: frozenset[Path] = frozenset()

    def secret(
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
        """The secret behind a reference; a Secret of None, with a problem where there is one to
        tell, if there is none.

        `own` is a Tenant's own token, which its lists do not bind.
        """
        source, argument = next(iter(reference.items()))
        if (step := _credential(argument)) is not None:
            message = (
                f"{source} holds what looks like a credential, where a name belongs; it is "
                "not shown"
            )
            self.problems.append(
                document.problem((*path, source, *step), "secret/literal", message, _LITERAL)
            )
            return Secret(None, f"{source}: …")
        name = shown(source, argument)
        if path in self.unread:
            return Secret(None, name)
        try:
            folder = _folder(document, path, source, argument)
            value = self._value(folder, source, argument, None if own else lists)
        except Forbidden as error:
            self.problems.append(
                document.problem((*path, source), "secret/forbidden", f"{name} {error}")
            )
            return Secret(None, name)
        except Lost as error:
            self._lose(document, path, f"{name} does not resolve: {error.why}", error.mend, own=own)
            return Secret(None, name)
        if value is None:
            return Secret(None, name)
        wrong = check(value)
        if wrong is not None:
            rule, message = wrong
            severity: Severity = "warning" if rule in _WARNINGS else "error"
            self.problems.append(
                document.problem(path, rule, f"{name} {message}", severity=severity)
            )
        return hidden_url(value, name) if url else Secret(value, name)

    def place(self, document: Document, reference: Reference) -> SourcePlace:
        """Where a document's reference points; raises Forbidden."""
        source, argument = next(iter(reference.items()))
        return SOURCES[source].place(argument, document.file.folder, self.access)

    def own_place(self, document: Document, reference: Reference) -> SourcePlace:
        """Where a Tenant's credential for its own login is: a variable or a file; raises
        Forbidden.
        """
        source, argument = next(iter(reference.items()))
        return own_place(argument) if source == "fromEnv" else self.place(document, reference)

    def _value(self, folder: str, source: str, argument: Any, lists: Lists | None) -> str | None:
        """The value, None where none is read; `lists` of None is a Tenant's own. Raises Forbidden,
        Lost.
        """
        place = SOURCES[source].place(argument, folder, self.access)
        if lists is not None:
            if place in self.tokens:
                raise Forbidden("may not be referenced: it is a token or key of the tenant")
            if place.source == FROM_FILE and private(place, (folder, self.access.secrets_dir)):
                raise Forbidden(
                    "may not be referenced: .reconciler and .git hold tokens and keys of others"
                )
            _hold(place, lists)
        if not self.read:
            return None
        kind = SOURCES[source]
        if lists is not None and not (lists or kind.OPTIONAL):
            raise Lost(
                "no Tenant manifest of this run allows it",
                f"list it in a Tenant's secrets.{kind.LISTED}",
            )
        login = _login(lists or ())
        return self.once.get(
            kind, place, self.access if login is None else replace(self.access, vault=login)
        )

    def _lose(self, document: Document, path: Path, message: str, mend: str, *, own: bool) -> None:
        if not self.warn:
            key = None if own else document.value["metadata"]["name"]
            self.lost.append((key, document.problem(path, UNRESOLVED, message, mend)))
        elif not own:  # a plan needs the token too, and says so when it is about to be used
            self.problems.append(
                document.problem(path, UNRESOLVED, message, mend, severity="warning")
            )


def access_of(request: Request, tokens: Iterable[SourcePlace] = ()) -> Access:
    """What a run gives its sources; the variables among `tokens` are withheld from the processes
    that it starts.
    """
    return Access(
        env=request.env,
        timeout=request.secrets.timeout,
        secrets_dir=os.path.abspath(request.secrets.folder) if request.secrets.folder else None,  # noqa: PTH100  strings, as all of this layer
        allow_command=request.secrets.allow_command,
        withheld=frozenset(place.item[0] for place in tokens if place.source == "fromEnv"),
        ca_file=request.secrets.ca_file,
        sessions=request.secrets.once.sessions,
    )


def _credential(argument: Any) -> Path | None:
    """Where in a reference something looks like a credential; of a command its program only, since
    no other part is shown.
    """
    if isinstance(argument, list):
        return (0,) if is_issued(argument[0]) else None
    named = argument.items() if isinstance(argument, dict) else [("", argument)]
    for part, text in named:
        is_path = part in _PATHS or "/" in text or "." in text  # a file may be named by its digest
        if is_issued(text) or (not is_path and is_random(text)):
            return (part,) if part else ()
    return None


def _folder(document: Document, path: Path, source: str, argument: Any) -> str:
    """What a file in a reference is relative to: the folder of whichever manifest or patch names
    it.
    """
    if document.patched is None:
        return document.file.folder
    file: Path = ("file",) if isinstance(argument, dict) and "file" in argument else ()
    return document.source((*path, source, *file))[0].file.folder


def _login(lists: Lists) -> Login | None:
    """The login at the Vault of the first Tenant that has one; a run that writes has one Tenant."""
    return next((tenant.vault for tenant in lists if tenant.vault is not None), None)


def _hold(place: SourcePlace, lists: Lists) -> None:
    """Holds a reference against the lists of every Tenant that selects its webhook; raises
    Forbidden.
    """
    kind = SOURCES[place.source]
    for allowed in lists if kind.LISTED is not None else ():
        patterns = allowed.secrets.get(kind.LISTED or "")
        if patterns is None and not kind.OPTIONAL:
            raise Forbidden(
                f"may not be referenced: the Tenant has no secrets.{kind.LISTED} that allows it"
            )
        if patterns is not None and not any(
            fnmatchcase(place.subject, pattern) for pattern in patterns
        ):
            raise Forbidden(
                "may not be referenced: it matches no pattern of the Tenant's "
                f"secrets.{kind.LISTED}"
            )
