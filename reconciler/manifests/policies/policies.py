"""Policy documents -> the organisation's rules, from their folder, and what they refuse in
manifests.

A Policy among the PATHs outside of that folder is checked like the others, but applies to no
webhook.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

from reconciler.core.model.problem import Problem, Severity
from reconciler.core.model.webhook import Declared
from reconciler.manifests.decode.documents import Reading, read_file
from reconciler.manifests.decode.join import check_unique
from reconciler.manifests.decode.request import Request
from reconciler.manifests.files import paths
from reconciler.manifests.files.trees import WORK_TREE, Snapshot, Tree
from reconciler.manifests.yaml.document import Document, make_pointer

if TYPE_CHECKING:
    from reconciler.core.safety.rules import Breach, Rule

FOLDER = "policies"


def read_policies(
    request: Request,
    reading: Reading,
    tenant: Document | None,
    read_paths: AbstractSet[str],
    *,
    reads_folders: bool,
) -> tuple[Rule, ...]:
    """The rules of this run. Their folder is read unless `read_paths` holds its files. Problems
    join those of `reading`.

    `tenant` is the Tenant manifest in use. `reads_folders`: the run reads more than single files.
    Rules at a revision come first: those of the work tree count only if the revision has none.
    Raises BadRequest and GitFailed, with a revision only.
    """
    policies_dir = request.policies.folder
    folder = (
        find_policy_folder(policies_dir, tenant.file.folder if tenant else None, request.files.tree)
        if request.policies.mode != "ignore"
        else None
    )
    if base_rules := _read_base_rules(request, reading, tenant):
        make_rules(reading.kinds["Policy"], folder, reading.problems)
        return base_rules
    documents = list(reading.kinds["Policy"])
    if folder is not None:
        documents += _read_policy_folder(folder, request, reading, read_paths)
    rules = make_rules(documents, folder, reading.problems)
    is_used = request.policies.mode != "ignore"
    if is_used and policies_dir is None and len(reading.kinds["Tenant"]) < 2:
        reading.problems += [
            _unused_problem(document)
            for document in documents
            if not is_in_folder(document, folder)
        ]
    if reads_folders and not request.only_tenants:
        _warn_of_idle_rules(rules, reading)
    return tuple(rule for _, rule in rules)


def _read_base_rules(
    request: Request, reading: Reading, tenant: Document | None
) -> tuple[Rule, ...]:
    """The rules at the revision of `--policies-at`; () without one."""
    if request.policies.revision is None or request.policies.mode == "ignore":
        return ()
    from reconciler.manifests.policies import base_policies  # noqa: PLC0415  only `--policies-at` asks git

    name = tenant.value["metadata"]["name"] if tenant is not None else None
    return base_policies.read_base_policies(request, reading, name)


def _warn_of_idle_rules(rules: Iterable[tuple[Document, Rule]], reading: Reading) -> None:
    """Warns of rules that match no webhook, unless they may match a refused one."""
    webhook_labels = [
        document.value["metadata"].get("labels") or {} for document in reading.kinds["Webhook"]
    ]
    candidates = [
        (document, rule)
        for document, rule in rules
        if not reading.refused_documents.may_match(None, rule.labels)
    ]
    warn_of_idle(candidates, webhook_labels, reading.problems)


def _unused_problem(document: Document) -> Problem:
    message, fix = (
        "the policy applies to no webhook: it is outside of the folder of policies",
        "move it there, or --policies DIR",
    )
    return document.make_problem(
        ("metadata", "name"), "policies/unused", message, fix, severity="warning"
    )


def _read_policy_folder(
    folder: str, request: Request, reading: Reading, read_paths: AbstractSet[str]
) -> list[Document]:
    """The Policy documents of a folder, from files that were not read yet. Other kinds are
    ignored.
    """
    tree, folder_reading, policies_dir = (
        request.files.tree,
        Reading(only_kind="Policy"),
        request.policies.folder,
    )
    if tree.find_kind(folder) is None:
        reading.problems.append(
            paths.path_problem(policies_dir or folder, "path/missing", "no such file or folder")
        )
        return []
    for file in paths.find_files((folder,), tree, folder_reading.problems)[0]:
        if file.path not in read_paths:
            read_file(file, request.files, folder_reading)
    documents = folder_reading.kinds["Policy"]
    known_documents = [
        document for document in reading.kinds["Policy"] if is_in_folder(document, folder)
    ]
    if policies_dir is not None and not (
        documents
        or known_documents
        or any(
            problem.severity == "error" for problem in folder_reading.problems + reading.problems
        )
    ):
        message = "no Policy was found"
        folder_reading.problems.append(
            paths.path_problem(policies_dir, "policies/none", message, "is this the right folder?")
        )
    reading.problems += folder_reading.problems
    reading.documents += folder_reading.documents
    reading.skipped += folder_reading.skipped
    return documents


def find_policy_folder(
    policies_dir: str | None, tenant_folder: str | None, tree: Tree = WORK_TREE
) -> str | None:
    """The absolute path of the policies: the argument, else beside the Tenant manifest in use, else
    in the current folder; None if there is none. A snapshot has no current folder.
    """
    if isinstance(tree, Snapshot) and policies_dir is None:
        beside = f"{tenant_folder}/{FOLDER}"
        return beside if tenant_folder and tree.find_kind(beside) == "folder" else None
    current_folder = os.getcwd()  # noqa: PTH109  this layer keeps paths as text
    if policies_dir is not None:
        return os.path.abspath(policies_dir)  # noqa: PTH100  this layer keeps paths as text
    candidates = [
        f"{folder.rstrip('/')}/{FOLDER}"
        for folder in (tenant_folder, current_folder)
        if folder is not None
    ]
    return next(filter(os.path.isdir, candidates), None)


def is_in_folder(document: Document, folder: str | None) -> bool:
    """Whether a document's file lies in that folder, or is that path."""
    return folder is not None and (
        document.file.path == folder or document.file.path.startswith(f"{folder.rstrip('/')}/")
    )


def make_rules(
    documents: Sequence[Document], folder: str | None, problems: list[Problem]
) -> list[tuple[Document, Rule]]:
    """The rules that count, with their documents. Problems of every Policy join `problems`."""
    counting = [document for document in documents if is_in_folder(document, folder)]
    ignored = [document for document in documents if not is_in_folder(document, folder)]
    for group in (counting, ignored):  # the two groups may be states of the same folder
        problems += check_unique(group, "policies/duplicate", "Policy")
    rules = [(document, _make_rule(document, problems)) for document in documents]
    return [
        (document, rule)
        for document, rule in rules
        if rule is not None and is_in_folder(document, folder)
    ]


def _make_rule(document: Document, problems: list[Problem]) -> Rule | None:
    from reconciler.core.safety.rules import Rule  # noqa: PLC0415  a run without policies never loads what judges them
    from reconciler.manifests.policies.policy_schema import compile_schema  # noqa: PLC0415  a run without policies never loads what judges them

    metadata, spec = document.value["metadata"], document.value["spec"]
    faults = compile_schema(spec["schema"])
    if isinstance(faults, list):
        for steps, message, fix in faults:
            problems.append(
                document.make_problem(("spec", "schema", *steps), "policies/schema", message, fix)
            )
        return None
    problems += _unknown_field_warnings(document)
    labels = spec.get("match", {}).get("matchLabels", {})
    return Rule(
        metadata["name"],
        spec["message"],
        spec.get("enforce", "deny"),
        labels,
        document.origin,
        faults,
    )


def _unknown_field_warnings(document: Document) -> Iterator[Problem]:
    """A warning per field in the rule's schema that no planned webhook has."""
    from reconciler.manifests.policies.policy_fields import find_unknown_fields  # noqa: PLC0415  a run without policies never loads what judges them

    for steps, name, fix in find_unknown_fields(document.value["spec"]["schema"]):
        message = (
            f"no planned webhook has a field {name[:60]!r} here: see reconciler schema "
            "planned-webhook"
        )
        path = ("spec", "schema", *steps)
        yield document.make_problem(
            path, "policies/unknown-field", message, fix, severity="warning", key=True
        )


def warn_of_idle(
    rules: Iterable[tuple[Document, Rule]],
    labels: Sequence[dict[str, str]],
    problems: list[Problem],
) -> None:
    """A warning per rule that matches no webhook; `labels` are those of every Webhook that was
    read.
    """
    kinds = [dict(pairs) for pairs in {tuple(sorted(item.items())) for item in labels}]
    for document, rule in rules:
        if kinds and not any(map(rule.looks_at, kinds)):
            message, fix = (
                "the policy matches no Webhook",
                "no Webhook among the paths has all these labels",
            )
            path = ("spec", "match", "matchLabels")
            problems.append(
                document.make_problem(path, "policies/no-match", message, fix, severity="warning")
            )


def judge_webhooks(
    rules: Sequence[Rule], declared: Iterable[Declared], literals: AbstractSet[str]
) -> list[Problem]:
    """What the rules refuse in webhooks as they would be created, as problems of their
    manifests.
    """
    if not rules:
        return []
    from reconciler.core.safety.rules import find_breaches  # noqa: PLC0415  a run without policies never loads what judges them

    return [
        _make_problem(breach)
        for item in declared
        for breach in find_breaches(rules, item, literals)
    ]


def _make_problem(breach: Breach) -> Problem:
    severity: Severity = "error" if breach.rule.enforce == "deny" else "warning"
    fix = f"the policy is in {breach.rule.origin}"
    return Problem(
        breach.origin, make_pointer(breach.path), breach.rule.id, severity, breach.message, fix
    )
