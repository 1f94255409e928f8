"""`fromFile: PATH`: a file below the manifest's folder, or under `--secrets-dir`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, Final

from reconciler.manifests.files.trees import open_regular
from reconciler.manifests.secret_sources.base import (
    SIZE,
    Access,
    Forbidden,
    Item,
    Place,
    Unresolved,
    pick_whole,
)

FROM_FILE: Final = "fromFile"
PRIVATE: Final = frozenset(
    {".reconciler", ".git"}
)  # the embedded tenant with its key and tokens; git's own credentials
# its path in a pod of Kubernetes
SERVICE_ACCOUNT: Final = "/var/run/secrets/kubernetes.io/serviceaccount/token"
LIST_NAME: Final = None
ALLOWED_BY_DEFAULT: Final = True
pick = pick_whole


def find_place(value: Any, folder: str, access: Access) -> Place:
    """The real path of that file."""
    return make_file_place(resolve_allowed(value, folder, access.secrets_dir))


def make_file_place(real_path: str) -> Place:
    """The place of a file by its real path."""
    return Place(FROM_FILE, (real_path,))


def list_private_places(files: Iterable[str]) -> frozenset[Place]:
    """The places of files that no webhook may reference."""
    return frozenset(make_file_place(os.path.realpath(file)) for file in files)


def saved_token_path(env: Mapping[str, str]) -> str:
    """The file that `vault login` writes; "" without a home folder."""
    home = env.get("HOME")
    return os.path.join(home, ".vault-token") if home else ""  # noqa: PTH118  this layer keeps paths as text


def list_login_places(env: Mapping[str, str]) -> frozenset[Place]:
    """The places of the run's own login files, which no webhook may reference."""
    return list_private_places(path for path in (SERVICE_ACCOUNT, saved_token_path(env)) if path)


def is_private(place: Place, folders: tuple[str | None, ...]) -> bool:
    """Whether a file lies in a folder of this program or of git, below the nearest of these
    folders.
    """
    path_below = min(
        (place.item[0].removeprefix(os.path.realpath(top)) for top in folders if top is not None),
        key=len,
    )
    return not PRIVATE.isdisjoint(part.casefold() for part in path_below.split("/"))


def fetch(item: Item, _access: Access) -> bytes:
    """Its bytes."""
    return read_file(item[0], SIZE)


def resolve_allowed(name: str, folder: str, secrets_dir: str | None) -> str:
    """The real path of a file that a manifest of that folder may reference; raises Forbidden."""
    try:
        real_path = os.path.realpath(os.path.join(folder, name))  # noqa: PTH118  this layer keeps paths as text
        if secrets_dir is not None and _is_inside(real_path, os.path.realpath(secrets_dir)):
            return real_path
        is_inside = _is_inside(real_path, os.path.realpath(folder))
    except (OSError, ValueError):
        raise Forbidden("is not a path") from None
    if os.path.isabs(name):  # noqa: PTH117  this layer keeps paths as text
        raise Forbidden("may not be absolute, unless under --secrets-dir")
    if ".." in name.replace("\\", "/").split("/"):
        raise Forbidden("may not contain .., unless under --secrets-dir")
    if not is_inside:
        raise Forbidden("leaves the manifest's folder by a link")
    return real_path


def _is_inside(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip("/") + "/")


def read_file(path: str, size: int) -> bytes:
    """The bytes of a regular file, at most `size` and one more; raises Unresolved."""
    try:
        with open_regular(path, os.O_NOFOLLOW) as file:
            return file.read(size + 1)
    except OSError as error:
        raise Unresolved(f"the file cannot be read ({error.strerror})") from None
