"""Requests to a served tenant that no HTTP library sends: any bytes, any Host."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from typing import Any

from tests.support.processes import Tenant


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
