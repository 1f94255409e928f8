"""Push webhooks: which deliveries of GitHub, GitLab and Gitea are genuine, and what is read of one."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from standardwebhooks import Webhook

from reconciler.continuous.forges.push import FORGES, MAX_BODY, Push, PushRefused, read_push
from reconciler.continuous.forges.replays import Replays
from reconciler.core.model.secret import Secret
from tests.stand_ins import gitea, github

KEY = "push-key-0123456789"
SIGNING_TOKEN = "whsec_" + b64encode(b"a-signing-token-of-gitlab-32-by.").decode()
NOW = 1_790_000_000.0
COMMIT = "da1560886d4f094c3e6c9ef40349f7d38b5d27d7"
ZERO = "0" * 40
BODY = json.dumps({"ref": "refs/heads/main", "before": ZERO, "after": COMMIT}).encode()

Headers = dict[str, str]


def sign_github(body: bytes, key: str = KEY) -> Headers:
    return {
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        "X-Hub-Signature-256": github.sign(key, body),
        "Content-Type": "application/json",
    }


def sign_gitea(body: bytes, key: str = KEY) -> Headers:
    return {
        "X-Gitea-Event": "push",
        "X-Gitea-Delivery": "f6266f16-1bf3-46a5-9ea4-602e06ead473",
        "X-Gitea-Signature": gitea.sign(key, body),
        "Content-Type": "application/json",
    }


def token_gitlab(_body: bytes, key: str = KEY) -> Headers:
    return {
        "X-Gitlab-Event": "Push Hook",
        "X-Gitlab-Event-UUID": "13792a34-cac6-4fda-95a8-c58e00a3954e",
        "Idempotency-Key": "f5e57ebe-07fb-4c5a-a1f7-d1bcb2bd7fd6",
        "X-Gitlab-Token": key,
        "Content-Type": "application/json",
    }


def sign_gitlab(body: bytes, key: str = SIGNING_TOKEN, at: float = NOW) -> Headers:
    """Signed by the package of Standard Webhooks, which GitLab's signing tokens follow."""
    headers = token_gitlab(body, "")
    del headers["X-Gitlab-Token"]
    ident = headers["Idempotency-Key"]
    signature = Webhook(key).sign(ident, datetime.fromtimestamp(at, UTC), body.decode())
    stamps = {"webhook-id": ident, "webhook-timestamp": str(int(at))}
    return headers | stamps | {"webhook-signature": signature}


WAYS: dict[str, tuple[str, Callable[..., Headers], str]] = {
    "github": ("github", sign_github, KEY),
    "gitlab-token": ("gitlab", token_gitlab, KEY),
    "gitlab-signing-token": ("gitlab", sign_gitlab, SIGNING_TOKEN),
    "gitea": ("gitea", sign_gitea, KEY),
}
way = pytest.mark.parametrize(("forge", "sign", "key"), WAYS.values(), ids=WAYS)
signed_way = pytest.mark.parametrize(
    ("forge", "sign", "key"), [WAYS[name] for name in WAYS if name != "gitlab-token"]
)


def read(forge: str, headers: Headers, body: bytes, key: str | None = KEY) -> Push | None:
    return read_push(forge, headers, body, Secret(key), now=NOW)


def refuse(forge: str, headers: Headers, body: bytes, key: str | None = KEY) -> int:
    """The status; the text has nothing of secret, headers and body."""
    with pytest.raises(PushRefused) as refused:
        read(forge, headers, body, key)
    text = f"{refused.value} {refused.value!r}"
    hidden = [key or "", "refs/heads", COMMIT, *headers.values()]
    assert not [value for value in hidden if len(value) > 8 and value in text]
    return refused.value.status


def test_each_forge_of_the_table_is_tested() -> None:
    assert {forge for forge, _, _ in WAYS.values()} == set(FORGES)


@way
def test_a_genuine_push_has_ref_commit_and_delivery(
    forge: str, sign: Callable[..., Headers], key: str
) -> None:
    headers = sign(BODY)
    push = read(forge, headers, BODY, key)
    assert push is not None
    assert (push.ref, push.commit) == ("refs/heads/main", COMMIT)
    assert push.delivery in headers.values()
    assert push.is_of("main")
    assert not push.is_of("production")


@way
def test_names_of_headers_have_any_case(forge: str, sign: Callable[..., Headers], key: str) -> None:
    headers = sign(BODY)
    expected = read(forge, headers, BODY, key)
    for change in (str.lower, str.upper):
        assert read(forge, {change(n): v for n, v in headers.items()}, BODY, key) == expected


@way
def test_a_wrong_secret_is_refused(forge: str, sign: Callable[..., Headers], key: str) -> None:
    other = "whsec_" + b64encode(b"another-token-of-gitlab-32-byte.").decode()
    assert refuse(forge, sign(BODY), BODY, other) == 401
    assert refuse(forge, sign(BODY), BODY, "other") == 401


@signed_way
def test_a_changed_body_is_refused(forge: str, sign: Callable[..., Headers], key: str) -> None:
    changed = BODY.replace(b"main", b"evil")
    assert refuse(forge, sign(BODY), changed, key) == 401


@pytest.mark.parametrize(
    "value",
    [
        "",
        "sha256=",
        "sha256=" + "0" * 64,
        "sha1=" + "0" * 40,
        "0" * 64,
        "v1,AAAA",
        "é\udcff",
        KEY[:-1],
    ],
)
@pytest.mark.parametrize(
    ("forge", "header", "key"),
    [
        ("github", "X-Hub-Signature-256", KEY),
        ("gitlab", "X-Gitlab-Token", KEY),
        ("gitlab", "webhook-signature", SIGNING_TOKEN),
        ("gitea", "X-Gitea-Signature", KEY),
    ],
)
def test_a_forged_or_empty_proof_is_refused(forge: str, header: str, key: str, value: str) -> None:
    signers = {"github": sign_github, "gitea": sign_gitea, "gitlab": token_gitlab}
    headers = sign_gitlab(BODY) if key == SIGNING_TOKEN else signers[forge](BODY)
    assert refuse(forge, {**headers, header: value}, BODY, key) == 401


@way
def test_a_delivery_without_proof_is_refused_and_says_what_is_missing(
    forge: str, sign: Callable[..., Headers], key: str
) -> None:
    proofs = FORGES[forge].proofs
    headers = {name: text for name, text in sign(BODY).items() if name.lower() not in proofs}
    with pytest.raises(PushRefused, match=f"{proofs[0]}.* is missing") as refused:
        read(forge, headers, BODY, key)
    assert refused.value.status == 401


@way
def test_the_proof_of_another_forge_counts_for_nothing(
    forge: str, sign: Callable[..., Headers], key: str
) -> None:
    for other in FORGES.keys() - {forge}:
        assert refuse(other, sign(BODY), BODY, key) == 401


def test_the_old_signature_of_github_is_not_enough() -> None:
    headers = sign_github(BODY)
    del headers["X-Hub-Signature-256"]
    headers["X-Hub-Signature"] = "sha1=" + hmac.new(KEY.encode(), BODY, hashlib.sha1).hexdigest()
    assert refuse("github", headers, BODY) == 401


@pytest.mark.parametrize("key", [None, ""])
def test_a_forge_without_a_secret_takes_nothing(key: str | None) -> None:
    assert refuse("github", sign_github(BODY, ""), BODY, key) == 404
    assert refuse("gitea", sign_gitea(BODY, ""), BODY, key) == 404
    assert refuse("gitlab", token_gitlab(BODY), BODY, key) == 404


@pytest.mark.parametrize("forge", ["bitbucket", "", "GitHub", "github/.."])
def test_an_unknown_forge_is_not_found(forge: str) -> None:
    assert refuse(forge, sign_github(BODY), BODY) == 404


@way
def test_a_large_body_is_refused_before_its_signature_is_checked(
    forge: str, sign: Callable[..., Headers], key: str
) -> None:
    large = json.dumps({"ref": "refs/heads/main", "after": COMMIT, "x": "y" * 10_000_000}).encode()
    assert refuse(forge, sign(large), large, key) == 413
    assert refuse(forge, {}, large, key) == 413
    fitting = BODY + b" " * (MAX_BODY - len(BODY))
    assert read(forge, sign(fitting), fitting, key) is not None


@way
@pytest.mark.parametrize(
    "body",
    [b"", b"ref=refs/heads/main", b"{", b"[" * 100_000, b"[]", b'"refs/heads/main"', b"{}"]
    + [
        json.dumps({"ref": ref, "after": after}).encode()
        for ref, after in [
            ("main", COMMIT),
            ("refs/heads/a b", COMMIT),
            (None, COMMIT),
            (["refs/heads/main"], COMMIT),
            ("refs/heads/" + "x" * 2000, COMMIT),
            ("refs/heads/main", None),
            ("refs/heads/main", "HEAD"),
            ("refs/heads/main", COMMIT[:20]),
        ]
    ],
)
def test_a_genuine_delivery_that_is_no_push_of_a_ref_is_a_bad_request(
    forge: str, sign: Callable[..., Headers], key: str, body: bytes
) -> None:
    assert refuse(forge, sign(body), body, key) == 400


@way
def test_another_branch_a_tag_and_a_sha_256_commit_are_read(
    forge: str, sign: Callable[..., Headers], key: str
) -> None:
    for ref in ("refs/heads/feature/é", "refs/tags/v1.0.0"):
        body = json.dumps({"ref": ref, "after": "a" * 64}).encode()
        push = read(forge, sign(body), body, key)
        assert push is not None
        assert (push.ref, push.commit) == (ref, "a" * 64)
        assert not push.is_of("main")


@way
def test_a_deleted_branch_has_no_commit(forge: str, sign: Callable[..., Headers], key: str) -> None:
    body = json.dumps({"ref": "refs/heads/main", "before": COMMIT, "after": ZERO}).encode()
    push = read(forge, sign(body), body, key)
    assert push is not None
    assert (push.ref, push.commit) == ("refs/heads/main", "")


@pytest.mark.parametrize(
    ("forge", "event"),
    [
        ("github", {"X-GitHub-Event": "ping"}),
        ("github", {"X-GitHub-Event": "issues"}),
        ("gitlab", {"X-Gitlab-Event": "Issue Hook"}),
        ("gitea", {"X-Gitea-Event": "delete"}),
    ],
)
def test_a_ping_and_other_events_are_accepted_and_ignored(forge: str, event: Headers) -> None:
    body = b'{"zen": "Speak like a human."}'
    signers = {"github": sign_github, "gitea": sign_gitea, "gitlab": token_gitlab}
    assert read(forge, signers[forge](body) | event, body) is None
    assert refuse(forge, signers[forge](body, "forged") | event, body) == 401


@way
def test_a_delivery_without_an_event_is_a_bad_request(
    forge: str, sign: Callable[..., Headers], key: str
) -> None:
    headers = {n: text for n, text in sign(BODY).items() if n.lower() != FORGES[forge].event}
    assert refuse(forge, headers, BODY, key) == 400


def test_a_form_of_github_is_signed_as_it_is_sent_and_one_of_gitea_by_its_json() -> None:
    form = urlencode({"payload": BODY}).encode()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert read("github", sign_github(form) | kind, form) is not None
    assert refuse("github", sign_github(BODY) | kind, form) == 401
    assert read("gitea", sign_gitea(BODY) | kind, form) is not None
    assert refuse("gitea", sign_gitea(form) | kind, form) == 401


@pytest.mark.parametrize("form", [b"other=1", b"payload=", b"\xff=1", b"&".join([b"a=1"] * 20)])
def test_a_form_without_a_payload_is_a_bad_request(form: bytes) -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    assert refuse("github", sign_github(form) | kind, form) == 400


@pytest.mark.parametrize("seconds", [-400, 400])
def test_an_old_or_early_signature_of_gitlab_is_refused(seconds: float) -> None:
    assert refuse("gitlab", sign_gitlab(BODY, at=NOW + seconds), BODY, SIGNING_TOKEN) == 401
    near = sign_gitlab(BODY, at=NOW + seconds / 4)
    assert read("gitlab", near, BODY, SIGNING_TOKEN) is not None


@pytest.mark.parametrize("stamp", ["", "-1", "1e9", "१७९", "9" * 5000])
def test_a_timestamp_that_is_none_is_refused(stamp: str) -> None:
    headers = sign_gitlab(BODY) | {"webhook-timestamp": stamp}
    assert refuse("gitlab", headers, BODY, SIGNING_TOKEN) == 401


def test_one_of_two_signatures_of_gitlab_is_enough() -> None:
    headers = sign_gitlab(BODY)
    headers["webhook-signature"] = f"v1,AAAA v2,x {headers['webhook-signature']}"
    assert read("gitlab", headers, BODY, SIGNING_TOKEN) is not None


@pytest.mark.parametrize("ident", ["", "a b", "x" * 200, "é"])
def test_an_unusable_id_of_a_delivery_is_none(ident: str) -> None:
    push = read("github", sign_github(BODY) | {"X-GitHub-Delivery": ident}, BODY)
    assert push is not None
    assert push.delivery == ""


def test_what_the_stand_in_of_github_delivers_is_read() -> None:
    """Over real HTTP, by its own code."""
    from tests.support.receiver import Receiver  # noqa: PLC0415  only this test needs a server

    hook: dict[str, Any] = {"deliveries": [], "config": {"secret": KEY}}
    with Receiver() as receiver:
        hook["config"]["url"] = receiver.url("/ok")
        github.send(hook, "ping")
        (request,) = receiver.requests
    headers = dict(request.headers)
    assert read_push("github", headers, request.body, Secret(KEY), now=time.time()) is None
    assert refuse("github", headers, request.body + b" ") == 401


def test_a_delivery_is_a_replay_until_it_is_forgotten() -> None:
    replays = Replays(seconds=10)
    assert not replays.is_replay("a", 0.0)
    assert replays.is_replay("a", 9.0)
    assert not replays.is_replay("b", 9.0)
    assert not replays.is_replay("a", 11.0)
    assert replays.is_replay("b", 12.0)


def test_deliveries_without_an_id_are_no_replays() -> None:
    replays = Replays()
    assert not replays.is_replay("", 0.0)
    assert not replays.is_replay("", 0.0)


def test_only_so_many_deliveries_are_remembered() -> None:
    replays = Replays(limit=3)
    assert not any(replays.is_replay(name, 0.0) for name in "abcd")
    assert replays.is_replay("d", 0.0)
    assert replays.is_replay("b", 0.0)
    assert not replays.is_replay("a", 0.0)
