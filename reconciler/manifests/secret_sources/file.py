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
    Lost,
    Place,
    whole,
)

FROM_FILE: Final = "fromFile"
PRIVATE: Final = frozenset(
    {".reconciler", ".git"}
)  # the embedded tenant with its key and tokens; git's own credentials
# where a pod of Kubernetes has it
SERVICE_ACCOUNT: Final = "/var/run/secrets/kubernetes.io/serviceaccount/token"
LISTED: Final = None
OPTIONAL: Final = True
pick = whole


def place(value: Any, folder: str, access: Access) -> Place:
    """The real path of that file."""
    return file_place(allowed(value, folder, access.secrets_dir))


def file_place(real: str) -> Place:
    """The place of a file by its real path."""
    return Place(FROM_FILE, (real,))


def private_places(files: Iterable[str]) -> frozenset[Place]:
    """The places of files that no webhook may name."""
    return frozenset(file_place(os.path.realpath(file)) for file in files)


def saved_token(env: Mapping[str, str]) -> str:
    """The file that `vault login` writes; "" without a home folder."""
    home = env.get("HOME")
    return os.path.join(home, ".vault-token") if home else ""  # noqa: PTH118  strings, as all of this layer


def login_places(env: Mapping[str, str]) -> frozenset[Place]:
    """The places of what logs a run in by itself, which no webhook may name."""
    return private_places(path for path in (SERVICE_ACCOUNT, saved_token(env)) if path)


def private(place: Place, tops: tuple[str | None, ...]) -> bool:
    """Whether a file lies in a folder of ours or of git, seen from the nearest of these folders."""
    below = min(
        (place.item[0].removeprefix(os.path.realpath(top)) for top in tops if top is not None),
        key=len,
    )
    return not PRIVATE.isdisjoint(part.casefold() for part in below.split("/"))


def fetch(item: Item, _access: Access) -> bytes:
    """Its bytes."""
    return contents(item[0], SIZE)


def allowed(name: str, folder: str, secrets_dir: str | None) -> str:
    """The real path of a file that a manifest of that folder may reference; raises Forbidden."""
    try:
        real = os.path.realpath(os.path.join(folder, name))  # noqa: PTH118  strings, as all of this layer
        if secrets_dir is not None and _inside(real, os.path.realpath(secrets_dir)):
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


def contents(path: str, size: int) -> bytes:
    """The bytes of a regular file, at most `size` and one more; raises Lost."""
    try:
        with open_regular(path, os.O_NOFOLLOW) as file:
            return file.read(size + 1)
    except OSError as error:
        raise Lost(f"the file cannot be read ({error.strerror})") from None
