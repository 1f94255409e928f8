"""The plug-in of MLflow: how its REST API is spoken to.

Source: MLflow's REST API (`/api/2.0/mlflow/webhooks`), tried on the server of MLflow 3.17.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from reconciler.core.errors import BadAnswer
from reconciler.core.model.auth import get_credential
from reconciler.core.model.secret import Secret
from reconciler.core.model.webhook import Subscription, Webhook
from reconciler.core.results.cause import find_cause
from reconciler.core.results.reports import Delivery, Verdict
from reconciler.providers.driver.product import Product
from reconciler.providers.http.client import Client
from reconciler.providers.http.dialect import Dialect, name_rights
from reconciler.providers.http.resources import explain_missing, find, read_text, remove
from reconciler.providers.mlflow.capabilities import CAPABILITIES, MISSING, RIGHTS
from reconciler.providers.plugin import Held, Session

_PATH: Final = "/api/2.0/mlflow/webhooks"
_PAGE: Final = 100  # webhooks; the server takes up to 1,000
_NAMES: Final = {"name": "name", "url": "url", "description": "description", "enabled": "status"}


class MLflow(Product):
    """The plug-in. The token is `user:password` of MLflow's basic authentication."""

    capabilities = CAPABILITIES
    dialect = Dialect(prefix="Basic ", pair=True, fault=name_rights(RIGHTS))

    def session(self, http: Client, target: Mapping[str, Any]) -> Session:  # noqa: ARG002  MLflow has no parts
        """The calls of one server."""
        return Registry(http)


class Registry:
    """The webhooks of one server's model registry."""

    def __init__(self, http: Client) -> None:
        self._http = http

    async def held(self) -> AsyncIterator[Sequence[Held]]:
        """Every webhook."""
        token = ""
        while True:
            params: dict[str, str | int] = {
                "max_results": _PAGE,
                **({"page_token": token} if token else {}),
            }
            with explain_missing(MISSING):
                answer = await self._http.request("GET", _PATH, params=params, idempotent=True)
            items, following = _read_page(answer.body)
            yield [_read_webhook(item) for item in items]
            if not following:
                return
            if not items or following == token:
                raise BadAnswer("MLflow answered a list that never ends")
            token = following

    async def get(self, ident: str) -> Held | None:
        """One webhook."""
        body = await find(self._http, f"{_PATH}/{ident}")
        return None if body is None else _read_webhook(_read_object(body).get("webhook"))

    async def create(self, want: Webhook, key: str) -> Held:  # noqa: ARG002  MLflow takes no such key
        """A new webhook; MLflow takes a name twice, so a create is never repeated."""
        answer = await self._http.request("POST", _PATH, json=_make_body(want), idempotent=False)
        return _read_webhook(_read_object(answer.body).get("webhook"))

    async def update(self, held: Held, want: Webhook, changed: frozenset[str]) -> None:
        """Only what changed. Without `secret` MLflow keeps it; an empty one removes it."""
        body = _make_body(want)
        names = {_NAMES.get(field, field) for field in changed}
        sent = {name: value for name, value in body.items() if name in names}
        if "auth" in changed:
            sent["secret"] = body.get("secret", "")
        await self._http.request("PATCH", f"{_PATH}/{held.id}", json=sent, idempotent=True)

    async def delete(self, held: Held) -> None:
        """What is gone already counts as deleted."""
        await remove(self._http, f"{_PATH}/{held.id}")

    async def test(self, held: Held, want: Webhook, event: Subscription) -> Delivery:
        """MLflow answers 200 whatever the endpoint said; what it said stands in the body."""
        answer = await self._http.request(
            "POST",
            f"{_PATH}/{held.id}/test",
            json={"event": _write_event(event.type)},
            idempotent=False,
        )
        result = _read_object(_read_object(answer.body).get("result"))
        status = result.get("response_status")
        if isinstance(status, bool) or not isinstance(status, int):
            return Delivery(want.name, event, Verdict.REFUSED, detail="MLflow reached no endpoint")
        cause = find_cause(status, credential=get_credential(want.auth) is not None)
        return Delivery(want.name, event, cause.verdict, status, cause.text)


def _read_object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadAnswer("MLflow answered something else than an object")
    return value


def _read_page(value: object) -> tuple[list[object], str]:
    """The webhooks of a page, and where the next one begins; an empty list is left out."""
    body = _read_object(value)
    items = body.get("webhooks", [])
    if not isinstance(items, list):
        raise BadAnswer("MLflow answered something else than a list")
    return items, str(body.get("next_page_token") or "")


def _read_webhook(value: object) -> Held:
    """A webhook of MLflow; raises BadAnswer for another shape. Secrets never come back."""
    body = _read_object(value)
    try:
        spec = Webhook(
            name=read_text(body["name"]),
            url=read_text(body["url"]),
            description=read_text(body.get("description", "")),
            enabled=body["status"] == "ACTIVE",
            subscriptions=frozenset(
                Subscription(f"{item['entity']}.{item['action']}".lower(), None, None)
                for item in body["events"]
            ),
        )
        touched = str(body["last_updated_timestamp"])
        return Held(read_text(body["webhook_id"]), spec, touched=touched)
    except (KeyError, TypeError):
        raise BadAnswer("MLflow answered a webhook of another shape") from None


def _write_event(name: str) -> dict[str, str]:
    entity, _, action = name.upper().partition(".")
    return {"entity": entity, "action": action}


def _make_body(want: Webhook) -> dict[str, Any]:
    """A webhook as MLflow takes it. A `Secret` is revealed by the client, not here."""
    secret = get_credential(want.auth)
    return {
        "name": want.name,
        "url": want.url,
        "description": want.description,
        "status": "ACTIVE" if want.enabled else "DISABLED",
        "events": [_write_event(item) for item in sorted(s.type for s in want.subscriptions)],
        **({"secret": secret} if isinstance(secret, Secret) else {}),
    }


PLUGIN: Final = MLflow()
