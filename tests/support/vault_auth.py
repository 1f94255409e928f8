"""What a Vault's auth methods stand on: tokens that a CI signs, and the API of Kubernetes that
reviews tokens.
"""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64encode
from http.server import BaseHTTPRequestHandler
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa


def _part(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


class Issuer:
    """Signs JSON Web Tokens (RS256) as GitHub, GitLab and Kubernetes do; `public_pem` is what a
    Vault checks them with.
    """

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(65537, 2048)
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        self.public_pem = (
            self._key.public_key().public_bytes(serialization.Encoding.PEM, form).decode("ascii")
        )

    def token(self, *, lasts: int = 300, **claims: Any) -> str:
        """A token that lasts that many seconds from now."""
        now = int(time.time())
        body = {
            "iss": "https://ci.example.com",
            "iat": now,
            "nbf": now - 5,
            "exp": now + lasts,
            **claims,
        }
        signed = f"{_part(json.dumps({'alg': 'RS256', 'typ': 'JWT'}).encode())}.{_part(json.dumps(body).encode())}"
        return f"{signed}.{_part(self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def token_reviews(reviewer: str, known: dict[str, tuple[str, str]]) -> type[BaseHTTPRequestHandler]:
    """TokenReview of `authentication.k8s.io/v1`: `known` are tokens with namespace and name of
    their service account.

    It wants the reviewer's own token, answers 201 with a status, and calls an unknown token not
    authenticated.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.headers["Authorization"] != f"Bearer {reviewer}":
                self._answer(
                    401,
                    {
                        "kind": "Status",
                        "apiVersion": "v1",
                        "status": "Failure",
                        "reason": "Unauthorized",
                        "code": 401,
                    },
                )
                return
            assert self.path == "/apis/authentication.k8s.io/v1/tokenreviews"
            account = known.get(review["spec"]["token"])
            status: dict[str, Any] = {"authenticated": False, "error": "invalid bearer token"}
            if account is not None:
                user = f"system:serviceaccount:{account[0]}:{account[1]}"
                groups = [
                    "system:serviceaccounts",
                    f"system:serviceaccounts:{account[0]}",
                    "system:authenticated",
                ]
                status = {
                    "authenticated": True,
                    "user": {"username": user, "uid": "uid-1", "groups": groups},
                }
                status |= {
                    "audiences": review["spec"].get("audiences", ["https://kubernetes.default.svc"])
                }
            self._answer(
                201,
                {
                    "kind": "TokenReview",
                    "apiVersion": "authentication.k8s.io/v1",
                    "spec": review["spec"],
                    "status": status,
                },
            )

        def _answer(self, code: int, body: dict[str, Any]) -> None:
            data = json.dumps(body).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_args: Any) -> None:
            """Quiet."""

    return Handler


def service_account_claims(namespace: str, name: str) -> dict[str, Any]:
    """What a service account's own token says of it."""
    return {
        "iss": "https://kubernetes.default.svc.cluster.local",
        "aud": ["https://kubernetes.default.svc"],
        "sub": f"system:serviceaccount:{namespace}:{name}",
        "kubernetes.io": {"namespace": namespace, "serviceaccount": {"name": name, "uid": "uid-1"}},
    }
