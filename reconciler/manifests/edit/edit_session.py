"""The manifest files of one `export` while they are edited, and what has been edited in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from yaml.error import YAMLError

from reconciler.core.export.exported import Edit
from reconciler.core.model.webhook import Origin
from reconciler.manifests.edit.manifest_text import ManifestText
from reconciler.manifests.edit.splice import Change

_ADOPT: Final = "edit it by hand, or reconcile"


@dataclass(frozen=True, slots=True)
class DocumentRef:
    """A document: its position, and the keys of the webhooks that it declares or adds to."""

    path: str
    kind: str
    name: str
    line: int
    keys: frozenset[str]


@dataclass(slots=True)
class EditSession:
    """The files of a run, read when they are first needed, and the edits in them so far."""

    folder: Path
    texts: dict[str, ManifestText | None] = field(default_factory=dict)
    edited_fields: dict[tuple[DocumentRef, str], list[str]] = field(
        default_factory=lambda: defaultdict(list)
    )
    variables: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    warnings: list[str] = field(default_factory=list)

    def read_text(self, path: str) -> ManifestText | None:
        """The file, None if it cannot be read: standard input, or changed since it was loaded."""
        if path not in self.texts:
            try:
                self.texts[path] = ManifestText(Path(path).read_bytes())
            except (OSError, UnicodeDecodeError, YAMLError):
                self.texts[path] = None
        return self.texts[path]

    def read_spec(self, place: DocumentRef) -> dict[str, Any] | None:
        """The spec of a document, with the edits so far."""
        text = self.read_text(place.path)
        return None if text is None else text.get_spec(place.kind, place.name)

    def is_editable(self, place: DocumentRef) -> bool:
        """Whether a document lies in the folder and still exists."""
        return (
            Path(place.path).resolve().is_relative_to(self.folder)
            and self.read_spec(place) is not None
        )

    def change(self, place: DocumentRef, changes: Iterable[Change]) -> bool:
        """Makes all changes of a document, or none."""
        text = self.read_text(place.path)
        return (
            text is not None
            and self.is_editable(place)
            and text.change(place.kind, place.name, changes)
        )

    def warn_by_hand(self, edit: Edit, field_name: str, place: Origin | str | None = None) -> None:
        """Warns of a field that a person has to edit."""
        origin, name = place or edit.declared.origin, edit.live.spec.name
        self.warnings.append(f"{origin}: {name}: {field_name} differs; {_ADOPT}")
