"""What no HTTP library does with a served tenant: send any bytes and any Host, take a cookie apart."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from typing import Any

from tests.support.processes import Tenant

SECURE_COOKIE = {"httponly", "max-age=43200", "path=/", "samesite=lax", "secure"}


def send_text(tenant: Tenant, text: str, wait: float = 5.0) -> tuple[str, dict[str, Any]]:
    """What is answered to bytes: the status line, and the document, empty for a page."""
    with socket.create_connection(("127.0.0.1", tenant.port), timeout=wait) as client:
        client.sendall(text.replace("\n", "\r\n").encode())
        head, _, body = b"".join(iter(lambda: client.recv(65536), b"")).partition(b"\r\n\r\n")
    return head.decode().splitlines()[0], json.loads(body) if body.startswith(b"{") else {}


def read_status(tenant: Tenant, host: str, path: str = "/public-api/v1/healthz") -> int:
    request = urllib.request.Request(
        f"http://127.0.0.1:{tenant.port}{path}", headers={"Host": host}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def split_cookie(header: str) -> tuple[str, set[str]]:
    """The `name=value` of a Set-Cookie header, and its attributes in lower case."""
    pair, *attributes = (part.strip() for part in header.split(";"))
    return pair, {attribute.lower() for attribute in attributes}
