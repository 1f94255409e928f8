"""Where a repository lies: the forge, the address of its API, and the repository's name there.

Pure. A forge that its host does not tell apart is given by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from reconciler.core.errors import BadRequest
from reconciler.core.model import limits
from reconciler.core.model.remote import parse_remote
from reconciler.core.model.secret import Secret

KINDS: Final[Mapping[str, str]] = {
    "github": "/api/v3",  # of GitHub Enterprise Server
    "gitlab": "/api/v4",
    "gitea": "/api/v1",
}
"""The forges, each with the path of its API."""
_HOSTS: Final[Mapping[str, str]] = {
    "github.com": "github",
    "gitlab.com": "gitlab",
    "gitea.com": "gitea",
    "codeberg.org": "gitea",
}
_FIRST_LABELS: Final = {**{kind: kind for kind in KINDS}, "forgejo": "gitea"}
_GITHUB: Final = "https://api.github.com"
_RESIDENT: Final = ".ghe.com"  # GitHub Enterprise Cloud with data residency


@dataclass(frozen=True, slots=True)
class Forge:
    """A repository at its forge: one of KINDS, the address of the API with its path, `owner/name`
    (at GitLab with every group), and a token that may write the status of commits.
    """

    kind: str
    api_url: str
    repository: str
    token: Secret


def find_forge(remote: str, token: Secret, *, kind: str = "", api_url: str = "") -> Forge:
    """The forge of a remote's url. `kind` and `api_url` are for those that the url does not tell:
    another host name, another port than that of https, a path before the API.

    Raises BadRequest, without the url.
    """
    host, sign, path = (parse_remote(remote) or "").partition("/")
    if not sign:
        raise BadRequest("the url of the repository names no repository at a forge")
    found = kind or _find_kind(host)
    if found not in KINDS:
        raise BadRequest(f"the forge of {host} is not known; give one of {', '.join(KINDS)}")
    is_path_of_two = path.count("/") == 1
    if not (is_path_of_two or (found == "gitlab" and "/" in path)):
        raise BadRequest(f"{host}/{path} is no repository of {found}: give its name in full")
    address = api_url.rstrip("/") or _find_api_url(remote, host, found)
    fault = limits.url(address)
    if fault is not None:
        raise BadRequest(f"the address of the forge's API {fault}")
    return Forge(found, address, path, token)


def _find_kind(host: str) -> str:
    if host.endswith(_RESIDENT):
        return "github"
    return _HOSTS.get(host) or _FIRST_LABELS.get(host.partition(".")[0], "")


def _find_api_url(remote: str, host: str, kind: str) -> str:
    """The API is beside the repository: by the same scheme and port, if they are those of HTTP."""
    if host == "github.com":
        return _GITHUB
    if host.endswith(_RESIDENT):
        return f"https://api.{host}"
    parts = urlsplit(remote) if "://" in remote else None
    if parts is None or parts.scheme not in {"http", "https"}:
        return f"https://{host}{KINDS[kind]}"
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{KINDS[kind]}"
