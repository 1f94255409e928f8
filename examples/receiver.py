"""A webhook receiver to try things on: it prints each event that it gets.

Usage: `python3 receiver.py PORT TOKEN…`; it needs the standard library only. Several tokens are
taken alike, as during a rotation. It answers 401 to any other bearer token, 400 to another content
type than `application/json`, else 200.
"""  # noqa: INP001  a script to run, no module

from __future__ import annotations

import hmac
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """Answers one delivery."""

    def do_POST(self) -> None:
        """Checks content type and credential, then prints the kinds of the events."""
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        given = self.headers.get("Authorization", "").encode()
        if not any(
            hmac.compare_digest(given, f"Bearer {token}".encode()) for token in sys.argv[2:]
        ):
            status = 401
        elif self.headers.get("Content-Type") != "application/json":
            status = 400
        else:
            status = 200
            kinds = [event["event_kind"] for event in json.loads(body)["events"]]
            print("received", *kinds, flush=True)  # noqa: T201  its output
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
        """Nothing: only events are printed."""


if __name__ == "__main__":
    with ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler) as server:
        print(f"listening on port {sys.argv[1]}", flush=True)  # noqa: T201  its output
        server.serve_forever()
