"""Desired state from a branch of a Git repository: fetched, checked, read without a checkout."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from reconciler.continuous.git.history import check_history, list_unverified
from reconciler.continuous.git.known_manifests import KnownManifests
from reconciler.continuous.git.mirror import Mirror
from reconciler.continuous.git.signers import AllowedSigners
from reconciler.continuous.git.verify import verify_commits
from reconciler.continuous.source import Desired
from reconciler.continuous.state_folder import StateFolder
from reconciler.core.errors import GitFailed, ReconcilerError
from reconciler.core.model.remote import parse_remote
from reconciler.core.model.schedule import Schedule
from reconciler.core.model.webhook import Declared
from reconciler.core.saved.since import Base
from reconciler.manifests import (
    InputFiles,
    Manifests,
    PolicyChoice,
    Request,
    SecretLookup,
    TenantChoice,
    load,
)
from reconciler.manifests.files.published import Published, publish
from reconciler.manifests.secret_sources import FetchCache
from reconciler.providers import registry


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class GitSettings:
    """`paths` are folders and files of the repository, "" for all. `policies` is the folder with
    the organisation's rules there, None for the one beside the Tenant manifest. `signers` must have
    signed every commit, None accepts unsigned ones. `timeout` is the number of seconds of a fetch.
    """

    paths: tuple[str, ...] = ("",)
    policies: str | None = None
    secrets: SecretLookup = field(default_factory=SecretLookup)
    signers: AllowedSigners | None = None
    allow_rewind: bool = False
    timeout: float = 60.0


class GitSource:
    """The manifests at the head of the branch that the mirror follows.

    A commit that cannot be fetched, or may not be used, leaves the one before in use. `problem` is
    then the reason.
    """

    def __init__(
        self, mirror: Mirror, state: StateFolder, env: Mapping[str, str], settings: GitSettings
    ) -> None:
        self._mirror, self._state, self._env, self._settings = mirror, state, env, settings
        self._applied = dict(state.read_applied())
        self._tree: Published | None = None
        self._tenants: dict[str, Schedule] = {}
        self._bases: dict[str, Base] = {}
        self._known = KnownManifests()
        self._former: tuple[Published, KnownManifests] | None = None  # the commit used before
        self.problem: ReconcilerError | None = None
        self.refused_revision = ""  # the commit that has the problem, if one has

    @property
    def tenants(self) -> Mapping[str, Schedule]:
        """The Tenants of the commit in use."""
        return self._tenants

    @property
    def revision(self) -> str:
        """The commit in use, "" before the first fetch."""
        return self._tree.name if self._tree is not None else ""

    async def refresh(self) -> bool:
        """Looks at the repository; whether another commit is in use now. What goes wrong is in
        `problem`.
        """
        try:
            tree, tenants = await asyncio.to_thread(self._fetch)
        except ReconcilerError as error:
            self.problem = error
            return False
        self.problem = None
        if tree is self._tree:
            return False
        self._former = None if self._tree is None else (self._tree, self._known)
        self._tree, self._tenants, self._known = tree, tenants, KnownManifests()
        return True

    def _fetch(self) -> tuple[Published, dict[str, Schedule]]:
        self.refused_revision = ""
        head = self._mirror.fetch(self._settings.timeout)
        self.refused_revision = head
        if self._tree is not None and self._tree.name == head:
            return self._tree, self._tenants
        self._check(head)
        tree = self._publish(head)
        return tree, self._list_tenants(tree)

    def _check(self, head: str) -> None:
        """Raises RewoundBranch and UnsignedCommit for a commit that may not be used. The base is
        the commit in use, and at a start the last applied ones.
        """
        settings = self._settings
        bases: list[str | None] = [self.revision or None]
        if not self.revision and self._applied:
            bases = [*sorted(set(self._applied.values()))]
        for base in bases:
            check_history(self._mirror, base, head, allow_rewind=settings.allow_rewind)
            if settings.signers is not None:
                commits = list_unverified(self._mirror, base, head)
                verify_commits(self._mirror, commits, settings.signers, self._env)

    def _publish(self, commit: str) -> Published:
        paths, policies = self._settings.paths, self._settings.policies
        return publish(
            self._mirror.repository(),
            commit,
            paths if policies is None else (*paths, policies),
            f"{self._state.path.absolute()}/commit",
            parse_remote(self._mirror.url),
        )

    def _list_tenants(self, tree: Published) -> dict[str, Schedule]:
        """The Tenants of a commit; of one whose manifests cannot be read, those known before: each
        of their runs reports the problems.
        """
        request = self._make_request(tree, None)
        files = replace(request.files, keep=True)
        secrets = replace(request.secrets, mode="ignore")
        try:
            manifests = load(replace(request, files=files, secrets=secrets, only_tenants=True))
        except ReconcilerError:
            if not self._tenants:
                raise
            return self._tenants
        tree.remember(manifests.parsed_files)
        return {spec.name: spec.schedule for spec in manifests.tenants}

    async def read(self, key: str) -> Desired:
        """What the commit in use declares for a Tenant."""
        tree = self._tree
        if tree is None:
            raise self.problem or GitFailed("the repository has not been fetched yet")
        known = self._known.get(key)
        if known is not None and self._applied.get(key) == tree.name:  # most runs: nothing is read
            return Desired(known, tree.name, self._find_base(tree, key, known))
        return await asyncio.to_thread(self._read, tree, self._known, key)

    def _read(self, tree: Published, known: KnownManifests, key: str) -> Desired:
        manifests = known.find(key, lambda cache: load(self._make_request(tree, key, cache)))
        return Desired(manifests, tree.name, self._find_base(tree, key, manifests))

    def _find_base(self, tree: Published, key: str, manifests: Manifests) -> Base | None:
        """What was declared at the revision that was applied last, None if that is not known."""
        applied = self._applied.get(key)
        if applied is None or applied == tree.name:
            return None if applied is None else Base(applied, applied, manifests.declared)
        known = self._bases.get(key)
        if known is None or known.commit != applied:
            try:
                known = Base(applied, applied, self._read_declared(applied, key))
            except ReconcilerError:
                return None
            self._bases[key] = known
        return known

    def _read_declared(self, commit: str, key: str) -> tuple[Declared, ...]:
        """What an earlier commit declared for a Tenant; without the values of secrets, if they are
        not known.
        """
        former = self._former
        if former is None or former[0].name != commit:
            former = self._former = (self._publish(commit), KnownManifests())
        known = former[1].get(key)
        if known is not None:
            return known.declared
        request = self._make_request(former[0], key)
        secrets = replace(request.secrets, mode="ignore")
        return load(replace(request, secrets=secrets, policies=PolicyChoice())).declared

    def _make_request(
        self, tree: Published, tenant: str | None, cache: FetchCache | None = None
    ) -> Request:
        settings = self._settings
        paths = tuple(f"{tree.root}/{path}".rstrip("/") for path in settings.paths)
        policies = None if settings.policies is None else f"{tree.root}/{settings.policies}"
        return Request(
            find=registry.capabilities,
            files=InputFiles(paths, tree=tree),
            env=self._env,
            tenant=TenantChoice(tenant, lenient=tenant is None, option="the name of a Tenant"),
            secrets=replace(settings.secrets, once=cache or FetchCache()),
            policies=PolicyChoice("read", policies),
        )

    def note_applied(self, key: str, revision: str) -> None:
        """Keeps the revision, and its commit in the mirror."""
        if self._applied.get(key) == revision:
            return
        self._mirror.keep(key, revision)
        self._state.write_applied(key, revision)
        self._applied[key] = revision
        self._bases.pop(key, None)
