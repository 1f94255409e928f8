"""Whether a tenant takes our token, for reading and for writing, and what its clock says.

Nothing is written: what a write needs is asked with a change of a webhook that there is not, whose
answer comes after the token and its scope were looked at (tenant-api: 401, 403, then 404).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

from reconciler.core.errors import NotFound, ProviderError, Unauthorized
from reconciler.core.results.finding import Finding
from reconciler.providers.http.client import Client

_MISSING: Final = "/webhooks/wh_doctor-asks-whether-it-may-write"
SKEW: Final = 60.0  # seconds that two clocks may differ before somebody should look


async def examine(client: Client, shown: str, wall: Callable[[], float]) -> tuple[Finding, ...]:
    """Reading, writing and the clock; `wall` is this machine's, in epoch seconds, and `shown` how
    the tenant is named.

    Without an answer there is but one finding.
    """
    before = wall()
    try:
        answer = await client.request("GET", "/webhooks", params={"limit": 1}, idempotent=True)
    except Unauthorized as error:
        return (
            Finding(
                "read",
                "failed",
                str(error),
                "give a token that is valid and has the scope Webhooks: Read",
            ),
        )
    except ProviderError as error:
        return (Finding("tenant", "failed", str(error), _advice(shown, error)),)
    after = wall()
    reached = Finding(
        "tenant",
        "ok",
        f"{client.shown} "
        f"answers{' over verified TLS' if client.shown.startswith('https:') else ''}",
    )
    read = Finding("read", "ok", "the token may read webhooks")
    return (reached, read, await _write(client), *_clock(answer.headers.get("date"), before, after))


def _advice(shown: str, error: ProviderError) -> str:
    if "TLS" in str(error):
        return "set SSL_CERT_FILE to the authority's certificate, or fix the tenant's certificate"
    return f"is {shown} the tenant's API, and can this machine reach it?"


async def _write(client: Client) -> Finding:
    kind = {"Content-Type": "application/merge-patch+json", "If-Match": '"none"'}
    try:
        await client.request("PATCH", _MISSING, json={}, headers=kind, idempotent=True)
    except NotFound:
        return Finding("write", "ok", "the token may write webhooks")
    except Unauthorized as error:
        return Finding(
            "write",
            "warning",
            str(error),
            "enough for plan; reconcile and test need the scope Webhooks: Write",
        )
    except ProviderError as error:
        return Finding(
            "write", "failed", str(error), "the tenant does not answer as its contract says"
        )
    return Finding(
        "write",
        "failed",
        "the tenant changed a webhook that there is not",
        "this is no tenant of the contract",
    )


def _clock(date: str | None, before: float, after: float) -> tuple[Finding, ...]:
    """How far the tenant's Date header, which has whole seconds, lies outside of the time of the
    request.
    """
    if date is None:
        return ()
    try:
        answered = parsedate_to_datetime(date)
    except ValueError:
        return (
            Finding(
                "clock",
                "warning",
                "the tenant's Date header is no date",
                "the clocks cannot be compared",
            ),
        )
    there = (answered if answered.tzinfo is not None else answered.replace(tzinfo=UTC)).timestamp()
    skew = there - after if there > after else min(there + 1 - before, 0)
    if abs(skew) <= SKEW:
        return (
            Finding(
                "clock",
                "ok",
                f"the tenant's clock and this machine's differ by less than {SKEW:g} s",
            ),
        )
    side = "ahead of" if skew > 0 else "behind"
    message = f"the tenant's clock is {abs(skew):,.0f} s {side} this machine's"
    return (
        Finding(
            "clock",
            "failed",
            message,
            "set both by NTP: tokens expire and events are dated by them",
        ),
    )
