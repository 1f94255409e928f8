"""The site that `make docs` builds of this folder: Markdown by MyST, the theme furo."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]

from reconciler import __version__  # noqa: E402  the line above finds it

project = "reconciler"
version = release = __version__
copyright = "the authors of webhook-reconciler; Apache-2.0"  # noqa: A001  Sphinx reads this name
extensions = ["myst_parser", "reference"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_ext", "man"]
html_theme = "furo"
html_title = f"reconciler {release}"
html_copy_source = False
html_show_sphinx = False
myst_heading_anchors = 4
myst_links_external_new_tab = False
highlight_language = "text"
# A `console` block holds outputs too, and an output with one quote in it is no shell.
suppress_warnings = ["misc.highlighting_failure"]
