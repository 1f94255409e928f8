"""Secret references -> Secret: where a manifest may point, and what comes of it. The sources themselves are in `sources/`.

Called by `decode.py` and `tenants.py`. A value is looked at here, before it is hidden, and never shown. Design §6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final

from reconciler.core.problem import Problem, Severity
from reconciler.core.secret import Secret, hidden_url
from reconciler.manifests.places import Document, Path
from reconciler.manifests.sources import SOURCES, Access, Forbidden, Lost, Once, shown
from reconciler.manifests.sources import Place as SourcePlace
from reconciler.manifests.sources.file import FROM_FILE, private

UNRESOLVED: Final = "secret/unresolved"  # the rule of a reference without a value
_WARNINGS: Final = frozenset({"auth/password-colon", "url/plain-http"})

Check = Callable[[str], tuple[str, str] | None]  # a value -> rule and message, or None
Reference = Mapping[str, Any]  # one entry: the source's key, and what it takes
Lists = tuple[Mapping[str, tuple[str, ...]], ...]  # of each Tenant that selects a webhook: its `spec.secrets`


@dataclass(frozen=True, slots=True)
class Resolver:
    """Looks references up. `tokens` are the places of every Tenant's token, `once` keeps what was fetched.

    What does not resolve joins `problems` as a warning if `warn` is set, else `lost`, as an error with the webhook's key.
    """

    access: Access
    read: bool
    warn: bool
    fingerprint_key: Secret | None
    problems: list[Problem]
    once: Once
    tokens: frozenset[SourcePlace] = frozenset()
    lost: list[tuple[str | None, Problem]] = field(default_factory=list)

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
        """The secret behind a reference; a Secret of None, with a problem where there is one to tell, if there is none.

        `own` is a Tenant's own token, which its lists do not bind.
        """
        source, argument = next(iter(reference.items()))
        name = shown(source, argument)
        try:
            value = self._value(_folder(document, path, source, argument), source, argument, None if own else lists)
        except Forbidden as error:
            self.problems.append(document.problem((*path, source), "secret/forbidden", f"{name} {error}"))
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
            self.problems.append(document.problem(path, rule, f"{name} {message}", severity=severity))
        return hidden_url(value, name) if url else Secret(value, name)

    def place(self, document: Document, reference: Reference) -> SourcePlace:
        """Where a document's reference points; raises Forbidden."""
        source, argument = next(iter(reference.items()))
        return SOURCES[source].place(argument, document.file.folder, self.access)

    def _value(self, folder: str, source: str, argument: Any, lists: Lists | None) -> str | None:
        """The value, None where none is read; `lists` of None is a Tenant's own. Raises Forbidden, Lost."""
        place = SOURCES[source].place(argument, folder, self.access)
        if lists is not None:
            if place in self.tokens:
                raise Forbidden("may not be referenced: it is a token or key of the tenant")
            if place.source == FROM_FILE and private(place, (folder, self.access.secrets_dir)):
                raise Forbidden("may not be referenced: .reconciler and .git hold tokens and keys of others")
            _hold(place, lists)
        if not self.read:
            return None
        kind = SOURCES[source]
        if lists is not None and not (lists or kind.OPTIONAL):
            raise Lost("no Tenant manifest of this run allows it", f"list it in a Tenant's secrets.{kind.LISTED}")
        return self.once.get(kind, place, self.access)

    def _lose(self, document: Document, path: Path, message: str, mend: str, *, own: bool) -> None:
        if not self.warn:
            key = None if own else document.value["metadata"]["name"]
            self.lost.append((key, document.problem(path, UNRESOLVED, message, mend)))
        elif not own:  # a plan needs the token too, and says so when it is about to be used
            self.problems.append(document.problem(path, UNRESOLVED, message, mend, severity="warning"))


def _folder(document: Document, path: Path, source: str, argument: Any) -> str:
    """What a file in a reference is relative to: the folder of whichever manifest or patch names it."""
    if document.patched is None:
        return document.file.folder
    file: Path = ("file",) if isinstance(argument, dict) and "file" in argument else ()
    return document.source((*path, source, *file))[0].file.folder


def _hold(place: SourcePlace, lists: Lists) -> None:
    """Holds a reference against the lists of every Tenant that selects its webhook; raises Forbidden."""
    kind = SOURCES[place.source]
    for allowed in lists if kind.LISTED is not None else ():
        patterns = allowed.get(kind.LISTED or "")
        if patterns is None and not kind.OPTIONAL:
            raise Forbidden(f"may not be referenced: the Tenant has no secrets.{kind.LISTED} that allows it")
        if patterns is not None and not any(fnmatchcase(place.subject, pattern) for pattern in patterns):
            raise Forbidden(f"may not be referenced: it matches no pattern of the Tenant's secrets.{kind.LISTED}")
