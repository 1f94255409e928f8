"""Push webhooks of GitHub, GitLab and Gitea (also Forgejo): whether one is genuine, and which ref
it moved. Pure: headers, body and time in, a value out.

Sources: "Validating webhook deliveries" of GitHub's documentation; "Webhooks" of GitLab's, with the
signing tokens (Standard Webhooks) that came in 2026; `services/webhook/deliver.go` of Gitea. A form
of GitHub is signed as it is sent, one of Gitea by the JSON in it.

A push only makes the agent look at Git sooner: nothing in it but the ref is used, and Git is asked
what is there. So an event that is no push is accepted and ignored. An answer of 400 would make
GitLab switch off a webhook that also sends others.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any, Final
from urllib.parse import parse_qs

from reconciler.core.model.secret import Secret
from reconciler.core.wire.revealed import make_mac

MAX_BODY: Final = 1024 * 1024
"""Bytes of a body. GitHub and GitLab send up to 25 MB, but a body has to be in memory before its
signature can be checked, and anybody can send one. What is refused is found at the next poll.
"""
TOLERANCE: Final = 300.0  # seconds that a signed timestamp may differ: Standard Webhooks
_FORM: Final = "application/x-www-form-urlencoded"
_REF: Final = re.compile(r"refs/[\x21-\x7e\u0080-\U0010ffff]{1,1000}")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_DELIVERY: Final = re.compile(r"[\x21-\x7e]{1,128}")


@dataclass(frozen=True, slots=True)
class Push:
    """A ref that moved. `commit` is where it is now, empty if the ref was deleted; `delivery` is
    the id of the delivery, empty if there is none.
    """

    ref: str
    commit: str
    delivery: str

    def is_of(self, branch: str) -> bool:
        """Whether it is the ref of that branch."""
        return self.ref == f"refs/heads/{branch}"


class PushRefused(Exception):
    """A delivery that is not accepted. Its text has nothing of the secret, a header or the body;
    `status` is that of the answer.
    """

    def __init__(self, status: int, reason: str) -> None:
        """`status` is 400, 401, 404 or 413."""
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True, repr=False)
class _Delivery:
    """One request; header names in lower case."""

    headers: Mapping[str, str]
    body: bytes
    now: float

    def header(self, name: str) -> str:
        return self.headers.get(name, "")

    @property
    def payload(self) -> bytes:
        """The JSON: the body, or what a form has in the field `payload`."""
        if self.header("content-type").partition(";")[0].strip().lower() != _FORM:
            return self.body
        try:
            fields = parse_qs(self.body.decode(), max_num_fields=10)
        except ValueError:
            raise PushRefused(400, "the form cannot be read") from None
        return fields.get("payload", [""])[0].encode()


@dataclass(frozen=True, slots=True)
class PushFormat:
    """How one forge sends: the headers that can prove the sender, the check of them, the header of
    the event, the events that are pushes, and the headers that can have the delivery's id.
    """

    proofs: tuple[str, ...]
    is_genuine: Callable[[_Delivery, Secret], bool]
    event: str
    pushes: frozenset[str]
    ids: tuple[str, ...]


def read_push(
    forge: str, headers: Mapping[str, str], body: bytes, secret: Secret, *, now: float
) -> Push | None:
    """The push that a delivery is about; None for a genuine delivery of another event, such as a
    ping. `now` is in epoch seconds.

    Raises PushRefused: 404 for a forge that is not known or has no secret, 413, 401, 400.
    """
    known = FORGES.get(forge)
    if known is None or not secret.is_resolved or secret == "":
        raise PushRefused(404, "no push webhooks are taken here")
    if len(body) > MAX_BODY:
        raise PushRefused(413, f"the body has more than {MAX_BODY} bytes")
    delivery = _Delivery({name.lower(): text for name, text in headers.items()}, body, now)
    if not any(delivery.header(name) for name in known.proofs):
        raise PushRefused(
            401, f"the delivery is not signed: {' or '.join(known.proofs)} is missing"
        )
    if not known.is_genuine(delivery, secret):
        raise PushRefused(401, "the signature or token does not match the secret")
    event = delivery.header(known.event)
    if not event:
        raise PushRefused(400, f"the header {known.event} is missing")
    return _read(delivery, known) if event in known.pushes else None


def _read(delivery: _Delivery, known: PushFormat) -> Push:
    try:
        body: Any = json.loads(delivery.payload)
    except (ValueError, RecursionError):
        raise PushRefused(400, "the body is not JSON") from None
    ref = body.get("ref") if isinstance(body, dict) else None
    commit = body.get("after") if isinstance(body, dict) else None
    if not isinstance(ref, str) or not _REF.fullmatch(ref):
        raise PushRefused(400, "the body has no ref")
    if not isinstance(commit, str) or not _COMMIT.fullmatch(commit):
        raise PushRefused(400, "the body has no commit")
    ids = (text for text in map(delivery.header, known.ids) if _DELIVERY.fullmatch(text))
    return Push(ref, commit if commit.strip("0") else "", next(ids, ""))


def _is_equal(sent: str, expected: str) -> bool:
    """In constant time."""
    return compare_digest(sent.encode(errors="surrogatepass"), expected.encode())


def _is_signed_by_github(delivery: _Delivery, secret: Secret) -> bool:
    expected = f"sha256={make_mac(secret, delivery.body).hex()}"
    return _is_equal(delivery.header("x-hub-signature-256"), expected)


def _is_signed_by_gitea(delivery: _Delivery, secret: Secret) -> bool:
    expected = make_mac(secret, delivery.payload).hex()
    return _is_equal(delivery.header("x-gitea-signature"), expected)


def _is_sent_by_gitlab(delivery: _Delivery, secret: Secret) -> bool:
    """By a secret token, which is sent as it is, or by a signing token. Only one of them is the
    secret, and either proves that the sender knows it.
    """
    token = delivery.header("x-gitlab-token")
    is_known = bool(token) and secret == Secret(token)  # two secrets compare in constant time
    return is_known or _has_standard_signature(delivery, secret)


def _has_standard_signature(delivery: _Delivery, secret: Secret) -> bool:
    stamp = delivery.header("webhook-timestamp")
    if not stamp.isascii() or not stamp.isdecimal() or len(stamp) > 12:
        return False
    if abs(delivery.now - int(stamp)) > TOLERANCE:
        return False
    text = f"{delivery.header('webhook-id')}.{stamp}.".encode(errors="surrogatepass")
    try:
        mac = make_mac(secret, text + delivery.body, is_encoded=True)
    except ValueError:  # a secret token
        return False
    expected = f"v1,{b64encode(mac).decode()}"
    return any(_is_equal(part, expected) for part in delivery.header("webhook-signature").split())


FORGES: Final[Mapping[str, PushFormat]] = {
    "github": PushFormat(
        proofs=("x-hub-signature-256",),
        is_genuine=_is_signed_by_github,
        event="x-github-event",
        pushes=frozenset({"push"}),
        ids=("x-github-delivery",),
    ),
    "gitlab": PushFormat(
        proofs=("x-gitlab-token", "webhook-signature"),
        is_genuine=_is_sent_by_gitlab,
        event="x-gitlab-event",
        pushes=frozenset({"Push Hook", "Tag Push Hook"}),
        ids=("webhook-id", "idempotency-key", "x-gitlab-event-uuid"),
    ),
    "gitea": PushFormat(
        proofs=("x-gitea-signature",),
        is_genuine=_is_signed_by_gitea,
        event="x-gitea-event",
        pushes=frozenset({"push"}),
        ids=("x-gitea-delivery",),
    ),
}
