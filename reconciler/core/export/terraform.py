"""Live webhooks as Terraform's configuration: a resource and an `import` block each.

No credential is written: a resource takes it from a variable that is marked as sensitive. Source of
the attributes and of the ids to import: the documentation of the providers integrations/github and
gitlabhq/gitlab in Terraform's registry.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from reconciler.core.export.manifest import make_key
from reconciler.core.model.auth import get_credential
from reconciler.core.model.options import is_hidden
from reconciler.core.model.secret import Secret
from reconciler.core.model.webhook import Webhook

Attributes = list[tuple[str, Any]]
_SEQUENCES: Final = (("${", "$${"), ("%{", "%%{"), ("\\b", "\\u0008"), ("\\f", "\\u000c"))


@dataclass(frozen=True, slots=True)
class Resource:
    """One webhook: its type, its name in the configuration, the id to import, its attributes, and
    those of its block `configuration`, if it has one.
    """

    kind: str
    name: str
    ident: str
    attributes: Attributes
    configuration: Attributes


def make_hcl(
    provider: str, target: Mapping[str, Any], webhooks: Iterable[tuple[str, Webhook]]
) -> str:
    """The configuration of webhooks, each with its id; raises ValueError for a provider whose
    webhooks Terraform does not manage.
    """
    make = _MAKERS.get(provider)
    if make is None:
        raise ValueError(f"only webhooks of {', '.join(_MAKERS)} are known to Terraform here")
    parts: list[str] = []
    names: set[str] = set()
    for ident, spec in webhooks:
        name = _make_name(spec.name, ident, names)
        parts += _write(
            make(name, ident, dict(target), spec), get_credential(spec.auth) is not None
        )
    return "\n".join(parts)


def _make_name(shown: str, ident: str, names: set[str]) -> str:
    """A name that Terraform takes, each once."""
    own = shown if not shown.startswith("#") else ""  # how plans show a webhook without a name
    key = re.sub("[^a-z0-9]", "_", make_key(own, ""))
    name = key if key[:1].isalpha() else f"hook_{key or ident}"
    name = name if name not in names else f"{name}_{ident}"
    names.add(name)
    return name


def _make_github(name: str, ident: str, target: Mapping[str, Any], spec: Webhook) -> Resource:
    _, _, repository = str(target.get("repository", "")).partition("/")
    attributes: Attributes = [("repository", repository)] if repository else []
    attributes += [("active", bool(spec.enabled)), ("events", _list_events(spec))]
    config: Attributes = [("url", spec.url)]
    config += [
        ("content_type", spec.options.get("content_type", "form")),
        ("insecure_ssl", spec.options.get("insecure_ssl") == "1"),
        ("secret", _Variable(f"{name}_secret")),
    ]
    kind = "github_repository_webhook" if repository else "github_organization_webhook"
    path = f"{repository}/{ident}" if repository else ident
    return Resource(kind, name, path, attributes, config)


def _make_gitlab(name: str, ident: str, target: Mapping[str, Any], spec: Webhook) -> Resource:
    ((kind, path),) = target.items()
    events = _list_events(spec)
    attributes: Attributes = [(kind, path), ("url", spec.url)]
    attributes += [("name", spec.name)] if not spec.name.startswith("#") else []
    attributes += [("description", spec.description)] if spec.description else []
    attributes += [(event, True) for event in events]
    attributes += [] if "push_events" in events else [("push_events", False)]  # it is on by default
    attributes += sorted(
        (option, value)
        for option, value in spec.options.items()
        if value != "" and not is_hidden(value)
    )
    attributes.append(("token", _Variable(f"{name}_token")))
    return Resource(f"gitlab_{kind}_hook", name, f"{path}:{ident}", attributes, [])


_MAKERS: Final[Mapping[str, Callable[[str, str, Mapping[str, Any], Webhook], Resource]]] = {
    "github": _make_github,
    "gitlab": _make_gitlab,
}


@dataclass(frozen=True, slots=True)
class _Variable:
    name: str


def _list_events(spec: Webhook) -> list[str]:
    return sorted(item.type for item in spec.subscriptions)


def _write(resource: Resource, has_credential: bool) -> Iterator[str]:
    """The blocks of a resource; without a credential none is asked for."""
    head = f"{resource.kind}.{resource.name}"
    yield _block("import", [("to", _Raw(head)), ("id", resource.ident)])
    for _, value in (*resource.attributes, *resource.configuration):
        if has_credential and isinstance(value, _Variable):
            sensitive: Attributes = [("type", _Raw("string")), ("sensitive", True)]
            yield _block(f'variable "{value.name}"', sensitive)
    inner = _without(resource.configuration, has_credential)
    yield _block(
        f'resource "{resource.kind}" "{resource.name}"',
        _without(resource.attributes, has_credential),
        [_block("configuration", inner)] if inner else (),
    )


@dataclass(frozen=True, slots=True)
class _Raw:
    text: str


def _without(attributes: Attributes, has_credential: bool) -> Attributes:
    return [pair for pair in attributes if has_credential or not isinstance(pair[1], _Variable)]


def _block(head: str, attributes: Attributes, inner: Iterable[str] = ()) -> str:
    """A block as `terraform fmt` writes it."""
    width = max((len(name) for name, _ in attributes), default=0)
    lines = [f"{name:<{width}} = {_value(value)}" for name, value in attributes]
    for block in inner:
        lines += ["", *block.splitlines()]
    return "\n".join([f"{head} {{", *(f"  {line}".rstrip() for line in lines), "}"]) + "\n"


def _value(value: object) -> str:
    if isinstance(value, _Raw | _Variable):
        return value.text if isinstance(value, _Raw) else f"var.{value.name}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, int | float):
        return str(value)
    return _quote(value.shown if isinstance(value, Secret) else str(value))


def _quote(text: str) -> str:
    """A text without templates. JSON's escapes are Terraform's too, but for two."""
    quoted = json.dumps(text, ensure_ascii=False)
    for old, new in _SEQUENCES:
        quoted = quoted.replace(old, new)
    return quoted
