"""Problems of manifests in the form that was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.core.model.problem import Problem

DOCUMENTS: Final = frozenset({"json", "sarif", "junit", "github", "gitlab", "markdown"})
OF_REPOSITORY: Final = frozenset({"sarif", "github", "gitlab"})  # forms in which a path is the repository's
SPEAKING: Final = frozenset({"json", "github"})  # forms that a log shows anyway, so that it needs no text beside them


def rendered(  # noqa: PLR0911  one for each form
    output: str, problems: Iterable[Problem], documents: int, skipped: int, *, color: bool = False
) -> str:
    """The problems in one of the forms above, or as text. Each form imports only what it needs."""
    if output in OF_REPOSITORY and problems:
        problems = tuple(map(_of_repository, problems))
    match output:
        case "json":
            from reconciler.render import document as doc  # noqa: PLC0415  one form a run

            return doc.to_json(doc.problems_document(problems, documents, skipped))
        case "sarif":
            from reconciler import __version__  # noqa: PLC0415  likewise
            from reconciler.render.sarif import problems_sarif  # noqa: PLC0415  likewise

            return problems_sarif(problems, __version__)
        case "junit":
            from reconciler.render.junit import problems_junit  # noqa: PLC0415  likewise

            return problems_junit(problems, documents, skipped)
        case "github":
            from reconciler.render.github import problems_github  # noqa: PLC0415  likewise

            return problems_github(problems, documents, skipped)
        case "gitlab":
            from reconciler.render.gitlab import problems_gitlab  # noqa: PLC0415  likewise

            return problems_gitlab(problems)
        case "markdown":
            from reconciler.render.summary import problems_markdown  # noqa: PLC0415  likewise

            return problems_markdown(problems, documents, skipped)
    from reconciler.render.problems import problems_text  # noqa: PLC0415  likewise

    return problems_text(problems, documents, skipped, color=color)


def _of_repository(problem: Problem) -> Problem:
    """The same with its file relative to the repository's root, where a forge looks for it."""
    import os  # noqa: PLC0415  as above
    from dataclasses import replace  # noqa: PLC0415  likewise

    from reconciler.manifests.files.paths import work_tree  # noqa: PLC0415  likewise
    from reconciler.manifests.files.trees import STDIN, relative  # noqa: PLC0415  likewise

    path, root = os.path.abspath(problem.origin.file), work_tree()  # noqa: PTH100  strings, as the paths of manifests
    inside = problem.origin.file != STDIN and path.startswith(f"{root.rstrip('/')}/")
    return replace(problem, origin=replace(problem.origin, file=relative(path, root))) if inside else problem
