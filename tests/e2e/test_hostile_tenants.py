"""Tenants that are none, or mean harm: a clear message, the right exit code, bounded time and
memory, and nothing written.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.providers.builders import LOST, Answering, Asked, Reply, problem, reply
from tests.providers.builders import webhook as held
from tests.support.processes import COMMAND, environment, run, tenant_manifest, webhook
from tests.support.receiver import Receiver
from tests.support.tls import Authority, TlsReceiver
from tests.support.wire import wire

TOKEN = "rct_hostile_5b1f7a90c2"
MEMORY = 400 * 1024  # KiB of resident memory at most, whatever a tenant sends
SECONDS = 30  # generous: a machine under load

MEASURED = """
import resource, subprocess, sys
ended = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(ended)
"""


def repo(folder: Path, url: str) -> Path:
    (folder / "tenant.yaml").write_text(tenant_manifest(url))
    (folder / "hook.yaml").write_text(webhook("hook"))
    return folder


def measured(*arguments: str, cwd: Path) -> tuple[int, str, str, int, float]:
    """Exit code, output, error output, peak of resident memory in KiB, and seconds of one
    command.
    """
    started = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-c", MEASURED, *COMMAND, *arguments],
        cwd=cwd,
        env=environment(TENANT_TOKEN=TOKEN),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    *lines, peak = ended.stderr.splitlines()
    return ended.returncode, ended.stdout, "\n".join(lines), int(peak), time.monotonic() - started


def raw(head: str, body: bytes = b"", *, again: bytes = b"") -> Reply:
    return Reply(raw=f"HTTP/1.1 {head}\r\n\r\n".encode("latin-1") + body, again=again)


def listed(**wrong: object) -> Answering:
    return lambda _asked: reply({"items": [held(1, **wrong)], "next_cursor": None})


def always(given: Reply | None) -> Answering:
    return lambda _asked: given


def paging(page: Callable[[int], dict[str, Any]]) -> Answering:
    numbers = count(1)
    return lambda _asked: reply(page(next(numbers)))


async def hanging(_asked: Asked) -> Reply | None:
    await asyncio.Event().wait()
    return None


JSON = "Content-Type: application/json"
BOMB = gzip.compress(b'{"items": [' + b" " * 200_000_000 + b'], "next_cursor": null}')
LONG = "x" * 7_000
CASES: dict[str, tuple[Answering, str]] = {
    "a web page": (always(Reply(200, b"<html>sign in</html>", media="text/html")), "a web page"),
    "an empty body": (always(Reply(200, b"")), "an empty answer"),
    "10 MB": (
        always(Reply(200, b'{"items": [], "next_cursor": null}' + b" " * 10_000_000)),
        "more than 8 MiB",
    ),
    "a body without end": (
        always(raw(f"200 OK\r\n{JSON}", b"{", again=b" " * 65536)),
        "more than 8 MiB",
    ),
    "a gzip bomb": (always(Reply(200, BOMB, {"Content-Encoding": "gzip"})), "not JSON"),
    "8 MB of empty lists": (always(Reply(200, b"[" + b"[]," * 2_700_000 + b"[]]")), "wrong shape"),
    "deep nesting": (always(Reply(200, b"[" * 4_000_000)), "not JSON"),
    "invalid JSON": (always(Reply(200, b'{"items": [')), "not JSON"),
    "invalid UTF-8": (always(Reply(200, b'{"items": [], "next_cursor": "\xff\xfe"}')), "not JSON"),
    "null": (always(reply(None)), "not JSON"),
    "a redirect": (
        always(Reply(302, b"", {"Location": "https://evil.example.net/"})),
        "redirects are not followed",
    ),
    "204": (always(Reply(204)), "wrong shape"),
    "404 of a web server": (
        always(Reply(404, b"<h1>Not Found</h1>", media="text/html")),
        "404 without a problem document",
    ),
    "418": (always(problem(418, "teapot")), "418"),
    "no cursor field of the right type": (
        always(reply({"items": [], "next_cursor": 7})),
        "/next_cursor: not a text",
    ),
    "one cursor for ever": (
        paging(lambda n: {"items": [held(n)], "next_cursor": "same"}),
        "never ends",
    ),
    "two cursors in turn": (
        paging(lambda n: {"items": [held(n)], "next_cursor": f"c{n % 2}"}),
        "never ends",
    ),
    "a new cursor for ever": (
        paging(lambda n: {"items": [held(n)], "next_cursor": f"c{n}"}),
        "never ends",
    ),
    "full pages for ever": (
        paging(
            lambda n: {
                "items": [held(n * 500 + k, description=LONG) for k in range(500)],
                "next_cursor": f"c{n}",
            }
        ),
        "never ends",
    ),
    "empty pages for ever": (paging(lambda n: {"items": [], "next_cursor": f"c{n}"}), "never ends"),
    "one webhook twice": (
        always(reply({"items": [held(1), held(1)], "next_cursor": None})),
        "twice",
    ),
    "items of no type": (
        always(reply({"items": {"a": 1}, "next_cursor": None})),
        "/items: not a list",
    ),
    "an id that leaves its path": (listed(id="../../admin"), "/items/0/id"),
    "a revision with a line end": (listed(revision="1\r\nX-Injected: 1"), "/items/0/revision"),
    "a name of no text": (listed(name=["x"]), "/items/0/name: not a text"),
    "a header without end": (
        always(Reply(raw=b"HTTP/1.1 200 OK\r\nX-Long: a", again=b"a" * 65536)),
        "connection was lost",
    ),
    "headers without end": (
        always(Reply(raw=b"HTTP/1.1 200 OK\r\n", again=b"X: a\r\n" * 9999)),
        "connection was lost",
    ),
    "the connection closed at once": (always(LOST), "connection was lost"),
    "another protocol": (
        always(Reply(raw=b"220 mail.example.com ESMTP\r\n")),
        "connection was lost",
    ),
    "half of a body": (
        always(raw(f"200 OK\r\n{JSON}\r\nContent-Length: 100", b'{"items"')),
        "connection was lost",
    ),
    "a body that drips": (
        always(raw(f"200 OK\r\n{JSON}\r\nContent-Length: 100000", b"{", again=b" ")),
        "did not answer within",
    ),
    "silence": (hanging, "did not answer within"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_server_that_is_no_tenant_is_reported_and_nothing_is_written(
    tmp_path: Path, case: str
) -> None:
    answer, why = CASES[case]
    bounds = ("--timeout", "0.7", "--deadline", "2") if "did not" in why or "lost" in why else ()
    with wire(answer) as server:
        folder = repo(tmp_path, server.url)
        code, out, err, peak, seconds = measured(
            "reconcile", ".", "--yes", "-o", "json", *bounds, cwd=folder
        )
        assert {asked.method for asked in server.asked} == {"GET"}
    assert code == 1, out + err
    assert why in json.loads(out)["message"]
    assert "Traceback" not in err
    assert TOKEN not in out + err
    assert peak < MEMORY
    assert seconds < SECONDS


def test_an_address_with_invalid_tls_is_reported_at_once_and_gets_no_token(
    tmp_path: Path,
) -> None:
    with Receiver() as plain, TlsReceiver(Authority()) as stranger:
        for url, why in (
            (
                plain.url("/api").replace("http:", "https:"),
                "the TLS handshake failed: is it a TLS server?",
            ),
            (stranger.url("/api"), "its TLS certificate is not trusted"),
        ):
            ended = run("plan", ".", cwd=repo(tmp_path, url), TENANT_TOKEN=TOKEN)
            assert ended.code == 1
            assert why in ended.err
        assert not any(
            request.header("Authorization") for request in (*plain.requests, *stranger.requests)
        )


def test_two_webhooks_of_one_wanted_name_are_a_violation_with_their_ids_and_nothing_is_written(
    tmp_path: Path,
) -> None:
    with wire(
        always(reply({"items": [held(1, name="hook"), held(2, name="hook")], "next_cursor": None}))
    ) as server:
        ended = run(
            "reconcile",
            ".",
            "--yes",
            "-o",
            "json",
            cwd=repo(tmp_path, server.url),
            TENANT_TOKEN=TOKEN,
        )
        assert {asked.method for asked in server.asked} == {"GET"}
    assert ended.code == 6
    violation = next(
        found for found in ended.json["violations"] if found["rule"] == "ambiguous-name"
    )
    assert "wh-1" in violation["message"]
    assert "wh-2" in violation["message"]


WRITES: dict[str, tuple[Reply | None, str]] = {
    "a web page": (Reply(200, b"<html>", media="text/html"), "bad-answer"),
    "an empty body": (Reply(201, b""), "bad-answer"),
    "204": (Reply(204), "bad-answer"),
    "10 MB": (Reply(201, b" " * 10_000_000), "bad-answer"),
    "a redirect": (Reply(307, b"", {"Location": "https://evil.example.net/"}), "bad-answer"),
    "wrong types": (reply({**held(1), "name": 7}, 201), "bad-answer"),
    "a 404 of a web server": (Reply(404, b"<html>", media="text/html"), "bad-answer"),
    "500 without end": (problem(500, "fault"), "tenant-fault"),
    "no answer": (LOST, "unreachable"),
    "422": (problem(422, "invalid"), "rejected"),
}


@pytest.mark.long
@pytest.mark.parametrize("case", WRITES)
def test_whatever_answers_a_write_every_change_has_an_outcome_and_no_delete_is_begun(
    tmp_path: Path, case: str
) -> None:
    given, kind = WRITES[case]
    mark = {"owner": "payments", "sources": ["hook.yaml"], "revision": None}
    live = [held(n, name=f"hook-{n}", managed_by={**mark, "key": f"hook-{n}"}) for n in (1, 2)]

    def answer(asked: Asked) -> Reply | None:
        return reply({"items": live, "next_cursor": None}) if asked.method == "GET" else given

    with wire(answer) as server:
        folder = repo(tmp_path, server.url)
        (folder / "second.yaml").write_text(webhook("hook-1"))
        ended = run("reconcile", ".", "--yes", "-o", "json", cwd=folder, TENANT_TOKEN=TOKEN)
        assert {asked.method for asked in server.asked} == {"GET", "POST", "PATCH"}
    assert ended.code == 4, ended.out + ended.err
    outcomes = {
        outcome["key"]: (outcome["status"], outcome["error"]["kind"])
        for outcome in ended.json["outcomes"]
    }
    assert outcomes == {
        "hook": ("failed", kind),
        "hook-1": ("failed", kind),
        "hook-2": ("skipped", "skipped"),
    }


def test_a_token_refused_in_mid_run_ends_it_with_exit_4_and_an_outcome_for_every_change(
    tmp_path: Path,
) -> None:
    posts = count()

    def answer(asked: Asked) -> Reply | None:
        if asked.method == "GET":
            return reply({"items": [], "next_cursor": None})
        return problem(401, "token") if next(posts) else reply({**held(1), **asked.body}, 201)

    with wire(answer) as server:
        folder = repo(tmp_path, server.url)
        for number in range(5):
            (folder / f"{number}.yaml").write_text(webhook(f"hook-{number}"))
        options = ("--yes", "-o", "json", "--parallelism", "1")
        ended = run("reconcile", ".", *options, cwd=folder, TENANT_TOKEN=TOKEN)
        assert len(server.asked) == 3
    assert ended.code == 4
    assert sorted(outcome["status"] for outcome in ended.json["outcomes"]) == [
        "created",
        "failed",
        *["skipped"] * 4,
    ]
