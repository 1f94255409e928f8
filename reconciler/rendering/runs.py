"""The results of a run over several tenants.

A heading and a summary for a terminal, one JSON document, one Markdown comment, one JUnit file.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Final

from reconciler.core.results.runs import Runs, TenantRun
from reconciler.rendering import document, markdown, summary
from reconciler.rendering.ci import junit
from reconciler.rendering.counts import show_count
from reconciler.rendering.escape import code, marker, prose, terminal

_ROOM: Final = 4_000  # characters of a comment that headings and notes may take


def heading(tenant: str, wave: int, note: str = "") -> str:
    """The line above the output of a tenant."""
    return f"== {terminal(tenant)} (wave {wave}){f': {note}' if note else ''} =="


def name_tenant(tenant: str, text: str) -> str:
    """A text with its tenant, which an error of the tenant names itself."""
    return terminal(text if text.startswith(f"tenant {tenant}: ") else f"{tenant}: {text}")


def runs_text(runs: Runs, *, color: bool = False) -> str:  # noqa: ARG001  the signature of a form
    """What came of each tenant that has no output of its own, the digest, and the summary."""
    reasons = [
        (run.tenant, run.error.message if run.error is not None else run.note) for run in runs.runs
    ]
    notes = [name_tenant(tenant, why) for tenant, why in reasons if why]
    digest = [f"digest {runs.digest}"] if runs.digest is not None else []
    return "\n".join(["", *notes, *digest, runs_summary(runs)])


def runs_summary(runs: Runs) -> str:
    """The last line: the number of tenants per exit code, with the names of those that did not end
    with 0.
    """

    def exit_number(run: TenantRun) -> int:
        return -1 if run.exit_code is None else run.exit_code

    sorted_runs = sorted(runs.runs, key=lambda run: (run.exit_code is None, exit_number(run)))
    parts = []
    for number, group in groupby(sorted_runs, exit_number):
        names = [terminal(run.tenant) for run in group]
        ending = {0: "done", -1: "not started"}.get(number, f"ended with {number}")
        parts.append(f"{len(names)} {ending}" + (f" ({', '.join(names)})" if number else ""))
    return f"{show_count(len(runs.runs), 'tenant')}: {', '.join(parts)}."


def _run(run: TenantRun) -> document.Document:
    body: document.Document = {"tenant": run.tenant, "wave": run.wave, "exit_code": run.exit_code}
    if run.plan is not None:
        body["plan"] = document.plan_document(run.plan)
    if run.report is not None:
        body["report"] = document.report_document(run.report)
    if run.test is not None:
        body["test"] = document.test_document(run.test)
    if run.drift is not None:
        body["drift"] = document.drift_document(run.drift)
    if run.error is not None:
        body["error"] = document.error_document(
            run.error.kind, run.error.message, run.exit_code or 0
        )
    return {**body, **({"note": run.note} if run.note else {})}


def runs_document(runs: Runs) -> document.Document:
    """`reconciler.runs/v1`: for each tenant the documents that its command would have ended
    with.
    """
    return {
        "format": "reconciler.runs/v1",
        "runs": [_run(run) for run in runs.runs],
        **({"digest": runs.digest} if runs.digest is not None else {}),
        "exit_code": runs.exit_code,
    }


def _parts(run: TenantRun, limit: int) -> Iterable[str]:
    """The results of a tenant, each without its own marker."""
    texts = [
        markdown.plan_markdown(run.plan, limit) if run.plan is not None else "",
        markdown.report_markdown(run.report, limit) if run.report is not None else "",
        summary.test_markdown(run.test, limit) if run.test is not None else "",
        markdown.drift_markdown(run.drift, limit=limit) if run.drift is not None else "",
    ]
    yield from (text.partition("\n")[2] for text in texts if text)
    title = "" if any(texts) else f"### {code(run.tenant)}\n\n"
    if run.error is not None:
        yield f"{title}**error**: {prose(run.error.message)}"
    if run.note:
        yield f"{title if run.error is None else ''}{prose(run.note)}"


def runs_markdown(runs: Runs) -> str:
    """One comment for all tenants: marker, summary, the digest of all plans, then each tenant with
    its share of the room.
    """
    parts = max(1, sum((run.report is not None) + (run.test is not None) or 1 for run in runs.runs))
    limit = max(1_000, (markdown.LIMIT - _ROOM) // parts)
    owners = ",".join(runs.owners)
    head = [
        f"<!-- reconciler:runs tenants=all owner={marker(owners)} -->",
        f"**{prose(runs_summary(runs))}**",
    ]
    digest = [f"`digest {runs.digest}`"] if runs.digest is not None else []
    return "\n\n".join(
        [*head, *digest, *(part for run in runs.runs for part in _parts(run, limit))]
    )


def runs_junit(runs: Runs) -> str:
    """The suites of every tenant, with its name; a failed case for a tenant that was not tested."""
    return junit.tests_junit(
        (run.tenant, run.test, run.error.message if run.error is not None else run.note)
        for run in runs.runs
    )
