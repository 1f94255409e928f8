"""What the tenant answers when it refuses: RFC 9457 problem documents, each kind with a stable
`type`.

Raised as `Refusal` by every file of the tenant and turned into an answer by `endpoint.py`.
No text here quotes a value that was sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from starlette.responses import Response

MEDIA_TYPE: Final = "application/problem+json"

API: Final = {  # type: (status, title)
    "bad-request": (400, "The request cannot be understood"),
    "not-json": (400, "The body is not JSON"),
    "bad-cursor": (400, "The cursor is not one of this listing"),
    "unauthorized": (401, "No valid access token"),
    "scope": (403, "The access token lacks a scope"),
    "owner": (403, "The access token is for another owner"),
    "not-found": (404, "There is no such thing"),
    "method-not-allowed": (405, "The method is not allowed here"),
    "timeout": (408, "The request did not arrive in time"),
    "name-taken": (409, "Another webhook has this name"),
    "protected": (409, "The webhook is protected"),
    "disabled": (409, "The webhook is disabled"),
    "idempotency-in-progress": (
        409,
        "The first request with this Idempotency-Key is still running",
    ),
    "idempotency-gone": (409, "What this Idempotency-Key made is gone"),
    "event-id": (409, "Another event has this event_id"),
    "expired": (410, "The event is no longer kept"),
    "revision": (412, "The webhook has changed since"),
    "too-large": (413, "The body is too large"),
    "media-type": (415, "The media type is not supported"),
    "misdirected": (421, "This host is not served here"),
    "invalid": (422, "A field is at fault"),
    "idempotency": (422, "The Idempotency-Key was used with another body"),
    "revision-required": (428, "If-Match is required"),
    "rate": (429, "Too many requests"),
    "backlog": (429, "Too many deliveries are pending"),
    "damaged": (500, "The database is damaged"),
    "defect": (500, "A defect in the tenant"),
    "credential": (500, "The stored credential cannot be read"),
    "storage-full": (503, "The storage is full"),
    "storage": (503, "The storage cannot be used"),
    "busy": (503, "The storage is busy"),
    "not-running": (503, "Deliveries are not being sent"),
    "overloaded": (503, "Too many connections are open"),
}
PAGE: Final = {  # of the web page alone
    "signed-out": (401, "You are not signed in"),
    "link": (403, "This sign-in link cannot be used"),
    "origin": (403, "The request came from another site"),
    "csrf": (403, "The form cannot be trusted"),
    "draft": (410, "This form is no longer kept"),
}
STATUS: Final = {**API, **PAGE}


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field at fault: JSON pointer and what is wrong; never the value."""

    pointer: str
    detail: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A refusal as a value; `type` is a key of STATUS, `retry_after` whole seconds."""

    type: str
    detail: str = ""
    errors: tuple[FieldError, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """The HTTP status of this kind."""
        return STATUS[self.type][0]


class Refusal(Exception):
    """A request that is refused; `problem` is the answer."""

    def __init__(
        self,
        kind: str,
        detail: str = "",
        errors: Iterable[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`kind` is a key of STATUS."""
        super().__init__(kind)
        self.problem = Problem(kind, detail, tuple(errors), headers or {})


def make_invalid(errors: Iterable[FieldError]) -> Refusal:
    """422 with the fields at fault."""
    faults = tuple(errors)
    return Refusal(
        "invalid", "; ".join(f"{e.pointer or '/'} {e.detail}" for e in faults[:3]), faults
    )


def make_response(problem: Problem) -> Response:
    """The problem document as an answer."""
    status, title = STATUS[problem.type]
    body: dict[str, object] = {"type": problem.type, "title": title, "status": status}
    if problem.detail:
        body["detail"] = problem.detail
    if problem.errors:
        body["errors"] = [
            {"pointer": error.pointer, "detail": error.detail} for error in problem.errors[:100]
        ]
    content = json.dumps(body).encode("ascii")  # ASCII, so that any pointer at all can be written
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **problem.headers}
    return Response(content, status, headers, MEDIA_TYPE)
