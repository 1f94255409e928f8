"""Signatures, verified by code that is not ours and by the receiver that README shows."""

from __future__ import annotations

import re
import time
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from standardwebhooks import Webhook

from reconciler.core.model import limits
from reconciler.delivery.signing import make_signature
from reconciler.providers.http.faults import Sent
from tests.support.processes import ROOT
from tests.support.receiver import OLD_SIGNING_KEY, PRIVATE_KEY, SEED, SIGNING_KEY

BODY = '{"a": "Ä"}'.encode()


def make_headers(keys: str, *, message: str = "m-1", age: int = 0) -> dict[str, str]:
    moment = int(time.time()) - age
    signature = make_signature("standard", keys, message, moment, BODY)
    return {
        "webhook-id": message,
        "webhook-timestamp": str(moment),
        "webhook-signature": signature,
    }


@pytest.fixture
def accept() -> Callable[[str, dict[str, str], bytes], int]:
    text = (ROOT / "README.md").read_text()
    code = re.search(r"<!-- receiver -->\n```python\n(.*?)```", text, re.DOTALL)
    assert code is not None
    names: dict[str, Any] = {}
    exec(code[1], names)  # noqa: S102  the code that README shows
    found: Callable[[str, dict[str, str], bytes], int] = names["accept"]
    return found


def test_the_receiver_of_the_readme_accepts_each_message_once_and_nothing_old(
    accept: Callable[[str, dict[str, str], bytes], int],
) -> None:
    first = make_headers(SIGNING_KEY)
    assert accept(SIGNING_KEY, first, BODY) == 204
    assert accept(SIGNING_KEY, first, BODY) == 401
    assert accept(SIGNING_KEY, make_headers(SIGNING_KEY, message="m-2"), BODY) == 204
    assert accept(SIGNING_KEY, make_headers(SIGNING_KEY, message="m-3", age=301), BODY) == 401
    assert accept(OLD_SIGNING_KEY, make_headers(SIGNING_KEY, message="m-4"), BODY) == 401
    assert accept(SIGNING_KEY, make_headers(SIGNING_KEY, message="m-5"), BODY + b" ") == 401


def test_two_keys_make_two_signatures_and_each_receiver_finds_its_own() -> None:
    headers = make_headers(f"{SIGNING_KEY} {OLD_SIGNING_KEY}")
    assert len(headers["webhook-signature"].split(" ")) == 2
    for key in (SIGNING_KEY, OLD_SIGNING_KEY):
        assert Webhook(key).verify(BODY, headers) == {"a": "Ä"}


@pytest.mark.parametrize("key", [PRIVATE_KEY, "whsk_" + b64encode(SEED + b"p" * 32).decode()])
def test_an_ed25519_signature_is_verified_with_the_public_key(key: str) -> None:
    text = make_signature("standard-v1a", key, "m-1", 1_700_000_000, BODY)
    version, _, signature = text.partition(",")
    public = Ed25519PrivateKey.from_private_bytes(SEED).public_key()
    public.verify(b64decode(signature), b"m-1.1700000000." + BODY)
    assert version == "v1a"
    with pytest.raises(InvalidSignature):
        public.verify(b64decode(signature), b"m-1.1700000001." + BODY)


@pytest.mark.parametrize("scheme", ["product", "", "v1"])
def test_a_scheme_that_is_not_ours_is_not_signed(scheme: str) -> None:
    with pytest.raises(ValueError, match="does not sign by that scheme"):
        make_signature(scheme, SIGNING_KEY, "m", 1, b"")


@pytest.mark.parametrize(
    ("text", "scheme", "fault"),
    [
        (SIGNING_KEY, "standard", None),
        (f"{SIGNING_KEY} {OLD_SIGNING_KEY}", "standard", None),
        (PRIVATE_KEY, "standard-v1a", None),
        ("anything", "product", None),
        (PRIVATE_KEY, "standard", "must be whsec_ and base64"),
        ("whsec_" + b64encode(b"x" * 23).decode(), "standard", "of 24 to 64 bytes"),
        ("whsec_" + b64encode(b"x" * 65).decode(), "standard", "of 24 to 64 bytes"),
        ("whsec_!!!!", "standard", "must be whsec_ and base64"),
        (SIGNING_KEY, "standard-v1a", "must be whsk_ and base64"),
        ("whsk_" + b64encode(b"x" * 31).decode(), "standard-v1a", "32 or 64 bytes"),
        (f"{SIGNING_KEY} " * 2 + SIGNING_KEY, "standard", "one key, or two"),
        ("", "standard", "must have 1 to"),
    ],
)
def test_a_key_has_the_form_of_its_scheme(text: str, scheme: str, fault: str | None) -> None:
    found = limits.signing_keys(text, scheme)
    assert found == fault if fault is None else fault in str(found)


def test_a_message_that_has_one_of_two_keys_is_not_shown() -> None:
    sent = Sent("POST", "/webhooks", ({"auth": {"secret": f"{SIGNING_KEY} {OLD_SIGNING_KEY}"}},))
    assert sent.echoed_in(f"invalid key {OLD_SIGNING_KEY}")
    assert not sent.echoed_in("invalid key")
