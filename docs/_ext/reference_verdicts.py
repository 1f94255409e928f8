"""The verdicts of a delivery, from the list of causes."""

from __future__ import annotations

from markdown_table import code, plain, table

from reconciler.core.results.cause import Cause, find_cause
from reconciler.core.results.reports import Verdict


def _status_codes(verdict: Verdict) -> str:
    """Those that get it: a whole class such as 2xx, what others leave of one, or a list."""
    codes = [number for number in range(200, 600) if find_cause(number).verdict is verdict]
    if len(codes) > 10:
        return f"{'' if len(codes) == 100 else 'other '}{codes[0] // 100}xx"
    return ", ".join(map(str, codes))


def verdicts() -> str:
    """Every verdict with the status codes that get it, and what its detail can say."""
    rows = []
    for verdict in Verdict:
        details = [cause.text for cause in Cause if cause.verdict is verdict and cause.text]
        rows.append([code(verdict.value), _status_codes(verdict), plain("; ".join(details))])
    return table(["verdict", "status code", "detail"], rows)
