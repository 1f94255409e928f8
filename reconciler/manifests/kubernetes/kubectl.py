"""What belongs to objects beside them: commands that create or read their Secrets, an example of
the Secrets, and the kustomization. Nothing here has a value.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

from reconciler.core.export.manifest import format_scalar
from reconciler.manifests.kubernetes.layout import print_document
from reconciler.manifests.kubernetes.names import SecretKey, Use

OPERATOR_NAMESPACE: Final = "reconciler-system"  # as in deploy/base
_EXAMPLE: Final = (
    "# The Secrets that the objects reference, without values. Fill in the values outside of Git,\n"
    "# or let a tool such as External Secrets create these Secrets.\n"
)

Secrets = Mapping[SecretKey, Sequence[Use]]


def list_missing(secrets: Secrets) -> dict[SecretKey, Sequence[Use]]:
    """The keys that are to be created: those that no manifest had as a Secret."""
    return {key: uses for key, uses in secrets.items() if not uses[0].is_known}


def print_create_commands(secrets: Secrets, namespace: str | None) -> Iterator[str]:
    """Per Secret a command, below a comment per key with the reference of its value."""
    for (secret, is_of_operator), keys in _group(list_missing(secrets)):
        place = OPERATOR_NAMESPACE if is_of_operator else namespace
        words = ["kubectl create secret generic", secret]
        words += [f"--namespace {place}"] if place else []
        for key in keys:
            use = secrets[key][0]
            yield f"# {key.key}: {use.show()}  ({use.origin})"
            words.append(_make_option(key.key, use))
        yield " ".join(words)


def _group(keys: Iterable[SecretKey]) -> Iterator[tuple[tuple[str, bool], list[SecretKey]]]:
    for place, group in groupby(keys, lambda key: (key.secret, key.is_of_operator)):
        yield place, list(group)


def _make_option(key: str, use: Use) -> str:
    """The option that gives the value; VALUE if only a person can get it."""
    source, argument = next(iter(use.reference.items()))
    if source == "fromEnv":
        return f'--from-literal={key}="${argument}"'
    if source == "fromFile":
        path = posixpath.join(posixpath.dirname(use.origin.file), argument)
        return f"--from-file={key}={shlex.quote(posixpath.normpath(path))}"
    return f"--from-literal={key}=VALUE"


def print_get_commands(variables: Mapping[SecretKey, str], namespace: str | None) -> Iterator[str]:
    """Per variable a command that sets it to the value of its Secret."""
    option = f" --namespace {namespace}" if namespace else ""
    for key, name in sorted(variables.items(), key=lambda pair: pair[1]):
        path = key.key.replace(".", r"\.")
        get = f"kubectl get secret {key.secret}{option} -o jsonpath='{{.data.{path}}}'"
        yield f'export {name}="$({get} | base64 -d)"'


def print_example(secrets: Secrets, namespace: str | None) -> str:
    """The Secrets as manifests with empty values; "" if none is to be created."""
    texts = []
    for (secret, is_of_operator), keys in _group(list_missing(secrets)):
        place = OPERATOR_NAMESPACE if is_of_operator else namespace
        metadata = {"name": secret} | ({"namespace": place} if place else {})
        head = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque"}
        lines = [f'  {format_scalar(key.key)}: "" # {secrets[key][0].show()}\n' for key in keys]
        texts.append(f"{print_document(head)}stringData:\n{''.join(lines)}")
    return _EXAMPLE + "---\n".join(texts) if texts else ""


def print_kustomization(files: Iterable[str]) -> str:
    """The kustomization of these files, in their order."""
    lines = [f"  - {format_scalar(file)}\n" for file in files]
    return (
        "apiVersion: kustomize.config.k8s.io/v1beta1\n"
        "kind: Kustomization\n"
        f"resources:\n{''.join(lines)}"
    )
