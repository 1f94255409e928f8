"""The result of an export, as text, as a document, and as remarks for standard error."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from reconciler.rendering.counts import show_count
from reconciler.rendering.document import tenant_document
from reconciler.rendering.escape import terminal
from reconciler.rendering.paint import Paint

if TYPE_CHECKING:  # as in `wording.py`
    from reconciler.core.change import TenantRef
    from reconciler.core.export.exported import Export, Written


def export_document(tenant: TenantRef, export: Export, files: Sequence[Written]) -> dict[str, Any]:
    """`reconciler.export/v1`: one entry a webhook that was written; `variables` are those that new
    manifests reference.
    """
    return {
        "format": "reconciler.export/v1",
        "tenant": tenant_document(tenant),
        "summary": {
            "created": len(export.fresh),
            "updated": len(files) - len(export.fresh),
            "unchanged": export.unchanged,
            "absent": len(export.absent),
            "others": export.other_owners,
        },
        "files": [
            {
                "status": "updated" if file.fields else "created",
                "file": file.file,
                "line": file.line,
                "key": file.key,
                "name": file.name,
                "id": file.id,
                "fields": list(file.fields),
                "repository": file.mark.repository if file.mark is not None else None,
                "sources": list(file.mark.sources) if file.mark is not None else [],
            }
            for file in files
        ],
        "variables": _variables(files),
        "warnings": _warnings(export),
    }


def export_text(export: Export, files: Sequence[Written], *, color: bool = False) -> str:
    """One line a webhook that was written, then the summary."""
    paint = Paint(enabled=color)
    lines = []
    for file in files:
        sign, hue = ("~", "yellow") if file.fields else ("+", "green")
        fields = f": {', '.join(file.fields)}" if file.fields else ""
        place = f"{terminal(file.file)}:{file.line}" if file.fields else terminal(file.file)
        lines.append(
            f"{paint(hue, sign)} {place}  "
            f"{paint('bold', terminal(file.name))}{fields}{_describe_source(file)}"
        )
    summary = (
        f"Export: {len(export.fresh)} new, {len(files) - len(export.fresh)} changed, "
        f"{export.unchanged} unchanged"
    )
    suffix = f", {export.other_owners} of other owners left out" if export.other_owners else ""
    return "\n".join([*lines, *([""] if lines else []), paint("bold", f"{summary}{suffix}.")])


def _describe_source(file: Written) -> str:
    """The source of a webhook that no manifest declares, from its mark; "" without a mark."""
    if file.fields or file.mark is None:
        return ""
    sources = f" from {', '.join(map(terminal, file.mark.sources))}" if file.mark.sources else ""
    repository = (
        f" of repository {terminal(file.mark.repository)}"
        if file.mark.repository is not None
        else ""
    )
    return f"  (marked by owner {terminal(file.mark.owner)}{sources}{repository})"


def remarks(export: Export, files: Sequence[Written]) -> Iterator[str]:
    """What a person has to know: warnings, and the variables to set before a run that sends
    credentials.
    """
    for warning in _warnings(export):
        yield f"warning: {terminal(warning)}"
    names = _variables(files)
    if names:
        yield f"{show_count(len(names), 'variable')} to set, which these manifests reference:"
        yield from (f"  {name}" for name in names)


def _variables(files: Sequence[Written]) -> list[str]:
    return [name for file in files for name in file.variables]


def _warnings(export: Export) -> list[str]:
    absent = [
        f"{item.origin}: {item.spec.name} is not at the tenant; its manifest stays as it is"
        for item in export.absent
    ]
    return [*absent, *export.warnings]
