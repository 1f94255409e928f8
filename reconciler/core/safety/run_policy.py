"""What the person allows in a run, and which part of the manifests the run looks at."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final, Literal

from reconciler.core.model.scopes import get_git_key
from reconciler.core.model.webhook import Owner
from reconciler.core.safety.rules import Rule
from reconciler.core.safety.selection import Selection

Ownership = Literal["marked", "all"]
STDIN: Final = "<stdin>"  # the source of what came from standard input


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a run may delete and update: shares of what we own, or counts that replace both
    rules of a kind.
    """

    delete_share: float = 0.3
    update_share: float = 0.3
    update_from: int = 10
    max_deletes: int | None = None
    max_updates: int | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """The run's paths relative to the root (posix, "." for the root itself), and what it was
    narrowed to.

    `root` is the way from the current folder to that root, for showing a source. `selected_keys`
    holds the keys of `--only`, `--select` and `--exclude`; None when the run is not narrowed.
    """

    folders: tuple[str, ...] = (".",)
    files: tuple[str, ...] = ()
    selected_keys: AbstractSet[str] | None = None
    root: str = "."

    def show(self, source: str) -> str:
        """A source as a person finds it: relative to the current folder."""
        return source if source == STDIN else _join(self.root, source)

    def is_in_folder(self, source: str) -> bool:
        """Whether a source lies under a folder path of this run."""
        return any(_is_under(source, folder) for folder in self.folders)

    def includes(self, source: str) -> bool:
        """Whether a source is read by this run, through a folder or by name."""
        return source in self.files or self.is_in_folder(source)

    @property
    def whole_root(self) -> bool:
        """Whether the root itself, or a folder above it, is among the paths."""
        return any(
            all(part in {"..", "."} for part in folder.split("/")) for folder in self.folders
        )

    def selects(self, key: str) -> bool:
        """Whether this run looks at that key."""
        keys = self.selected_keys
        return keys is None or key in keys or get_git_key(key) in keys


def _join(root: str, source: str) -> str:
    """Both ways one after the other, without detours."""
    steps: list[str] = []
    for step in f"{root}/{source}".split("/"):
        if step == ".." and steps and steps[-1] != "..":
            steps.pop()
        elif step not in {"", "."}:
            steps.append(step)
    return "/".join(steps)


def _count_climbs(steps: list[str]) -> int:
    return next((count for count, step in enumerate(steps) if step != ".."), len(steps))


def _is_under(source: str, folder: str) -> bool:
    parts = [part for part in folder.split("/") if part not in {"", "."}]
    steps = source.split("/")
    if source == STDIN or {"", ".", ".."}.intersection(steps[_count_climbs(steps) :] or [""]):
        # standard input lies in no folder; /etc/x and w/../x are not as we write sources, so their
        # folder is unknown
        return False
    if _count_climbs(parts) == len(
        parts
    ):  # the root or a folder above it: under it lies what climbs no higher
        return _count_climbs(steps) <= len(parts)
    return steps[: len(parts)] == parts and len(steps) > len(parts)


@dataclass(frozen=True, slots=True)
class RunPolicy:
    """Everything besides the two sides that decides a plan; the Tenant manifest sets the defaults,
    options the rest.

    `has_removals`: the manifests name webhooks that are to be deleted, as a cluster does.
    `rules` are the organisation's, which planned webhooks have to keep; `selection` is what the
    Tenant in use selects; `moved_from` are the former addresses of our repository.
    """

    owner: Owner
    ownership: Ownership = "marked"
    prune: bool = True
    adopt: bool = False
    resend_credentials: bool = False
    accept_in_use: bool = False
    limits: Limits = field(default_factory=Limits)
    scope: Scope = field(default_factory=Scope)
    literal_urls: AbstractSet[str] = frozenset()
    rules: tuple[Rule, ...] = ()
    selection: Selection = field(default_factory=Selection)
    moved_from: frozenset[str] = frozenset()
    has_removals: bool = False

    def may_delete(self, sources: tuple[str, ...]) -> bool:
        """Rule 5: whether this run may delete what came from there; ownership, protection and
        limits are asked elsewhere.
        """
        if not self.prune or self.scope.selected_keys is not None:
            return False
        return all(map(self.scope.is_in_folder, sources)) if sources else self.scope.whole_root
