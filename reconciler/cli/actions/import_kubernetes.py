"""Writes manifests as objects of a cluster, and objects as manifests."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import jsonschema_rs

from reconciler.cli.run.fresh_files import write_fresh
from reconciler.core.errors import BadRequest, InvalidManifests
from reconciler.core.model.problem import Problem
from reconciler.crds.definitions import make_definitions
from reconciler.manifests import InputFiles, Request, TenantChoice, load
from reconciler.manifests.kubernetes import from_cluster, to_cluster
from reconciler.manifests.kubernetes.kubectl import (
    list_missing,
    print_create_commands,
    print_example,
    print_get_commands,
    print_kustomization,
)
from reconciler.manifests.kubernetes.layout import name_file, print_document
from reconciler.manifests.kubernetes.read import check_manifests, read_manifests, read_objects
from reconciler.manifests.schema_texts import load_schema
from reconciler.manifests.yaml.document import Document, make_pointer
from reconciler.manifests.yaml.reader import SIZE
from reconciler.providers import registry
from reconciler.rendering.counts import show_count

if TYPE_CHECKING:
    from reconciler.cli.commands.import_ import KubernetesOptions
    from reconciler.cli.terminal.console import Console

_NAMESPACE: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
Made = Iterable[tuple[Mapping[str, Any], Document]]


def import_kubernetes(console: Console, options: KubernetesOptions) -> None:
    """Writes files, or prints documents. Raises BadRequest, InvalidManifests before that."""
    if options.namespace is not None and not _NAMESPACE.fullmatch(options.namespace):
        raise BadRequest(f"--namespace {options.namespace}: no namespace can have this name")
    if options.out is not None:
        _check_out(options.out, options.paths)
    stdin = sys.stdin.buffer.read(SIZE + 1) if "-" in options.paths else None
    files = InputFiles(options.paths, stdin=stdin)
    (_reverse if options.reverse else _convert)(console, files, options)


def _check_out(out: str, paths: Iterable[str]) -> None:
    target = Path(out).resolve()
    for path in paths:
        if path != "-" and target.is_relative_to(Path(path).resolve()):
            raise BadRequest(f"{out} is inside {path}: a run of {path} would read both")


def _convert(console: Console, files: InputFiles, options: KubernetesOptions) -> None:
    choice = TenantChoice(lenient=True, check_each=True)
    load(Request(files=files, find=registry.capabilities, tenant=choice))  # as `validate`
    reading = read_manifests(files)
    made = to_cluster.convert(reading.kinds, options.namespace)
    _raise(made.problems, reading.documents, reading.skipped)
    problems = [*check_manifests(made.objects), *_check_limits(made.objects)]
    _raise(problems, reading.documents, reading.skipped)
    texts = _print(made.objects)
    beside = {"kustomization.yaml": print_kustomization(texts)}
    if example := print_example(made.secrets, options.namespace):
        beside["secrets.yaml.example"] = example
    _write(console, options.out, texts, beside, _describe(made, reading.skipped, options))


def _describe(made: to_cluster.Objects, skipped: int, options: KubernetesOptions) -> Iterable[str]:
    yield from (f"warning: left out: {text}" for text in made.left_out)
    yield from _show_skipped(skipped)
    yield f"Import: {show_count(len(made.objects), 'object')}."
    if missing := list_missing(made.secrets):
        count = len({(key.secret, key.is_of_operator) for key in missing})
        yield f"{show_count(count, 'Secret')} to create:"
        commands = print_create_commands(made.secrets, options.namespace)
        yield from (f"  {line}" for line in commands)
    if options.out is not None:
        yield f"Next: kubectl apply --kustomize {options.out.rstrip('/')}"


def _reverse(console: Console, files: InputFiles, options: KubernetesOptions) -> None:
    documents, problems = read_objects(files)
    _raise(problems, len(documents), 0)
    made = from_cluster.convert(documents, options.namespace)
    problems = [*made.problems, *check_manifests(made.documents)]
    _raise(problems, len(made.documents), made.skipped)
    said = [f"warning: left out: {text}" for text in made.left_out]
    said += _show_skipped(made.skipped)
    if not made.documents:
        raise BadRequest("\n".join(["there is no object to write as a manifest", *said]))
    said.append(f"Import: {show_count(len(made.documents), 'manifest')}.")
    if made.variables:
        what = show_count(len(made.variables), "variable")
        said.append(f"{what} to set, which these manifests reference:")
        namespace = options.namespace or made.namespace
        said += [f"  {line}" for line in print_get_commands(made.variables, namespace)]
    _write(console, options.out, _print(made.documents), {}, said)


def _show_skipped(skipped: int) -> list[str]:
    what = show_count(skipped, "document")
    return [f"left out: {what} of other kinds"] if skipped else []


def _raise(problems: Iterable[Problem], documents: int, skipped: int) -> None:
    found = tuple(sorted(problems, key=lambda each: (each.origin, each.pointer)))
    if any(problem.severity == "error" for problem in found):
        raise InvalidManifests(found, documents, skipped)


def _print(made: Made) -> dict[str, str]:
    """The texts by the names of their files."""
    return {
        name_file(value["kind"], value["metadata"]["name"]): print_document(value)
        for value, _ in made
    }


def _write(
    console: Console,
    out: str | None,
    texts: Mapping[str, str],
    beside: Mapping[str, str],
    said: Iterable[str],
) -> None:
    """Writes files and says what they are; without a folder the documents are the output."""
    if out is None:
        console.data("---\n".join(texts.values()))
        console.say("\n".join(said))
        return
    files = {**texts, **beside}
    write_fresh(out, files)
    lines = [f"+ {out.rstrip('/')}/{name}" for name in sorted(files)]
    console.data("\n".join([*lines, "", *said]))


def _check_limits(objects: Made) -> Iterable[Problem]:
    """What the definitions of a cluster allow less of than a manifest, such as long lists."""
    checks = {
        definition["spec"]["names"]["kind"]: jsonschema_rs.Draft202012Validator(
            definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        )
        for definition in make_definitions(load_schema)
    }
    for value, document in objects:
        for fault in checks[value["kind"]].iter_errors(dict(value)):
            where = make_pointer(tuple(fault.instance_path))
            word = str(fault.schema_path[-1])
            yield document.make_problem(
                (),
                "kubernetes/limit",
                f"{where} breaks {word} of the definition of a {value['kind']}",
                "reconciler schema crds prints the definitions",
            )
