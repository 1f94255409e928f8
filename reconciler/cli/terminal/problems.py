"""Problems of manifests in the form that was asked for."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from reconciler.core.model.problem import Problem
from reconciler.manifests.files.paths import find_work_tree
from reconciler.manifests.files.trees import STDIN, relative_path
from reconciler.rendering import forms

DOCUMENTS: Final = frozenset(forms.list_forms("problems")) - {"text"}
OF_REPOSITORY: Final = frozenset(
    {"sarif", "github", "gitlab"}
)  # forms in which a path is the repository's
SPEAKING: Final = frozenset(
    {"json", "github"}
)  # forms that a log shows anyway, so that it needs no text beside them


def rendered(
    output: str, problems: Iterable[Problem], documents: int, skipped: int, *, color: bool = False
) -> str:
    """The problems in one of the forms above, or as text."""
    if output in OF_REPOSITORY and problems:
        problems = tuple(map(_of_repository, problems))
    return forms.render("problems", output, problems, documents, skipped, color=color)


def _of_repository(problem: Problem) -> Problem:
    """The same with its file relative to the repository's root, where a forge looks for it."""
    path, root = os.path.abspath(problem.origin.file), find_work_tree()  # noqa: PTH100  strings, as the paths of manifests
    inside = problem.origin.file != STDIN and path.startswith(f"{root.rstrip('/')}/")
    return (
        replace(problem, origin=replace(problem.origin, file=relative_path(path, root)))
        if inside
        else problem
    )
