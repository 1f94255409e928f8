"""Secret references -> Secret: environment and file, with what a manifest has no right to.

Called by `decode.py` and `tenants.py`. A value is looked at here, before it is hidden, and never shown. Design §6.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final

from reconciler.core.problem import Problem, Severity
from reconciler.core.secret import Secret, hidden_url
from reconciler.manifests.files import open_regular
from reconciler.manifests.places import Document, Path

FILE_SIZE: Final = 64 * 1024  # bytes
_OWN: Final = "RECONCILER_"
_PRIVATE: Final = frozenset({".reconciler", ".git"})  # the embedded tenant with its key and tokens; git's own credentials
_WARNINGS: Final = frozenset({"auth/password-colon", "url/plain-http"})

Check = Callable[[str], tuple[str, str] | None]  # a value -> rule and message, or None


class Forbidden(Exception):
    """A reference to what a manifest has no right to; its text says why."""


@dataclass(frozen=True, slots=True)
class Resolver:
    """Looks references up. `tokens` and `token_files` are the variables and real paths of what is the tenants' own.

    What does not resolve joins `problems` as a warning if `warn` is set, else `lost`, as an error with the webhook's key.
    """

    env: Mapping[str, str] = field(repr=False)
    read: bool
    warn: bool
    secrets_dir: str | None
    fingerprint_key: Secret | None
    problems: list[Problem]
    tokens: frozenset[str] = frozenset()
    token_files: frozenset[str] = frozenset()
    lost: list[tuple[str | None, Problem]] = field(default_factory=list)

    def secret(
        self,
        document: Document,
        path: Path,
        reference: Mapping[str, str],
        check: Check,
        patterns: tuple[tuple[str, ...], ...] = (),
        *,
        url: bool = False,
        own: bool = False,
    ) -> Secret:
        """The secret behind a reference; a Secret of None, with a problem where there is one to tell, if there is none.

        `patterns` are lists of which the variable must match one each; `own` is a Tenant's own token.
        """
        source, name = next(iter(reference.items()))
        shown = f"{source}: {name}"
        try:
            value, why = self._env(name, patterns, own=own) if source == "fromEnv" else self._file(document, name, own=own)
        except Forbidden as error:
            self.problems.append(document.problem((*path, source), "secret/forbidden", f"{shown} {error}"))
            return Secret(None, shown)
        if value is None:
            if self.read:
                self._lose(document, path, f"{shown} does not resolve: {why}", own=own)
            return Secret(None, shown)
        wrong = check(value)
        if wrong is not None:
            rule, message = wrong
            severity: Severity = "warning" if rule in _WARNINGS else "error"
            self.problems.append(document.problem(path, rule, f"{shown} {message}", severity=severity))
        return hidden_url(value, shown) if url else Secret(value, shown)

    def _lose(self, document: Document, path: Path, message: str, *, own: bool) -> None:
        if not self.warn:
            key = None if own else document.value["metadata"]["name"]
            self.lost.append((key, document.problem(path, "secret/unresolved", message, "set it, then run again")))
        elif not own:  # a plan needs the token too, and says so when it is about to be used
            self.problems.append(document.problem(path, "secret/unresolved", message, severity="warning"))

    def _env(self, name: str, patterns: tuple[tuple[str, ...], ...], *, own: bool) -> tuple[str | None, str]:
        if name.upper().startswith(_OWN):
            raise Forbidden(f"may not be referenced: {_OWN}* is the program's own")
        if not own and name in self.tokens:
            raise Forbidden("may not be referenced: it is the Tenant's token")
        if not own and not all(any(fnmatchcase(name, pattern) for pattern in allowed) for allowed in patterns):
            raise Forbidden("may not be referenced: it matches no pattern of the Tenant's secrets.env")
        value = self.env.get(name) if self.read else None
        return value or None, "the variable is not set, or empty"  # CI gives a fork's pull request empty ones

    def _file(self, document: Document, name: str, *, own: bool) -> tuple[str | None, str]:
        real = self.allowed_file(document, name)
        if not own and real in self.token_files:
            raise Forbidden("may not be referenced: it is a token or key of the tenant")
        if not own and self._private(document, real):
            raise Forbidden("may not be referenced: .reconciler and .git hold tokens and keys that are not the manifests' own")
        return _read(real) if self.read else (None, "")

    def _private(self, document: Document, real: str) -> bool:
        """Whether a file lies in a folder of ours or of git, seen from where the manifest, or --secrets-dir, is."""
        tops = [os.path.realpath(top) for top in (document.file.folder, self.secrets_dir) if top is not None]
        below = min((real.removeprefix(top) for top in tops), key=len)
        return not _PRIVATE.isdisjoint(part.casefold() for part in below.split("/"))

    def allowed_file(self, document: Document, name: str) -> str:
        """The real path of a file that a manifest may reference; raises Forbidden."""
        folder = document.file.folder
        try:
            real = os.path.realpath(os.path.join(folder, name))  # noqa: PTH118  strings, as all of this layer
            if self.secrets_dir is not None and _inside(real, os.path.realpath(self.secrets_dir)):
                return real
            inside = _inside(real, os.path.realpath(folder))
        except (OSError, ValueError):
            raise Forbidden("is not a path") from None
        if os.path.isabs(name):  # noqa: PTH117  likewise
            raise Forbidden("may not be absolute, unless under --secrets-dir")
        if ".." in name.replace("\\", "/").split("/"):
            raise Forbidden("may not contain .., unless under --secrets-dir")
        if not inside:
            raise Forbidden("leaves the manifest's folder by a link")
        return real


def _inside(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip("/") + "/")


def _read(path: str) -> tuple[str | None, str]:
    """A regular file's text without its one trailing newline, or None and why not."""
    try:
        with open_regular(path, os.O_NOFOLLOW) as file:
            data = file.read(FILE_SIZE + 1)
    except OSError as error:
        return None, f"the file cannot be read ({error.strerror})"
    if len(data) > FILE_SIZE:
        return None, "the file has over 64 KiB"
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None, "the file is not UTF-8 text"
    return text.removesuffix("\n").removesuffix("\r") if text.endswith("\r\n") else text.removesuffix("\n"), ""
