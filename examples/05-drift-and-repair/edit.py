"""Edits the example's webhook at the tenant, past Git, as a person with a token might do."""  # noqa: INP001  a script

from __future__ import annotations

import json
import os
import urllib.request
from typing import Any

BASE = "http://127.0.0.1:8080/public-api/v1"


def call(method: str, path: str, body: Any = None, **headers: str) -> Any:
    """One request with our token; the decoded answer."""
    headers |= {"Authorization": f"Bearer {os.environ['TENANT_TOKEN']}"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(BASE + path, data, headers, method=method)  # noqa: S310  a literal http url above
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  http or https
        return json.loads(answer.read())


def main() -> None:
    """Switches the webhook off and rewrites its description."""
    found = call("GET", "/webhooks?name=Payments%20on-call")["items"][0]
    change = {"enabled": False, "description": "edited by hand"}
    headers = {"Content-Type": "application/merge-patch+json", "If-Match": f'"{found["revision"]}"'}
    edited = call("PATCH", f"/webhooks/{found['id']}", change, **headers)
    print(f"{edited['name']}: enabled {edited['enabled']}, description {edited['description']!r}")  # noqa: T201  its output


if __name__ == "__main__":
    main()
