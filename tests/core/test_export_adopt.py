"""What is exported from any tenant, read back and adopted, plans empty: for tenants as people and
other tools leave them.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from reconciler import workflow
from reconciler.core.change import Plan
from reconciler.core.export.adopt import AdoptionRequest
from reconciler.core.model import limits
from reconciler.core.model.auth import ApiKeyAuth, BasicAuth, BearerAuth, NoAuth
from reconciler.core.model.secret import Secret, Withheld, hidden_url
from reconciler.core.model.webhook import Live, ManagedBy, Subscription, Webhook
from reconciler.core.planning.plan import make_plan
from reconciler.core.safety.run_policy import RunPolicy, Scope
from reconciler.manifests import Manifests, load
from reconciler.manifests.edit.new_files import Style, make_new_files, write_files
from reconciler.providers.memory import MemoryProvider
from tests.support.builders import OWNER, TENANT, carry_out
from tests.support.requests import make_request

PRINTABLE = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
NAMES = PRINTABLE.map(limits.normalize_name).filter(lambda text: limits.name(text) is None)
USERS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20).filter(
    lambda text: limits.username(text) is None
)
WITHHELD = st.builds(
    Withheld, st.none() | NAMES | st.just("hmac-sha256:0123456789abcdef0123456789abcdef")
)
AUTHS = st.one_of(
    st.just(NoAuth()),
    st.builds(BearerAuth, WITHHELD),
    st.builds(lambda name, password: BasicAuth(Secret(name), password), USERS, WITHHELD),
    st.builds(ApiKeyAuth, st.sampled_from(["X-Key", "null", "1", "~"]), WITHHELD),
)
SPECS = st.builds(
    Webhook,
    name=NAMES
    | st.sampled_from(["Payments on-call", "payments-on-call", "payments on-call!", "null", "1"]),
    url=st.sampled_from(
        [
            "https://hooks.example.com/a?b=%23",
            "http://127.0.0.1:80",
            "https://xn--nxasmq6b.example/{0}",
        ]
    )
    .filter(lambda text: limits.url(text) is None)
    .map(hidden_url),
    description=(PRINTABLE | st.just("")).filter(lambda text: limits.description(text) is None),
    enabled=st.booleans(),
    auth=AUTHS,
    subscriptions=st.frozensets(st.builds(Subscription, NAMES, NAMES, NAMES), max_size=4),
)
MARKS = st.none() | st.builds(
    ManagedBy,
    st.sampled_from(["payments", "search"]),
    st.sampled_from(
        ["payments-on-call", "tenant", "a.b", "a-b", "k" * 253, "../../etc/passwd", ""]
    ),
    st.sampled_from([(), ("old.yaml",)]),
)
TENANTS = st.lists(
    st.builds(Live, SPECS, st.uuids().map(str), st.just("r1"), MARKS, st.booleans()),
    max_size=8,
    unique_by=(
        lambda item: item.spec.name,
        lambda item: (item.managed_by.owner, item.managed_by.key) if item.managed_by else item.id,
    ),
)


def policy_for(manifests: Manifests) -> RunPolicy:
    return RunPolicy(
        OWNER, scope=Scope(manifests.folders, manifests.files), literal_urls=manifests.literal_urls
    )


def read(folder: Path) -> Manifests:
    return load(
        make_request((str(folder),) if folder.is_dir() else (), secrets="warn", may_be_empty=True)
    )


def export_and_read(
    folder: Path, tenant: MemoryProvider, adopt_from: str | None = None, style: Style | None = None
) -> Manifests:
    """What the manifests say once the tenant was exported into that folder."""
    manifests = read(folder)
    made = asyncio.run(workflow.export(manifests, tenant, policy_for(manifests), adopt_from))
    write_files(make_new_files(made, str(folder), style or Style({})), str(folder))
    return read(folder)


def adoption(
    manifests: Manifests, tenant: MemoryProvider, wanted: AdoptionRequest | None = None
) -> Plan:
    return asyncio.run(
        workflow.adopt(
            manifests, tenant, policy_for(manifests), wanted or AdoptionRequest(), TENANT
        )
    )


def plan(manifests: Manifests, tenant: MemoryProvider) -> Plan:
    return make_plan(
        manifests.declared,
        asyncio.run(tenant.list()),
        policy_for(manifests),
        normalize=tenant.normalize,
    )


def without_mark(item: Live) -> Live:
    return replace(item, managed_by=None, revision="")


@pytest.mark.long
@settings(max_examples=200, deadline=None, derandomize=True, phases=[Phase.generate])
@given(TENANTS, st.sampled_from([None, "search"]), st.booleans())
def test_after_export_and_adopt_the_plan_is_empty_for_200_random_tenants(
    tmp_path_factory: pytest.TempPathFactory,
    there: list[Live],
    adopt_from: str | None,
    hide_urls: bool,
) -> None:
    folder = tmp_path_factory.mktemp("export") / "webhooks"
    tenant = MemoryProvider(there)
    manifests = export_and_read(
        folder, tenant, adopt_from, Style({"team": "null"}, hide_urls=hide_urls)
    )
    adopting = adoption(manifests, tenant, AdoptionRequest(adopt_from=adopt_from))
    assert adopting.violations == ()
    assert carry_out(adopting, tenant).complete
    after = plan(manifests, tenant)
    assert (after.pending, after.violations) == ((), ())
    others = [
        item
        for item in there
        if item.managed_by and item.managed_by.owner not in {"payments", adopt_from}
    ]
    assert len(manifests.declared) == len(there) - len(others)
    assert {item.id: without_mark(item) for item in tenant.webhooks.values()} == {
        item.id: without_mark(item) for item in there
    }
    assert all(tenant.webhooks[item.id] == item for item in others)
    written = {path: path.read_bytes() for path in folder.iterdir()}
    export_and_read(folder, tenant, adopt_from)
    assert {path: path.read_bytes() for path in folder.iterdir()} == written
