"""A forge with many repositories of one organisation or group: each is the stand-in of one.

Source: the forges' API documentation ("List organization repositories", "List a group's projects").
The traps of it: archived repositories are in the listing, GitHub gives pages of 30 unless asked,
Gitea fewer than a page asks for, a repository that moved is 301, one that the token may not read is
403 or 404.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from tests.stand_ins import gitea, github, gitlab
from tests.stand_ins.server import JsonHandler, StandIn, serve

ORGANIZATION = "acme"


@dataclass(frozen=True)
class Forge:
    """One kind of forge: its stand-in of one repository, where they are listed, the field of the
    full name, the position of the name in a path, and the most that a page has.
    """

    handler: type[JsonHandler]
    open_one: Callable[[str], Any]
    listing: str
    field: str
    find_name: Callable[[list[str]], str]
    size: int


FORGES = {
    "github": Forge(
        github.Handler,
        lambda name: github.Server(f"/repos/{name}"),
        f"/orgs/{ORGANIZATION}/repos",
        "full_name",
        lambda parts: "/".join(parts[2:4]),
        30,
    ),
    "gitea": Forge(
        gitea.Handler,
        lambda name: gitea.Server(f"/repos/{name}"),
        f"/api/v1/orgs/{ORGANIZATION}/repos",
        "full_name",
        lambda parts: "/".join(parts[4:6]),
        3,
    ),
    "gitlab": Forge(
        gitlab.Handler,
        gitlab.Server,
        f"/api/v4/groups/{ORGANIZATION}/projects",
        "path_with_namespace",
        lambda parts: unquote(parts[4]) if len(parts) > 4 else "",
        20,
    ),
}


def make_handler(forge: Forge) -> type[JsonHandler]:
    """The stand-in's handler, which serves each repository by its own state."""

    class FleetHandler(forge.handler):  # type: ignore[name-defined, misc]
        def _serve(self) -> None:
            fleet: Fleet = self.server
            place = urlsplit(self.path)
            with fleet.lock:
                fleet.requests.append((self.command, place.path))
                fleet.at_once += 1
                fleet.most_at_once = max(fleet.most_at_once, fleet.at_once)
            time.sleep(fleet.latency)
            try:
                return self._answer(fleet, place)
            finally:
                with fleet.lock:
                    fleet.at_once -= 1

        def _answer(self, fleet: Fleet, place: SplitResult) -> None:
            if place.path == forge.listing:
                query = {name: values[0] for name, values in parse_qs(place.query).items()}
                return self._list(fleet, query)
            name = forge.find_name(place.path.split("/"))
            if (status := fleet.refused.get(name)) is not None:
                self.read_body()
                return self.answer(status, {"message": "Refused"})
            self.server = fleet.repositories.get(name) or fleet.elsewhere
            try:
                return super()._serve()
            finally:
                self.server = fleet

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815  names of the library

        def _list(self, fleet: Fleet, query: dict[str, str]) -> None:
            asked = int(query.get("per_page") or query.get("limit") or forge.size)
            size = min(asked, forge.size) if "limit" in query else min(asked, 100)
            first = (int(query.get("page", 1)) - 1) * size
            page = list(fleet.listed.values())[first : first + size]
            others = 'rel="first"' if first + size >= len(fleet.listed) else 'rel="next"'
            link = {} if "limit" in query else {"Link": f"<{fleet.url}{forge.listing}>; {others}"}
            self.answer(200, page, link)

    return FleetHandler


class Fleet(StandIn):
    """The organisation: its repositories by full name, and how they are listed. `refused` answers a
    status to every request for a repository; `latency` is seconds before each answer.
    """

    def __init__(self, forge: Forge, names: Iterable[str]) -> None:
        super().__init__(make_handler(forge))
        self.repositories = {name: forge.open_one(name) for name in names}
        self.elsewhere = forge.open_one("no/where")
        self.listed: dict[str, dict[str, Any]] = {
            name: {forge.field: name, "topics": [], "archived": False} for name in self.repositories
        }
        self.refused: dict[str, int] = {}
        self.requests: list[tuple[str, str]] = []
        self.latency = 0.0
        self.at_once = self.most_at_once = 0

    def server_close(self) -> None:
        super().server_close()
        for server in (*self.repositories.values(), self.elsewhere):
            server.server_close()


@contextmanager
def fleet_of(forge: str, names: Iterable[str]) -> Iterator[Fleet]:
    with serve(Fleet(FORGES[forge], names)) as server:
        yield server


def main(count: int, latency: float) -> None:
    """Serves so many repositories of GitHub until it is ended, and prints the address."""
    names = (f"{ORGANIZATION}/svc-{number}" for number in range(count))
    with fleet_of("github", names) as fleet:
        fleet.latency = latency
        print(fleet.url, flush=True)
        while True:
            time.sleep(60)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
