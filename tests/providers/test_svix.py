"""The provider `svix` against the stand-in that has the traps of Svix's API."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.model.webhook import Subscription
from reconciler.providers.conformance import Place, Samples, conformance
from reconciler.providers.svix.plugin import PLUGIN
from tests.providers.svix_repository import KEY, NEW_KEY, Repository, list_keys, verify_newest
from tests.stand_ins.svix import APPLICATION, DAY, TOKEN, svix
from tests.stand_ins.svix_bodies import DEFAULTS
from tests.support.receiver import Receiver


@asynccontextmanager
async def empty_application(_endpoint: str) -> AsyncIterator[Place]:
    with svix() as server:
        yield Place(server.url, TOKEN, {"application": APPLICATION}, deliver=server.signup)


EVENTS = Subscription("user.signup", None, None), Subscription("user.deleted", None, None)
SAMPLES = Samples(EVENTS, options={"rateLimit": 5}, verify=verify_newest)
test_conformance = conformance(PLUGIN, empty_application, SAMPLES)


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    with svix() as server:
        yield Repository(tmp_path, server)


def test_sixty_are_created_and_a_removed_manifest_deletes_its_endpoint(
    repository: Repository,
) -> None:
    paths = [repository.write(f"hook-{number:02}") for number in range(60)]
    repository.reconcile()
    endpoints = repository.server.endpoints
    assert {endpoint["uid"] for endpoint in endpoints.values()} == {path.stem for path in paths}
    assert {endpoint["_key"] for endpoint in endpoints.values()} == {KEY}
    paths[7].unlink()
    repository.reconcile()
    assert "hook-07" not in {endpoint["uid"] for endpoint in endpoints.values()}
    assert len(endpoints) == 59


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        ({"uid": "by-hand"}, "name"),
        ({"url": "https://elsewhere.example.com/"}, "url"),
        ({"description": "by hand"}, "description"),
        ({"disabled": True}, "enabled"),
        ({"filterTypes": ["user.signup"]}, "event: invoice.paid"),
        ({"filterTypes": None}, "event: *"),
        ({"rateLimit": 21}, "options.rateLimit"),
        ({"rateLimit": None}, "options.rateLimit"),
        ({"channels": ["project_1"]}, "options.channels"),
    ],
)
def test_an_edit_by_hand_is_found_and_repaired(
    repository: Repository, edit: dict[str, Any], field: str
) -> None:
    repository.write("oncall")
    repository.reconcile()
    before = dict(repository.endpoint)
    repository.endpoint.update({**edit, "updatedAt": repository.server.now()})
    drift = repository.run("drift")
    assert drift.code == 7
    assert field in drift.out, drift.out
    repository.reconcile()
    after = dict(repository.endpoint)
    for endpoint in (before, after):
        endpoint.pop("updatedAt")
        endpoint["filterTypes"] = sorted(endpoint["filterTypes"])
    assert after == before


def test_the_order_of_channels_and_events_is_no_difference(repository: Repository) -> None:
    path = repository.write("oncall")
    text = path.read_text().replace("{rateLimit: 20}", "{channels: [b, c, a]}")
    path.write_text(text)
    repository.reconcile()
    assert sorted(repository.endpoint["channels"]) == ["a", "b", "c"]
    path.write_text(text.replace("[b, c, a]", "[c, b]"))
    repository.reconcile()
    assert sorted(repository.endpoint["channels"]) == ["b", "c"]
    path.write_text(text.replace("  options: {channels: [b, c, a]}\n", ""))
    repository.reconcile()
    assert repository.endpoint["channels"] is None


def test_an_update_keeps_metadata_headers_and_fields_that_it_does_not_know(
    repository: Repository,
) -> None:
    path = repository.write("oncall")
    repository.reconcile()
    endpoint = repository.endpoint
    endpoint["metadata"] = {**endpoint["metadata"], "team": "blue"}
    endpoint |= {"version": 3, "_headers": {"X-Region": "eu"}, "newer": "field"}
    assert "No changes" in repository.run("plan").out
    path.write_text(path.read_text().replace("For the rota", "For the night"))
    repository.reconcile()
    assert endpoint["description"] == "For the night"
    assert endpoint["metadata"]["team"] == "blue"
    assert endpoint["metadata"]["reconciler.key"] == "oncall"
    kept = (endpoint["version"], endpoint["_headers"], endpoint["newer"], endpoint["_key"])
    assert kept == (3, {"X-Region": "eu"}, "field", KEY)
    assert endpoint["_old"] == []


def test_a_rename_is_one_update_of_the_same_endpoint(repository: Repository) -> None:
    path = repository.write("before", "https://hooks.example.com/x")
    repository.reconcile()
    ident = repository.endpoint["id"]
    path.unlink()
    repository.write("after", "https://hooks.example.com/x", more="  previously: [before]\n")
    repository.reconcile()
    assert (repository.endpoint["id"], repository.endpoint["uid"]) == (ident, "after")
    assert repository.endpoint["_old"] == []


def test_after_a_rotation_both_keys_verify_for_a_day_and_then_the_new_one_alone(
    repository: Repository,
) -> None:
    with Receiver() as receiver:
        repository.write("signed", receiver.url())
        repository.reconcile()
        assert repository.run("test").code == 0
        repository.write("signed", receiver.url(), version="2")
        repository.env["HOOK_KEY"] = NEW_KEY
        repository.reconcile()
        assert repository.run("test").code == 0
        repository.server.skew = DAY + 1
        assert repository.run("test").code == 0
        found = [list_keys(request, KEY, NEW_KEY) for request in receiver.requests]
    assert found == [[KEY], [KEY, NEW_KEY], [NEW_KEY]]


def test_a_key_that_a_manifest_removes_is_replaced_by_one_of_svix(repository: Repository) -> None:
    with Receiver() as receiver:
        path = repository.write("signed", receiver.url())
        repository.reconcile()
        repository.remove_auth(path)
        repository.reconcile()
        repository.server.skew = DAY + 1
        assert repository.run("test").code == 0
        made = repository.endpoint["_key"]
        assert list_keys(receiver.requests[-1], KEY, made) == [made]


def test_more_rotations_than_svix_takes_in_a_day_are_an_error_with_its_text(
    repository: Repository,
) -> None:
    repository.write("signed")
    repository.reconcile()
    repository.endpoint["_old"] = [(KEY, 0.0)] * 5
    repository.write("signed", version="2")
    ended = repository.run("reconcile", "--yes")
    assert ended.code == 4
    assert "You can only rotate a key 5 times a day" in ended.out + ended.err
    assert "auth.secret" in repository.run("plan").out


def test_a_test_says_what_the_endpoint_answered(repository: Repository) -> None:
    with Receiver() as receiver:
        repository.write("good", receiver.url("/status/204"))
        repository.write("bad", receiver.url("/status/500"))
        every = repository.write("every", receiver.url("/status/202"))
        events = "[{type: user.signup}, {type: invoice.paid}]"
        every.write_text(every.read_text().replace(events, '[{type: "*"}]'))
        off = repository.write("off", receiver.url("/status/200"))
        off.write_text(off.read_text().replace("enabled: true", "enabled: false"))
        without = repository.write("without", receiver.url("/status/201"))
        without.write_text(without.read_text().replace(events, "[{type: without.example}]"))
        repository.reconcile()
        ended = repository.run("test", "-o", "json")
    found = {
        item["webhook"]: (item["verdict"], item["status_code"]) for item in ended.json["deliveries"]
    }
    assert found["good"] == ("delivered", 204)
    assert found["bad"] == ("receiver-error", 500)
    assert found["every"] == ("delivered", 202)
    assert found["without"] == ("rejected", None)
    assert ended.code == 8


def test_endpoints_made_by_hand_are_exported_and_adopted_and_keep_everything(
    repository: Repository,
) -> None:
    server = repository.server
    for number in range(4):
        ident = f"ep_{number:027}"
        server.endpoints[ident] = {
            **DEFAULTS,
            "id": ident,
            "uid": f"by-hand-{number}" if number % 2 else None,
            "url": f"https://hooks.example.com/{number}",
            "filterTypes": ["invoice.paid", "user.signup"] if number > 1 else None,
            "channels": ["b", "a"] if number == 3 else None,
            "metadata": {"team": "blue"},
            "createdAt": server.now(),
            "updatedAt": server.now(),
            "_key": KEY,
            "_old": [],
        }
    before = json.loads(json.dumps(server.endpoints))
    texts = repository.export_and_adopt()
    assert sum('"*"' in text or "'*'" in text for text in texts) == 2
    assert "No changes. 4 unchanged" in repository.run("plan").out
    for endpoint in server.endpoints.values():
        assert endpoint["metadata"].pop("team") == "blue"
        assert endpoint["metadata"]["reconciler.owner"] == "platform"
    for endpoints in (before, server.endpoints):
        for endpoint in endpoints.values():
            endpoint.pop("metadata")
            endpoint.pop("updatedAt")
    assert json.loads(json.dumps(server.endpoints)) == before


def test_what_svix_cannot_hold_is_an_error_with_its_place(repository: Repository) -> None:
    path = repository.write("oncall")
    text = path.read_text()
    for wrong, rule in (
        (text.replace("type: signature, secret", "type: bearer, token"), "provider/auth"),
        (text.replace("type: signature", "type: signature, scheme: product"), "provider/auth"),
        (
            text.replace("HOOK_KEY}, ", "HOOK_KEY}, previous: {fromEnv: HOOK_KEY}, "),
            "provider/auth",
        ),
        (text.replace("spec:\n", "spec:\n  name: On call\n"), "provider/name"),
        (text.replace("rateLimit: 20", "rate_limit: 20"), "provider/option"),
        (text.replace("rateLimit: 20", "channels: []"), "provider/option"),
        (text.replace("[{type: user.signup}, {type: invoice.paid}]", "[]"), "provider/event"),
    ):
        path.write_text(wrong)
        ended = repository.run("validate")
        assert ended.code == 1, wrong
        assert f"[{rule}]" in ended.err


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("[{type: user.signup}", '[{type: "*"}'), "the event * is all events"),
        (("example.com/oncall", "example.com"), "with a slash after the host"),
    ],
)
def test_what_svix_would_store_as_something_else_is_not_sent(
    repository: Repository, wrong: tuple[str, str], said: str
) -> None:
    path = repository.write("oncall")
    path.write_text(path.read_text().replace(*wrong))
    ended = repository.run("reconcile", "--yes")
    assert ended.code == 4
    assert said in ended.out
    assert "POST" not in {method for method, _ in repository.server.calls}
