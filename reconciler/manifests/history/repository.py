"""Which repository a run is of: what the Tenant manifest says, else the remote `origin` around the
webhooks' manifests.

No git, no work tree, no remote, or a remote on this machine: None.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache

from reconciler.core.model.remote import of_remote
from reconciler.manifests.decode.loaded import Manifests, TenantSpec
from reconciler.manifests.files.trees import STDIN

_ASKED = r"^(remote\.origin\.url|url\..*\.insteadof)$"


def repository_of_run(manifests: Manifests, spec: TenantSpec | None) -> str | None:
    """`host/path`, None where nobody says; `spec` is the Tenant manifest in use."""
    if spec is not None and spec.repository is not None:
        return spec.repository
    return origin(_folder(manifests))


def _folder(manifests: Manifests) -> str:
    """The first folder of the run's paths that has a webhook, else the first of them, else what
    sources are relative to.

    A Tenant manifest may lie in another repository, which teams share.
    """
    named = [
        *manifests.folders,
        *(os.path.dirname(file) or "." for file in manifests.files if file != STDIN),  # noqa: PTH120  strings, as all of this layer
    ]
    places = [os.path.normpath(os.path.join(manifests.root, folder)) for folder in named]  # noqa: PTH118  likewise
    for place in places if len(places) > 1 else ():
        if any(
            _lies_in(os.path.normpath(os.path.join(manifests.root, item.sources[0])), place)  # noqa: PTH118  likewise
            for item in manifests.declared
        ):
            return place
    return places[0] if places else manifests.root


def _lies_in(path: str, folder: str) -> bool:
    return path.startswith(f"{folder.rstrip('/')}/")


@lru_cache(maxsize=64)  # with --all-tenants every tenant asks
def origin(folder: str) -> str | None:
    """The remote `origin` of the work tree that a folder lies in, as `host/path`."""
    if not _in_work_tree(folder):
        return None
    from reconciler.manifests.files.git import settings  # noqa: PLC0415  a run outside of Git starts no process

    said = settings(folder, _ASKED, os.environ)
    url = next((value for name, value in said if name == "remote.origin.url"), None)
    return None if url is None else of_remote(_expanded(url, said))


def _in_work_tree(folder: str) -> bool:
    """Whether there is a `.git` in the folder or above it: a folder, or the file of a work tree or
    submodule.
    """
    while not os.path.exists(os.path.join(folder, ".git")):  # noqa: PTH110, PTH118  as above
        parent = os.path.dirname(folder)  # noqa: PTH120  as above
        if parent == folder:
            return False
        folder = parent
    return True


def _expanded(url: str, said: tuple[tuple[str, str], ...]) -> str:
    """A short name such as `gh:acme/webhooks` in full, as git's `url.BASE.insteadOf` has it.

    A url that has its host already stays: a mirror or a token that one machine puts in its place is
    no other repository.
    """
    if "://" in url or "@" in url.partition(":")[0]:
        return url
    bases: Mapping[str, str] = {
        short: name[len("url.") : -len(".insteadof")]
        for name, short in said
        if name.startswith("url.")
    }
    short = max((short for short in bases if url.startswith(short)), key=len, default="")
    return bases[short] + url[len(short) :] if short else url
