"""`timeout_seconds` of a test: 1 to 10, on both routes, and the attempt ends by it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.tenant.harness import Tenant, with_tenant


async def on_both_routes(tenant: Tenant, **fields: Any) -> list[Any]:
    made = await tenant.make()
    unsaved = {"webhook": {"url": made["url"]}, **fields}
    saved = f"/webhooks/{made['id']}/test"
    return [
        await tenant.call("POST", "/webhooks/test", unsaved),
        await tenant.call("POST", saved, fields),
    ]


@pytest.mark.parametrize("value", [0, 0.99, 10.01, 1e300, -1, True, "5", [], {}])
def test_a_bound_outside_of_its_limits_is_422_at_its_field(tmp_path: Path, value: Any) -> None:
    async def story(tenant: Tenant) -> None:
        for answer in await on_both_routes(tenant, timeout_seconds=value):
            assert answer.status_code == 422
            fault = {"pointer": "/timeout_seconds", "detail": "must be a number from 1 to 10"}
            assert answer.json()["errors"] == [fault]

    with_tenant(tmp_path, story)


@pytest.mark.parametrize("value", [1, 2.5, 10, None])
def test_a_bound_within_its_limits_is_taken(tmp_path: Path, value: Any) -> None:
    async def story(tenant: Tenant) -> None:
        for answer in await on_both_routes(tenant, timeout_seconds=value):
            assert answer.status_code == 200

    with_tenant(tmp_path, story)
