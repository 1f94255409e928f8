"""What stands where in a webhook of a product, as its product file says: reading and writing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from reconciler.core.errors import BadAnswer
from reconciler.core.model.auth import Auth, NoAuth, get_credential, make_auth
from reconciler.core.model.pointer import (
    MISSING,
    read_pointer,
    remove_pointer,
    split_pointer,
    write_pointer,
)
from reconciler.core.model.product import EVERY_EVENT, NO_MARK, Product
from reconciler.core.model.secret import Secret, Withheld
from reconciler.core.model.webhook import Subscription, Webhook
from reconciler.providers.plugin import Held

_MARK: Final = "[reconciler "


class Fields:
    """Reads and writes the webhooks of one product file."""

    def __init__(self, file: Product) -> None:
        self._name, self._spec = file.capabilities.provider, file.spec
        self._where: Mapping[str, Any] = file.spec["fields"]
        self._options: Mapping[str, Mapping[str, Any]] = file.spec.get("options", {})
        self._auth: Mapping[str, Any] = file.spec.get("auth", {})
        self._mark: str | None = None if file.spec["mark"] == NO_MARK else file.spec["mark"]

    def read(self, body: object) -> Held:
        """A webhook; raises BadAnswer where the file points outside the answer."""
        times = self._spec.get("times", {})
        spec = Webhook(
            name=self._text(body, self._where.get("name")),
            url=self._needed(body, self._where["url"], str),
            description=self._read_description(body),
            enabled=self._read_enabled(body),
            auth=self._read_auth(body),
            subscriptions=frozenset(
                Subscription(name, None, None) for name in self._read_events(body)
            ),
            options=self._read_options(body),
        )
        ident = read_pointer(body, self._spec["id"])
        if isinstance(ident, bool) or not isinstance(ident, str | int) or ident == "":
            raise self._outside(self._spec["id"])
        return Held(
            str(ident),
            spec,
            touched=self._text(body, times.get("touched")) or None,
            created=self._text(body, times.get("created")) or None,
        )

    def _outside(self, pointer: str) -> BadAnswer:
        return BadAnswer(
            f"{self._name}: a webhook of the answer has no usable {pointer}, where its product "
            "file points"
        )

    def _needed(self, body: object, pointer: str, kind: type) -> Any:
        value = read_pointer(body, pointer)
        if not isinstance(value, kind):
            raise self._outside(pointer)
        return value

    def _text(self, body: object, pointer: str | None) -> str:
        """A text that may be null, or missing as in a webhook made by hand."""
        value = read_pointer(body, pointer) if pointer else None
        return "" if value is None or value is MISSING else str(value)

    def _read_description(self, body: object) -> str:
        """The description with the mark as its last line, wherever the product has the two."""
        mark, description = self._mark, self._where.get("description")
        texts = [self._text(body, description)] if description not in {None, mark} else []
        texts.append(self._text(body, mark))
        return "\n".join(text for text in texts if text)

    def _read_enabled(self, body: object) -> bool:
        where = self._where.get("enabled")
        if where is None:
            return True
        if isinstance(where, str):
            return bool(self._needed(body, where, bool))
        value = read_pointer(body, where["at"])
        if value is MISSING:
            raise self._outside(where["at"])
        return bool(value == where["on"])

    def _read_auth(self, body: object) -> Auth:
        if "has" not in self._auth or not read_pointer(body, self._auth["has"]):
            return NoAuth()
        value = read_pointer(body, self._auth["has"])
        texts = {"scheme": self._auth.get("scheme", "product")}
        return NoAuth() if value is MISSING else make_auth(self._auth["type"], texts, Withheld())

    def _read_events(self, body: object) -> list[str]:
        where = self._where["events"]
        if "all" in where and self._needed(body, where["all"], bool):
            return [EVERY_EVENT]
        if "flags" in where:
            flags = where["flags"].items()
            return [name for name, pointer in flags if read_pointer(body, pointer) is True]
        items = self._needed(body, where["at"], list)
        return [self._read_event(item, where.get("parts", ())) for item in items]

    def _read_event(self, item: object, parts: list[str]) -> str:
        texts = [read_pointer(item, f"/{part}") for part in parts] if parts else [item]
        names = [text for text in texts if isinstance(text, str)]
        if len(names) < len(texts):
            raise self._outside(self._where["events"]["at"])
        return ".".join(names)

    def _read_options(self, body: object) -> dict[str, Any]:
        plain = {name: part for name, part in self._options.items() if not part.get("secret")}
        found = {name: read_pointer(body, part["at"]) for name, part in plain.items()}
        return self._read_secrets(body) | {
            name: self._options[name].get("default") if value in (MISSING, None) else value
            for name, value in found.items()
            if value not in (MISSING, None) or "default" in self._options[name]
        }

    def _read_secrets(self, body: object) -> dict[str, Any]:
        """The secret options that the webhook has."""
        places = {
            name: part.get("has", part["at"])
            for name, part in self._options.items()
            if part.get("secret")
        }
        values = {name: read_pointer(body, place) for name, place in places.items()}
        return {
            name: Withheld() for name, value in values.items() if value and value is not MISSING
        }

    def write(self, body: dict[str, Any], want: Webhook, changed: frozenset[str] | None) -> None:
        """Puts the fields that change into a body; all of them for None. A `Secret` is revealed by
        the client, not here.
        """
        for field, pointer, value in self._list_values(want):
            if changed is None or field in changed:
                write_pointer(body, pointer, value)
        secret = get_credential(want.auth)
        if isinstance(secret, Secret):
            write_pointer(body, self._auth["at"], secret)
        elif changed is not None and "auth" in changed and self._auth:
            write_pointer(body, self._auth["at"], self._auth.get("remove", ""))

    def _list_values(self, want: Webhook) -> list[tuple[str, str, Any]]:
        """The field, the pointer and the value of everything but the credential."""
        values: list[tuple[str, str, Any]] = [("url", self._where["url"], want.url)]
        if "name" in self._where:
            values.append(("name", self._where["name"], want.name))
        values += self._list_descriptions(want.description)
        enabled = self._where.get("enabled")
        if isinstance(enabled, str):
            values.append(("enabled", enabled, bool(want.enabled)))
        elif enabled is not None:
            value = enabled["on"] if want.enabled else enabled["off"]
            values.append(("enabled", enabled["at"], value))
        values += self._list_events(sorted(item.type for item in want.subscriptions))
        values += [
            ("options", self._options[name]["at"], value)
            for name, value in want.options.items()
            if not isinstance(value, Withheld)
        ]
        return values

    def remove_secrets(self, body: dict[str, Any], names: Iterable[str]) -> None:
        """Puts into a body what removes these secret options."""
        for name in names:
            part = self._options.get(name, {})
            if part.get("secret"):
                write_pointer(body, part["at"], part.get("remove", ""))

    def _list_descriptions(self, text: str) -> list[tuple[str, str, Any]]:
        mark, description = self._mark, self._where.get("description")
        if mark is None:
            return [] if description is None else [("description", description, text)]
        if description in {None, mark}:
            return [("description", mark, text)]
        before, _, last = text.rpartition("\n")
        shown, line = (before, last) if last.startswith(_MARK) else (text, "")
        return [("description", mark, line), ("description", description, shown)]

    def _list_events(self, events: list[str]) -> list[tuple[str, str, Any]]:
        where = self._where["events"]
        pairs: list[tuple[str, str, Any]] = []
        if "all" in where:
            pairs.append(("events", where["all"], EVERY_EVENT in events))
        if "flags" in where:
            flags = where["flags"].items()
            return [*pairs, *(("events", pointer, name in events) for name, pointer in flags)]
        names = [name for name in events if name != EVERY_EVENT or "all" not in where]
        parts = where.get("parts", ())
        items: list[Any] = [
            dict(zip(parts, name.split(".", len(parts) - 1), strict=False)) if parts else name
            for name in names
        ]
        return [*pairs, ("events", where["at"], items)]

    def members(self, changed: frozenset[str]) -> set[str]:
        """The top-level members of a body that hold the fields that change."""
        empty = Webhook("", "", options=dict.fromkeys(self._options))
        pointers = {where for field, where, _ in self._list_values(empty) if field in changed}
        if "auth" in changed and self._auth:
            pointers.add(self._auth["at"])
        return {split_pointer(pointer)[0] for pointer in pointers}

    def remove_read_only(self, body: dict[str, Any], changed: frozenset[str]) -> None:
        """Removes from a body as read its id, its times, and credentials and secret options, which
        come back masked or not at all.
        """
        pointers = [self._spec["id"], *self._spec.get("times", {}).values()]
        for part in self._options.values():
            if part.get("secret"):
                pointers += [part["at"], part.get("has", part["at"])]
        if self._auth:
            pointers += [self._auth["has"]] if "has" in self._auth else []
            pointers += [self._auth["at"]] if "auth" not in changed else []
        for pointer in pointers:
            remove_pointer(body, pointer)
