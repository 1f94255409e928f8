"""What each product sends, and how a receiver verifies it as the product's documentation says."""

from __future__ import annotations

import hashlib
import hmac
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

TEXT_KEY, OTHER_TEXT = "hook-key-0123456789", "hook-key-9876543210"


KEY, OTHER_KEY = (
    "whsec_" + b64encode(text).decode()
    for text in (b"the first key of 32 bytes ......", b"the second key of 32 bytes .....")
)


SIGNED = "{type: signature, secret: {fromEnv: HOOK_KEY}}"


TOKEN = "{type: token, value: {fromEnv: HOOK_KEY}}"


ALLOW = ("--allow-network", "127.0.0.0/8")


OLD = 300  # seconds


Verify = Callable[[Mapping[str, str], bytes, str], bool]


def sign(key: str, text: bytes, algorithm: str = "sha256") -> str:
    return hmac.new(key.encode(), text, algorithm).hexdigest()


def verify_github(headers: Mapping[str, str], body: bytes, key: str) -> bool:
    """Validating webhook deliveries: over the body of the request, form or JSON."""
    is_right = hmac.compare_digest(headers["x-hub-signature-256"], f"sha256={sign(key, body)}")
    return is_right and headers["x-hub-signature"] == f"sha1={sign(key, body, 'sha1')}"


def verify_gitlab(headers: Mapping[str, str], _body: bytes, key: str) -> bool:
    """Webhooks, "Delivery headers": the token as it is."""
    return headers["x-gitlab-token"] == key


def verify_gitea(headers: Mapping[str, str], body: bytes, key: str) -> bool:
    """Webhooks: over the JSON, which is the field `payload` of a form."""
    if headers["content-type"] == "application/x-www-form-urlencoded":
        body = parse_qs(body.decode())["payload"][0].encode()
    names = ("x-gitea-signature", "x-gogs-signature")
    same = all(headers[name] == sign(key, body) for name in names)
    return same and headers["x-hub-signature-256"] == f"sha256={sign(key, body)}"


def verify_svix(headers: Mapping[str, str], body: bytes, key: str) -> bool:
    """Verifying Webhooks: the package of Standard Webhooks, which checks the age too."""
    names = ("id", "timestamp", "signature")
    try:
        Verifier(key).verify(body, {f"webhook-{name}": headers[f"svix-{name}"] for name in names})
    except WebhookVerificationError:
        return False
    return True


def verify_mlflow(headers: Mapping[str, str], body: bytes, key: str) -> bool:
    """Webhooks, "Signature verification": the key's text, and the age. The package of Standard
    Webhooks agrees, since only the names of the headers differ.
    """
    moment = headers["x-mlflow-timestamp"]
    signed = f"{headers['x-mlflow-delivery-id']}.{moment}.".encode() + body
    digest = hmac.new(key.encode(), signed, hashlib.sha256).digest()
    signature = f"v1,{b64encode(digest).decode()}"
    is_right = headers["x-mlflow-signature"] == signature
    is_new = abs(time.time() - int(moment)) <= OLD
    names = {"id": "delivery-id", "timestamp": "timestamp", "signature": "signature"}
    same = {f"webhook-{name}": headers[f"x-mlflow-{own}"] for name, own in names.items()}
    try:
        Verifier(key.encode()).verify(body, same)
    except WebhookVerificationError:
        assert not (is_right and is_new)
    return is_right and is_new


@dataclass(frozen=True)
class Case:
    """A product: its Tenant's words, a webhook of it, and how a receiver verifies. `identity` is the
    header by which a receiver knows a message again, if it can.
    """

    provider: str
    target: str
    event: str
    auth: str
    keys: tuple[str, str]
    verify: Verify
    expected: Mapping[str, str]
    identity: str = ""
    options: str = ""


CASES = {
    case.provider + case.options: case
    for case in (
        Case(
            "github",
            "{repository: acme/api}",
            "pull_request",
            SIGNED,
            (TEXT_KEY, OTHER_TEXT),
            verify_github,
            {
                "X-GitHub-Event": "pull_request",
                "Content-Type": "application/x-www-form-urlencoded",
                "User-Agent": "GitHub-Hookshot/reconciler",
            },
        ),
        Case(
            "github",
            "{organization: acme}",
            '"*"',
            SIGNED,
            (TEXT_KEY, OTHER_TEXT),
            verify_github,
            {"X-GitHub-Event": "ping", "Content-Type": "application/json"},
            options="content_type: json",
        ),
        Case(
            "gitlab",
            "{project: acme/api}",
            "merge_requests_events",
            TOKEN,
            (TEXT_KEY, OTHER_TEXT),
            verify_gitlab,
            {
                "X-Gitlab-Event": "Merge Request Hook",
                "X-Gitlab-Instance": "https://product.example.com",
            },
        ),
        Case(
            "gitea",
            "{repository: acme/api}",
            "issue_label",
            SIGNED,
            (TEXT_KEY, OTHER_TEXT),
            verify_gitea,
            {
                "X-Gitea-Event": "issues",
                "X-Gitea-Event-Type": "issue_label",
                "X-GitHub-Event": "issues",
                "Content-Type": "application/json",
            },
        ),
        Case(
            "gitea",
            "{repository: acme/api}",
            "push",
            SIGNED,
            (TEXT_KEY, OTHER_TEXT),
            verify_gitea,
            {"X-Gitea-Event": "push", "Content-Type": "application/x-www-form-urlencoded"},
            options="content_type: form",
        ),
        Case(
            "svix",
            "{application: acme}",
            "invoice.paid",
            SIGNED,
            (KEY, OTHER_KEY),
            verify_svix,
            {"Content-Type": "application/json"},
            identity="svix-id",
        ),
        Case(
            "mlflow",
            "",
            "model_version.created",
            SIGNED,
            (TEXT_KEY, OTHER_TEXT),
            verify_mlflow,
            {"Content-Type": "application/json"},
            identity="x-mlflow-delivery-id",
        ),
    )
}
