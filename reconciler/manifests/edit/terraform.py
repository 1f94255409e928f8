"""What `terraform show -json` says of webhooks -> manifests that declare them, and the `removed`
blocks by which Terraform forgets them without destroying them.

Values of secrets stand in a state in clear. None is read: a manifest gets a reference. Source of
the shapes: Terraform's "JSON output format" and the resources' documentation in the registry.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from reconciler.core.errors import BadRequest
from reconciler.core.export.manifest import format_scalar, make_key, make_manifest, make_stem
from reconciler.core.model.auth import Auth, NoAuth, SignatureAuth, TokenAuth
from reconciler.core.model.secret import Secret
from reconciler.core.model.webhook import Subscription, Webhook

Json = Mapping[str, Any]
_LABEL: Final = "scope"  # by which the Tenant of a repository or project selects its webhooks
_GITLAB_OPTIONS: Final = {
    "enable_ssl_verification": True,
    "push_events_branch_filter": "",
    "branch_filter_strategy": "wildcard",
    "custom_webhook_template": "",
}
_REPOSITORY: Final = re.compile(r"/repos/([^/]+/[^/]+)/hooks/")
_ORGANIZATION: Final = re.compile(r"/orgs/([^/]+)/hooks/")


@dataclass(frozen=True, slots=True)
class Found:
    """One resource: where its webhook is, and the webhook."""

    address: str
    provider: str
    target: tuple[str, str]
    spec: Webhook


@dataclass(slots=True, eq=False, repr=False)
class Imported:
    """The files to write by their names, the variables that their manifests reference, and what was
    left out, with the reason.
    """

    files: dict[str, str] = field(default_factory=dict)
    variables: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    webhooks: int = 0


def import_state(text: str, owner: str) -> Imported:
    """The manifests of a state; raises BadRequest for a text that is not one, or holds no webhook
    that is known here.
    """
    result = Imported()
    found = list(_list_webhooks(_read_state(text), result.left_out))
    if not found:
        kinds = "".join(f"; left out {reason}" for reason in result.left_out[:5])
        raise BadRequest(f"the state has no webhook of these kinds: {', '.join(_READERS)}{kinds}")
    keys: set[str] = set()
    tenants: dict[tuple[str, tuple[str, str]], str] = {}
    for item in found:
        place = item.provider, item.target
        if place not in tenants:
            tenants[place] = name = _make_free(_make_scope(*place), tenants.values())
            result.files[f"tenant-{name}.yaml"] = _make_tenant(*place, name, owner)
            keys.add(f"tenant-{name}")
    for item in found:
        _add_webhook(result, item, tenants[item.provider, item.target], keys)
    addresses = dict.fromkeys(_strip_index(item.address) for item in found)
    result.files["removed.tf"] = "".join(_REMOVED % address for address in addresses)
    return result


_REMOVED: Final = """removed {
  from = %s
  lifecycle {
    destroy = false
  }
}
"""


def _strip_index(address: str) -> str:
    """The address of a resource without the keys of `count` and `for_each`."""
    return re.sub(r'\[(?:"[^"]*"|[0-9]+)\]', "", address)


def _make_free(name: str, taken: Collection[str]) -> str:
    """The name, with a number if it is taken."""
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free


def _read_state(text: str) -> Json:
    try:
        state = json.loads(text)
        module: Json = state["values"]["root_module"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadRequest(
            "the file is not what terraform show -json prints: terraform show -json > state.json"
        ) from None
    if not isinstance(module, Mapping):
        raise BadRequest("the state has no resources")
    return module


def _list_webhooks(module: Json, left_out: list[str], depth: int = 0) -> Iterator[Found]:
    """The webhooks of a module and of those below it, in their order."""
    for resource in _list_mappings(module, "resources"):
        kind, address = resource.get("type"), str(resource.get("address", ""))
        reader = _READERS.get(kind) if resource.get("mode") == "managed" else None
        if reader is None:
            continue
        try:
            yield reader(address, resource["values"])
        except (KeyError, TypeError, ValueError, IndexError, AttributeError):
            left_out.append(f"{address}: its values are not those of a {kind}")
    for child in _list_mappings(module, "child_modules") if depth < 32 else ():
        yield from _list_webhooks(child, left_out, depth + 1)


def _list_mappings(module: Json, name: str) -> list[Json]:
    items = module.get(name)
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []


def _read_github(address: str, values: Json) -> Found:
    config, url = values["configuration"][0], str(values["url"])
    match = _REPOSITORY.search(url) or _ORGANIZATION.search(url)
    if match is None:
        raise ValueError(url)
    is_repository = match.re is _REPOSITORY
    spec = Webhook(
        name="",
        url=str(config["url"]),
        enabled=bool(values.get("active", True)),
        auth=_make_auth(config.get("secret"), lambda key: SignatureAuth("product", key)),
        subscriptions=frozenset(Subscription(str(name), None, None) for name in values["events"]),
        options={
            "content_type": str(config.get("content_type") or "form"),
            "insecure_ssl": "1" if config.get("insecure_ssl") in {True, "1", "true"} else "0",
        },
    )
    kind = "repository" if is_repository else "organization"
    return Found(address, "github", (kind, match[1]), spec)


def _read_gitlab(kind: str) -> Callable[[str, Json], Found]:
    def read(address: str, values: Json) -> Found:
        events = [name for name, value in values.items() if name.endswith("_events") and value]
        options = {
            name: default if values.get(name) is None else values[name]
            for name, default in _GITLAB_OPTIONS.items()
        }
        spec = Webhook(
            name=str(values.get("name") or ""),
            url=str(values["url"]),
            description=str(values.get("description") or ""),
            auth=_make_auth(values.get("token"), TokenAuth),
            subscriptions=frozenset(Subscription(name, None, None) for name in events),
            options={
                name: value for name, value in options.items() if value != _GITLAB_OPTIONS[name]
            },
        )
        return Found(address, "gitlab", (kind, str(values[kind])), spec)

    return read


_READERS: Final[Mapping[Any, Callable[[str, Json], Found]]] = {
    "github_repository_webhook": _read_github,
    "github_organization_webhook": _read_github,
    "gitlab_project_hook": _read_gitlab("project"),
    "gitlab_group_hook": _read_gitlab("group"),
}


def _make_auth(value: object, make: Callable[[Secret], Auth]) -> Auth:
    return make(Secret(None)) if value else NoAuth()


def _make_scope(provider: str, target: tuple[str, str]) -> str:
    return make_key(f"{provider}-{target[1]}", provider)


def _add_webhook(result: Imported, item: Found, scope: str, keys: set[str]) -> None:
    """Adds the manifest of a webhook; its key is the resource's name, with a number if it is
    taken.
    """
    base = make_key(item.spec.name or _strip_index(item.address).rpartition(".")[2], "webhook")
    key = _make_free(base, keys)
    keys.add(key)
    spec = item.spec if item.spec.name else _with_name(item.spec, key)
    manifest = make_manifest(spec, key, labels={_LABEL: scope}, stem=make_stem(key))
    result.files[f"{key}.yaml"] = manifest.text
    result.variables += manifest.variables
    result.webhooks += 1


def _with_name(spec: Webhook, name: str) -> Webhook:
    return Webhook(
        name,
        spec.url,
        spec.description,
        spec.enabled,
        spec.auth,
        spec.subscriptions,
        spec.options,
    )


_URLS: Final = {"github": "https://api.github.com", "gitlab": "https://gitlab.com"}


def _make_tenant(provider: str, target: tuple[str, str], name: str, owner: str) -> str:
    kind, path = target
    return (
        "apiVersion: webhooks.reconciler/v1\n"
        "kind: Tenant\n"
        f"metadata: {{name: {format_scalar(name)}}}\n"
        "spec:\n"
        f"  provider: {provider}\n"
        f"  url: {_URLS[provider]} # yours, if the product runs elsewhere\n"
        f"  token: {{fromEnv: {provider.upper()}_TOKEN}}\n"
        f"  owner: {format_scalar(owner)}\n"
        f"  target: {{{kind}: {format_scalar(path)}}}\n"
        f"  select: {{matchLabels: {{{_LABEL}: {format_scalar(name)}}}}}\n"
    )
