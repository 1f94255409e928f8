"""The plug-in of GitLab: how its REST API is spoken to.

Source: GitLab's REST API documentation. A hook has one flag per event, and `push_events` is on
unless it is sent. PUT needs the url; with a new url the token and the custom headers are gone. A
token and the value of a header never come back. PUT adds headers to those that a hook has.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from reconciler.core.errors import BadAnswer, NotFound, Rejected
from reconciler.core.model.auth import get_credential
from reconciler.core.model.options import is_hidden, list_secrets
from reconciler.core.model.secret import Secret, Withheld
from reconciler.core.model.webhook import Subscription, Use, Webhook
from reconciler.core.results.cause import find_cause
from reconciler.core.results.reports import Delivery, Verdict
from reconciler.providers.driver.delivery_log import Logged, count_use, read_time
from reconciler.providers.driver.places import find_members
from reconciler.providers.driver.product import Product
from reconciler.providers.gitlab.capabilities import (
    CAPABILITIES,
    EVENTS,
    FLEET,
    HEADER,
    MISSING,
    OPTIONS,
    RIGHTS,
)
from reconciler.providers.http.client import Client
from reconciler.providers.http.dialect import Dialect, name_rights
from reconciler.providers.http.resources import explain_missing, find, list_pages, read_text, remove
from reconciler.providers.plugin import Held, Session

_HEADERS: Final = "custom_headers"
_PAGE: Final = 100  # hooks; the most that GitLab gives
_LOG_PAGE: Final = 20  # events of a hook; the most that GitLab gives
_UNTESTED: Final = "GitLab could not deliver it; the recent events of the hook say why"


class GitLab(Product):
    """The plug-in. The token is an access token with the scope `api`."""

    capabilities = CAPABILITIES
    dialect = Dialect(limit=("ratelimit-remaining", "ratelimit-reset"), fault=name_rights(RIGHTS))

    def session(self, http: Client, target: Mapping[str, Any]) -> Session:
        """The calls of one project or group."""
        (kind, path), *_ = target.items()
        return Hooks(http, f"/api/v4/{kind}s/{quote(path, safe='')}/hooks")

    async def find_scopes(self, http: Client, target: Mapping[str, Any]) -> Sequence[str]:
        """The projects of a list, or those of a group and its subgroups by a rule."""

        def open_pages() -> AsyncIterator[list[dict[str, Any]]]:
            path = f"/api/v4/groups/{quote(target['group'], safe='')}/projects"
            own = {"include_subgroups": "true", "with_shared": "false"}
            return list_pages(http, path, _PAGE, params=own)

        with explain_missing(MISSING):
            return await find_members(target[FLEET], "path_with_namespace", open_pages)

    def make_scope_target(self, scope: str) -> Mapping[str, Any]:
        """One project."""
        return {"project": scope}


class Hooks:
    """The hooks of one project or group."""

    def __init__(self, http: Client, path: str) -> None:
        self._http, self._path = http, path

    async def held(self) -> AsyncIterator[Sequence[Held]]:
        """Every hook, until a page is short."""
        with explain_missing(MISSING):
            async for page in list_pages(self._http, self._path, _PAGE):
                yield [_read_hook(item) for item in page]

    async def get(self, ident: str) -> Held | None:
        """One hook."""
        body = await find(self._http, f"{self._path}/{ident}")
        return None if body is None else _read_hook(body)

    async def create(self, want: Webhook, key: str) -> Held:  # noqa: ARG002  GitLab takes no such key
        """A new hook; GitLab takes a url twice, so a create is never repeated."""
        answer = await self._http.request(
            "POST", self._path, json=_make_body(want), idempotent=False
        )
        return _read_hook(answer.body)

    async def update(self, held: Held, want: Webhook, changed: frozenset[str]) -> None:
        """Only what changed, and the url, which GitLab asks for. An empty token removes it."""
        body = _make_body(want)
        names = {"url", *changed}
        names |= set(EVENTS) if "events" in changed else set()
        names |= {*OPTIONS, _HEADERS} if "options" in changed else set()
        sent = {name: value for name, value in body.items() if name in names}
        if "auth" in changed:
            sent["token"] = body.get("token", "")
        path = f"{self._path}/{held.id}"
        await self._http.request("PUT", path, json=sent, idempotent=True)
        for name in held.spec.options.keys() - want.options.keys() if "options" in changed else ():
            await remove(self._http, f"{path}/{_HEADERS}/{name.removeprefix(HEADER)}")

    async def delete(self, held: Held) -> None:
        """What is gone already counts as deleted."""
        await remove(self._http, f"{self._path}/{held.id}")

    async def test(self, held: Held, want: Webhook, event: Subscription) -> Delivery:
        """A test of that event; what the endpoint answered stands in the hook's recent events."""
        path = f"{self._path}/{held.id}"
        try:
            await self._http.request("POST", f"{path}/test/{event.type}", idempotent=False)
        except Rejected:
            return Delivery(want.name, event, Verdict.REJECTED, detail=_UNTESTED)
        try:
            log = await self._http.request(
                "GET", f"{path}/events", params={"per_page": 1}, idempotent=True
            )
        except NotFound:  # a GitLab before 17.3 keeps no such list
            return Delivery(want.name, event, Verdict.DELIVERED)
        status = _read_status(log.body)
        if status is None:
            return Delivery(want.name, event, Verdict.REFUSED, detail=_UNTESTED)
        cause = find_cause(status, credential=get_credential(want.auth) is not None)
        return Delivery(want.name, event, cause.verdict, status, cause.text)

    async def find_use(self, held_id: str) -> Use | None:
        """The events of the last 24 hours in GitLab's log, which keeps seven days; None before
        GitLab 17.3. Tests are among them: the log does not tell them apart.
        """
        try:
            return await count_use(self._read_log(f"{self._path}/{held_id}/events"))
        except NotFound:
            return None

    async def _read_log(self, path: str) -> AsyncIterator[list[Logged]]:
        async for page in list_pages(self._http, path, _LOG_PAGE):
            yield [_read_logged(item) for item in page]


def _read_logged(item: Mapping[str, Any]) -> Logged:
    status = str(item.get("response_status", ""))
    return Logged(read_time(item.get("created_at")), status.startswith("2"))


def _read_status(body: object) -> int | None:
    """The status of the newest event; GitLab writes it as text, and words where no answer came."""
    if not isinstance(body, list) or not body or not isinstance(body[0], dict):
        return None
    text = str(body[0].get("response_status", ""))
    return int(text) if text.isascii() and text.isdecimal() and len(text) == 3 else None


def _read_hook(value: object) -> Held:
    """A hook of GitLab; raises BadAnswer for another shape. Names are null in older hooks."""
    try:
        body = dict(value) if isinstance(value, Mapping) else {}
        spec = Webhook(
            name=read_text(body.get("name") or ""),
            url=read_text(body["url"]),
            description=read_text(body.get("description") or ""),
            enabled=True,
            subscriptions=frozenset(
                Subscription(name, None, None) for name in EVENTS if body.get(name) is True
            ),
            options={
                name: part["default"] if body.get(name) is None else body[name]
                for name, part in OPTIONS.items()
            }
            | {f"{HEADER}{item['key']}": Withheld() for item in body.get(_HEADERS) or ()},
        )
        notes = (
            _read_health(body.get("alert_status"), body.get("disabled_until")),
            _find_unknown(body),
        )
        health = "; ".join(filter(None, notes))
        return Held(str(body["id"]), spec, touched=body.get("updated_at"), health=health)
    except (KeyError, TypeError):
        raise BadAnswer("GitLab answered a hook of another shape") from None


def _find_unknown(body: Mapping[str, Any]) -> str:
    """What the hook receives and this provider does not know. An update never sends such a flag."""
    flags = (name for name, value in body.items() if name.endswith("_events") and value is True)
    unknown = sorted(name for name in flags if name not in EVENTS)
    names = ", ".join(unknown)[:200]
    return f"it receives {names} too, unknown to this provider, and keeps it" if unknown else ""


def _read_health(status: object, until: object) -> str:
    """What GitLab did to a hook whose deliveries fail: 4 failures in a row pause it, 40 switch it
    off.
    """
    match status:
        case "temporarily_disabled":
            return f"GitLab delivers nothing to it until {str(until)[:40]}, after failures"
        case "disabled":
            return "GitLab switched it off after failures; a test that succeeds switches it on"
        case _:
            return ""


def _make_body(want: Webhook) -> dict[str, Any]:
    """A hook as GitLab takes it. A `Secret` is revealed by the client, not here."""
    secret = get_credential(want.auth)
    events = {item.type for item in want.subscriptions}
    headers = [
        {"key": name.removeprefix(HEADER), "value": value}
        for name, value in list_secrets(want.options).items()
    ]
    return {
        "name": want.name,
        "url": want.url,
        "description": want.description,
        **{name: name in events for name in EVENTS},
        **{name: value for name, value in want.options.items() if not is_hidden(value)},
        **({_HEADERS: headers} if headers else {}),
        **({"token": secret} if isinstance(secret, Secret) else {}),
    }


PLUGIN: Final = GitLab()
