"""The schedule of a Tenant, as its manifest says it."""

from __future__ import annotations

from pathlib import Path

from reconciler.core.model.schedule import Schedule, Window
from reconciler.manifests import load
from reconciler.manifests.decode.load_types import TenantSpec
from tests.support.requests import make_request

DIGEST = "sha256:" + "ab" * 32
TENANT = "apiVersion: webhooks.reconciler/v1\nkind: Tenant\nmetadata: {name: main}\nspec:\n  owner: me\n  local: a.db\n"


def read_tenant(folder: Path, more: str = "") -> TenantSpec:
    (folder / "tenant.yaml").write_text(TENANT + more)
    tenant = load(make_request(paths=(str(folder),))).tenant
    assert tenant is not None
    return tenant


def test_a_tenant_without_a_schedule_has_the_defaults(tmp_path: Path) -> None:
    tenant = read_tenant(tmp_path)
    assert tenant.schedule == Schedule()
    assert tenant.schedule_places == {}


def test_a_schedule_is_decoded_with_the_positions_of_its_fields(tmp_path: Path) -> None:
    tenant = read_tenant(
        tmp_path,
        f"""  interval: 1h30m
  mode: report
  suspend: true
  windows:
  - {{cron: 0 9 * * MON-FRI, duration: 8h, timezone: Europe/Berlin}}
  - {{cron: "0 0 * * *", duration: 30m}}
  accept: ["{DIGEST}"]
""",
    )
    assert tenant.schedule == Schedule(
        interval=5400.0,
        mode="report",
        suspend=True,
        windows=(
            Window("0 9 * * MON-FRI", 28800.0, "Europe/Berlin"),
            Window("0 0 * * *", 1800.0),
        ),
        accept=(DIGEST,),
    )
    assert {name: place.line for name, place in tenant.schedule_places.items()} == {
        "suspend": 9,
        "windows": 11,
        "accept": 13,
    }
