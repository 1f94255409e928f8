"""Whether a file's content has the shape of a saved plan."""

from __future__ import annotations

from functools import cache
from typing import Any

import jsonschema_rs

from reconciler.manifests.schema_texts import load_schema
from reconciler.manifests.yaml.document import make_pointer

_INVALID = (ValueError, OverflowError, TypeError)  # a value that JSON does not have


@cache
def _validator(name: str) -> Any:
    return jsonschema_rs.Draft202012Validator(load_schema(name))


def fault_of(body: dict[str, Any]) -> str | None:
    """The JSON pointer of something that does not fit, None if everything does."""
    for name, part, above in (("saved-plan", body, ""), ("plan", body.get("plan"), "/plan")):
        try:
            error = next(_validator(name).iter_errors(part), None)
        except _INVALID:
            return above or "/"
        if error is not None:
            return above + make_pointer(tuple(error.instance_path)) or "/"
    return None
