"""The findings of `doctor`, as text and as `reconciler.doctor/v1`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from reconciler.core.results.finding import Finding
from reconciler.rendering.document import to_json
from reconciler.rendering.escape import terminal


def _counts(findings: Sequence[Finding]) -> dict[str, int]:
    levels = [finding.status for finding in findings]
    return {level: levels.count(level) for level in ("ok", "warning", "failed")}


def doctor_text(findings: Sequence[Finding]) -> str:
    """One line a check, a hint below those that need one, then the summary."""
    lines = []
    for finding in findings:
        lines.append(f"{finding.status:8}{finding.check}: {terminal(finding.message)}")
        lines += [f"        hint: {terminal(finding.hint)}"] if finding.hint else []
    counts = _counts(findings)
    return "\n".join(
        [
            *lines,
            "",
            (
                f"Doctor: {counts['ok']} ok, {counts['warning']} to look at, "
                f"{counts['failed']} failed."
            ),
        ]
    )


def doctor_json(findings: Sequence[Finding]) -> str:
    """`reconciler.doctor/v1`: every check in the order of checking."""
    body = {"summary": _counts(findings), "checks": [asdict(finding) for finding in findings]}
    return to_json({"format": "reconciler.doctor/v1", **body})
