"""Policy documents -> the organisation's rules, from the folder that they are read from, and what
they refuse in manifests.

A Policy among the PATHs that lies elsewhere is checked like one that counts, and holds for nobody.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

from reconciler.core.model.problem import Problem, Severity
from reconciler.core.model.webhook import Declared
from reconciler.manifests.decode.documents import Reading, read_file
from reconciler.manifests.decode.join import unique
from reconciler.manifests.decode.request import Request
from reconciler.manifests.files import paths
from reconciler.manifests.yaml.places import Document, pointer

if TYPE_CHECKING:
    from reconciler.core.safety.rules import Breach, Rule

FOLDER = "policies"


def read(
    request: Request,
    reading: Reading,
    tenant: Document | None,
    found: AbstractSet[str],
    *,
    whole: bool,
) -> tuple[Rule, ...]:
    """The rules of this run, read from their folder where they are not among what was `found`.

    Problems join those of `reading`.

    `tenant` is the Tenant manifest in use; `whole` says that the run reads more than single files.
    Those as of a revision come first: the ones of the work tree count only where it has none.
    Raises BadRequest and GitFailed, with a revision only.
    """
    given = request.policies.folder
    folder = (
        folder_of(given, tenant.file.folder if tenant else None)
        if request.policies.mode != "ignore"
        else None
    )
    if request.policies.revision is not None and request.policies.mode != "ignore":
        from reconciler.manifests.policies import base_policies  # noqa: PLC0415  only `--policies-at` asks git

        earlier = base_policies.read(
            request, reading, tenant.value["metadata"]["name"] if tenant is not None else None
        )
        if earlier:
            rules(reading.kinds["Policy"], folder, reading.problems)
            return earlier
    documents = list(reading.kinds["Policy"])
    if folder is not None:
        documents += _aside(folder, request, reading, found)
    made = rules(documents, folder, reading.problems)
    if request.policies.mode != "ignore" and given is None and len(reading.kinds["Tenant"]) < 2:
        reading.problems += [
            _unused(document) for document in documents if not lies_in(document, folder)
        ]
    if whole and not request.only_tenants:
        known = [
            document.value["metadata"].get("labels") or {} for document in reading.kinds["Webhook"]
        ]
        idle(
            [found for found in made if not reading.refused.may_match(None, found[1].labels)],
            known,
            reading.problems,
        )
    return tuple(rule for _, rule in made)


def _unused(document: Document) -> Problem:
    message, mend = (
        "the policy holds for no webhook: it lies outside of the folder of policies",
        "move it there, or --policies DIR",
    )
    return document.problem(
        ("metadata", "name"), "policies/unused", message, mend, severity="warning"
    )


def _aside(
    folder: str, request: Request, reading: Reading, found: AbstractSet[str]
) -> list[Document]:
    """The Policy documents of a folder in files that were not read yet; other kinds of ours are
    none of its business.
    """
    tree, aside, given = request.files.tree, Reading(only="Policy"), request.policies.folder
    if tree.kind(folder) is None:
        reading.problems.append(
            paths.problem(given or folder, "path/missing", "no such file or folder")
        )
        return []
    for file in paths.find((folder,), tree, aside.problems)[0]:
        if file.path not in found:
            read_file(file, request.files, aside)
    documents = aside.kinds["Policy"]
    inside = [document for document in reading.kinds["Policy"] if lies_in(document, folder)]
    if given is not None and not (
        documents
        or inside
        or any(told.severity == "error" for told in aside.problems + reading.problems)
    ):
        message = "no Policy was found"
        aside.problems.append(
            paths.problem(given, "policies/none", message, "is this the right folder?")
        )
    reading.problems += aside.problems
    reading.documents += aside.documents
    reading.skipped += aside.skipped
    return documents


def folder_of(given: str | None, tenant_folder: str | None) -> str | None:
    """The absolute path of the policies: as given, else beside the Tenant manifest in use, else
    here; None where none is.
    """
    here = os.getcwd()  # noqa: PTH109  strings, as all of this layer
    if given is not None:
        return os.path.abspath(given)  # noqa: PTH100  likewise
    beside = [
        f"{folder.rstrip('/')}/{FOLDER}" for folder in (tenant_folder, here) if folder is not None
    ]
    return next(filter(os.path.isdir, beside), None)


def lies_in(document: Document, folder: str | None) -> bool:
    """Whether a document was read from that folder, or is that file."""
    return folder is not None and (
        document.file.path == folder or document.file.path.startswith(f"{folder.rstrip('/')}/")
    )


def rules(
    documents: Sequence[Document], folder: str | None, problems: list[Problem]
) -> list[tuple[Document, Rule]]:
    """The rules that count, with their documents; what is wrong with any Policy joins
    `problems`.
    """
    counts = [document for document in documents if lies_in(document, folder)]
    others = [document for document in documents if not lies_in(document, folder)]
    for group in (counts, others):  # one folder may be another state of the other
        problems += unique(group, "policies/duplicate", "Policy")
    made = [(document, _rule(document, problems)) for document in documents]
    return [
        (document, rule)
        for document, rule in made
        if rule is not None and lies_in(document, folder)
    ]


def _rule(document: Document, problems: list[Problem]) -> Rule | None:
    from reconciler.core.safety.rules import Rule  # noqa: PLC0415  a run without policies never loads what judges them
    from reconciler.manifests.policies.policy_fields import unknown  # noqa: PLC0415  likewise
    from reconciler.manifests.policies.policy_schema import compiled  # noqa: PLC0415  likewise

    metadata, spec = document.value["metadata"], document.value["spec"]
    faults = compiled(spec["schema"])
    if isinstance(faults, list):
        for steps, message, mend in faults:
            problems.append(
                document.problem(("spec", "schema", *steps), "policies/schema", message, mend)
            )
        return None
    for steps, name, mend in unknown(spec["schema"]):
        message = (
            f"no planned webhook has a field {name[:60]!r} here: see reconciler schema "
            "planned-webhook"
        )
        at = ("spec", "schema", *steps)
        problems.append(
            document.problem(
                at, "policies/unknown-field", message, mend, severity="warning", key=True
            )
        )
    labels = spec.get("match", {}).get("matchLabels", {})
    return Rule(
        metadata["name"],
        spec["message"],
        spec.get("enforce", "deny"),
        labels,
        document.origin,
        faults,
    )


def idle(
    found: Iterable[tuple[Document, Rule]],
    labels: Sequence[dict[str, str]],
    problems: list[Problem],
) -> None:
    """A warning for each rule that looks at no webhook; `labels` are those of every Webhook that
    was read.
    """
    kinds = [dict(pairs) for pairs in {tuple(sorted(item.items())) for item in labels}]
    for document, rule in found:
        if kinds and not any(map(rule.looks_at, kinds)):
            message, mend = (
                "the policy matches no Webhook",
                "no Webhook among the paths has all these labels",
            )
            path = ("spec", "match", "matchLabels")
            problems.append(
                document.problem(path, "policies/no-match", message, mend, severity="warning")
            )


def judged(
    rules: Sequence[Rule], declared: Iterable[Declared], literals: AbstractSet[str]
) -> list[Problem]:
    """What the rules refuse of webhooks as they would be created, as problems of their
    manifests.
    """
    if not rules:
        return []
    from reconciler.core.safety.rules import breaches  # noqa: PLC0415  as above

    return [_problem(found) for item in declared for found in breaches(rules, item, literals)]


def _problem(found: Breach) -> Problem:
    severity: Severity = "error" if found.rule.enforce == "deny" else "warning"
    mend = f"the policy stands in {found.rule.origin}"
    return Problem(found.origin, pointer(found.path), found.rule.id, severity, found.message, mend)
