"""The repository of a run: that of the Tenant manifest, else the remote `origin` of the webhooks'
manifests.

It is None without git, work tree or remote, or if the remote is on this machine.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache

from reconciler.core.model.remote import parse_remote
from reconciler.manifests.decode.load_types import Manifests, TenantSpec
from reconciler.manifests.files.trees import STDIN, Snapshot

_SETTINGS_PATTERN = r"^(remote\.origin\.url|url\..*\.insteadof)$"


def find_repository_of_run(manifests: Manifests, spec: TenantSpec | None) -> str | None:
    """`host/path`, None if it is unknown; `spec` is the Tenant manifest in use."""
    if spec is not None and spec.repository is not None:
        return spec.repository
    if isinstance(manifests.tree, Snapshot):
        return manifests.tree.origin
    return find_origin(_find_folder(manifests))


def _find_folder(manifests: Manifests) -> str:
    """The first folder of the run's paths with a webhook, else the first one, else the root of
    sources.

    A Tenant manifest may lie in a repository that teams share.
    """
    folders = [
        *manifests.folders,
        *(os.path.dirname(file) or "." for file in manifests.files if file != STDIN),  # noqa: PTH120  this layer keeps paths as text
    ]
    places = [os.path.normpath(os.path.join(manifests.root, folder)) for folder in folders]  # noqa: PTH118  this layer keeps paths as text
    for place in places if len(places) > 1 else ():
        if any(
            _is_below(os.path.normpath(os.path.join(manifests.root, item.sources[0])), place)  # noqa: PTH118  this layer keeps paths as text
            for item in manifests.declared
        ):
            return place
    return places[0] if places else manifests.root


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(f"{folder.rstrip('/')}/")


@lru_cache(maxsize=64)  # with --all-tenants it is called per tenant
def find_origin(folder: str) -> str | None:
    """The remote `origin` of the work tree that a folder lies in, as `host/path`."""
    if not _is_in_work_tree(folder):
        return None
    from reconciler.manifests.files.git import read_settings  # noqa: PLC0415  a run outside of Git starts no process

    git_settings = read_settings(folder, _SETTINGS_PATTERN, os.environ)
    url = next((value for name, value in git_settings if name == "remote.origin.url"), None)
    return None if url is None else parse_remote(_expand_url(url, git_settings))


def _is_in_work_tree(folder: str) -> bool:
    """Whether the folder or one above it has a `.git`: a folder, or the file of a work tree or
    submodule.
    """
    while not os.path.exists(os.path.join(folder, ".git")):  # noqa: PTH110, PTH118  this layer keeps paths as text
        parent = os.path.dirname(folder)  # noqa: PTH120  this layer keeps paths as text
        if parent == folder:
            return False
        folder = parent
    return True


def _expand_url(url: str, git_settings: tuple[tuple[str, str], ...]) -> str:
    """A short url such as `gh:acme/webhooks` in full, by git's `url.BASE.insteadOf`.

    A url with a host stays: a mirror or token that one machine puts in its place is the same
    repository.
    """
    if "://" in url or "@" in url.partition(":")[0]:
        return url
    bases: Mapping[str, str] = {
        prefix: name[len("url.") : -len(".insteadof")]
        for name, prefix in git_settings
        if name.startswith("url.")
    }
    prefix = max((prefix for prefix in bases if url.startswith(prefix)), key=len, default="")
    return bases[prefix] + url[len(prefix) :] if prefix else url
