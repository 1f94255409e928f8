"""Style sheets, scripts and icons of a page, read once from the package."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_SHARED: Final = Path(__file__).parent / "static"
_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def read_files(own: Path) -> dict[str, tuple[bytes, str]]:
    """Content and media type by name: the shared files, and those of a page's own folder."""
    return {
        path.name: (path.read_bytes(), _TYPES[path.suffix])
        for folder in (_SHARED, own)
        for path in folder.iterdir()
        if path.suffix in _TYPES
    }
