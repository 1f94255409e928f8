"""What an export wrote, as text, as a document, and as remarks for standard error."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from reconciler.render.counted import counted
from reconciler.render.document import tenant_document
from reconciler.render.escape import terminal
from reconciler.render.paint import Paint

if TYPE_CHECKING:  # as in `wording.py`
    from reconciler.core.change import TenantRef
    from reconciler.core.export.exported import Export, Written


def export_document(tenant: TenantRef, made: Export, files: Sequence[Written]) -> dict[str, Any]:
    """`reconciler.export/v1`: one entry a webhook that was written; `variables` are those that new
    manifests reference.
    """
    return {
        "format": "reconciler.export/v1",
        "tenant": tenant_document(tenant),
        "summary": {
            "created": len(made.fresh),
            "updated": len(files) - len(made.fresh),
            "unchanged": made.unchanged,
            "absent": len(made.absent),
            "others": made.others,
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
        "warnings": _warnings(made),
    }


def export_text(made: Export, files: Sequence[Written], *, color: bool = False) -> str:
    """One line a webhook that was written, then the summary."""
    paint = Paint(on=color)
    lines = []
    for file in files:
        sign, hue = ("~", "yellow") if file.fields else ("+", "green")
        fields = f": {', '.join(file.fields)}" if file.fields else ""
        place = f"{terminal(file.file)}:{file.line}" if file.fields else terminal(file.file)
        lines.append(
            f"{paint(hue, sign)} {place}  "
            f"{paint('bold', terminal(file.name))}{fields}{_whence(file)}"
        )
    summary = (
        f"Export: {len(made.fresh)} new, {len(files) - len(made.fresh)} changed, "
        f"{made.unchanged} unchanged"
    )
    others = f", {made.others} of other owners left out" if made.others else ""
    return "\n".join([*lines, *([""] if lines else []), paint("bold", f"{summary}{others}.")])


def _whence(file: Written) -> str:
    """Where a webhook that no manifest declares came from, as its mark says; "" where it has
    none.
    """
    if file.fields or file.mark is None:
        return ""
    sources = f" from {', '.join(map(terminal, file.mark.sources))}" if file.mark.sources else ""
    repository = (
        f" of repository {terminal(file.mark.repository)}"
        if file.mark.repository is not None
        else ""
    )
    return f"  (marked by owner {terminal(file.mark.owner)}{sources}{repository})"


def remarks(made: Export, files: Sequence[Written]) -> Iterator[str]:
    """What a person has to know beside it: warnings, and the variables to set before a run that
    sends credentials.
    """
    for warning in _warnings(made):
        yield f"warning: {terminal(warning)}"
    names = _variables(files)
    if names:
        yield f"{counted(len(names), 'variable')} to set, which these manifests reference:"
        yield from (f"  {name}" for name in names)


def _variables(files: Sequence[Written]) -> list[str]:
    return [name for file in files for name in file.variables]


def _warnings(made: Export) -> list[str]:
    absent = [
        f"{item.origin}: {item.spec.name} is not at the tenant; its manifest stays as it is"
        for item in made.absent
    ]
    return [*absent, *made.warnings]
