"""Exporting over manifests and adopting, as the commands do, without a process: for tests that do
it often.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from difflib import SequenceMatcher
from pathlib import Path

from reconciler import workflow
from reconciler.core.change import Plan
from reconciler.core.export.adopt import AdoptionRequest
from reconciler.core.model.webhook import Webhook
from reconciler.core.planning.plan import make_plan
from reconciler.core.safety.run_policy import RunPolicy, Scope
from reconciler.manifests import Manifests, load
from reconciler.manifests.edit.edits import make_edits
from reconciler.manifests.edit.new_files import Style, make_new_files, write_files
from reconciler.providers.memory import MemoryProvider
from tests.support.builders import OWNER, TENANT, as_stored, carry_out
from tests.support.requests import make_request

HEAD = (
    "# ours\napiVersion: webhooks.reconciler/v1\nkind: Webhook\nmetadata: {name: one}  # the key\n"
)


def read(folder: Path) -> Manifests:
    return load(make_request((str(folder),), secrets="warn", may_be_empty=True))


def policy_for(manifests: Manifests) -> RunPolicy:
    return RunPolicy(
        OWNER, scope=Scope(manifests.folders, manifests.files), literal_urls=manifests.literal_urls
    )


def export_into(folder: Path, tenant: MemoryProvider, into: Path | None = None) -> tuple[str, ...]:
    """Exports over the manifests of a folder, or of one in it; the messages."""
    into = into or folder
    manifests = read(folder)
    made = asyncio.run(workflow.export(manifests, tenant, policy_for(manifests)))
    changed, warnings = make_edits(made, manifests.event_subscriptions, str(into))
    write_files((*make_new_files(made, str(into), Style({})), *changed), str(into))
    return warnings


def plan_after(folder: Path, tenant: MemoryProvider) -> Plan:
    """Adopts, then plans."""
    manifests = read(folder)
    rules = policy_for(manifests)
    adopting = asyncio.run(workflow.adopt(manifests, tenant, rules, AdoptionRequest(), TENANT))
    assert adopting.violations == ()
    assert carry_out(adopting, tenant).complete
    return make_plan(
        manifests.declared, asyncio.run(tenant.list()), rules, normalize=tenant.normalize
    )


def export_over(
    folder: Path, text: str, move: Callable[[Webhook], Webhook], ending: str = "\n", mark: str = ""
) -> tuple[str, list[str]]:
    """The text after an export over it, once the tenant has moved, and the messages. The plan is then
    empty.
    """
    file = folder / "all.yaml"
    file.write_bytes((mark + text.replace("\n", ending)).encode())
    held = [as_stored(item, number) for number, item in enumerate(read(folder).declared)]
    tenant = MemoryProvider(
        [
            replace(item, spec=move(item.spec) if item.spec.name == "one" else item.spec)
            for item in held
        ]
    )
    messages = export_into(folder, tenant)
    after = plan_after(folder, tenant)
    assert (after.pending, after.violations) == ((), ()), file.read_text()
    made = file.read_bytes().decode()
    assert made.startswith(mark)
    assert set(made.replace(ending, "")) & {"\r", "\n"} == set()
    return made.removeprefix(mark).replace(ending, "\n"), list(messages)


def touched(before: str, after: str) -> list[tuple[int, int]]:
    """For each place that differs, the lines that went and the lines that came."""
    codes = SequenceMatcher(
        None, before.splitlines(), after.splitlines(), autojunk=False
    ).get_opcodes()
    return [(high - low, end - start) for code, low, high, start, end in codes if code != "equal"]
