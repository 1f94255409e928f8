"""What looks like a credential where a name belongs, and which names do not."""

from __future__ import annotations

import base64
import random

import pytest

from reconciler.core.model.credential_shape import is_issued, is_random

NAMES = [
    "PAYMENTS_TOKEN", "S3_EU1_K8S_TOKEN", "TOKEN_2024_12_31", "payments-token",
    "PaymentsOnCallWebhookTokenV2", "secrets/token",
    "payments.token", "GITHUB_SHA256_TOKEN", "HOOK_0123456789", "K8S_NS1_S3_B2_EU_WEST_1_PROD_V2",
    "A1_B2_C3_D4_E5_F6_G7_H8",
    "bearer", "bearer_token", "basic-auth.txt", "desk_live_x", "task-live",
    "arn:aws:secretsmanager:eu-west-1:1:secret:a-a1b2c3",
]  # fmt: skip
ISSUED = [
    "sk-live-abc123", "sk_live_abcdef", "tokens/sk-ant-api03", "Bearer s3cret", "basic dTpw",
    "ghp_abcdefgh12",
    "AKIAIOSFODNN7EXAMPLE", "https://hooks.example.com/s3cret", "hvs.CAESIabcdefgh",
    "eyJhbGciOiJIUzI1NiJ9.eyJz",
    "xoxb-1234", "-----BEGIN RSA PRIVATE KEY",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_names_that_people_write_are_names(name: str) -> None:
    assert not is_issued(name)
    assert not is_random(name)


@pytest.mark.parametrize("text", ISSUED)
def test_what_an_issuer_hands_out_is_known_by_its_form(text: str) -> None:
    assert is_issued(text)


def test_what_is_drawn_by_chance_is_nearly_always_seen() -> None:
    chance = random.Random(1)
    drawn = [chance.randbytes(24) for _ in range(500)]
    for encode, share in (
        (bytes.hex, 0.97),
        (lambda data: base64.urlsafe_b64encode(data + data[:8]).decode(), 0.97),
    ):
        assert sum(is_random(encode(data)) for data in drawn) >= share * len(drawn)
