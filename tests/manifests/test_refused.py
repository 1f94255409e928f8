"""All problems at once: a fault in one document hides none of another, and makes no second one
elsewhere.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.manifests.test_invalid import problems_of
from tests.support.processes import webhook

HEAD = "apiVersion: webhooks.reconciler/v1\nkind: {}\nmetadata: {{name: {}{}}}\nspec:\n"
EVENT = "{type: 'elastio:recovery-point:create:started', version: v0, severity: info}"


def subscription(name: str, target: str, more: str = "") -> str:
    return HEAD.format("EventSubscription", name, "") + f"  {target}\n{more}  events: [{EVENT}]\n"


def tenant(name: str, team: str, more: str = "") -> str:
    return (
        HEAD.format("Tenant", name, "")
        + f"  owner: {name}\n  local: {name}.db\n  select: {{matchLabels: {{team: "
        f"{team}}}}}\n{more}"
    )


def hook(name: str, labels: str = "", more: str = "", events: str = f"[{EVENT}]") -> str:
    return HEAD.format("Webhook", name, labels and f", labels: {labels}") + (
        f"  url: https://hooks.example.com/{name}\n  events: {events}\n{more}"
    )


def rules(folder: Path, *documents: str) -> list[tuple[str, str]]:
    """Writes each text to a file of its own: 1.yaml, 2.yaml, …; the rules of the problems with the
    file.
    """
    for number, text in enumerate(documents, 1):
        (folder / f"{number}.yaml").write_text(text)
    return [(Path(problem.origin.file).name, problem.rule) for problem in problems_of(folder)]


BAD = "  unknown: 1\n"
UNKNOWN = "schema/additionalProperties"
BROKEN = "  description: 'open\n"


@pytest.mark.parametrize(("more", "rule"), [(BAD, UNKNOWN), (BROKEN, "yaml/syntax")])
def test_what_refers_to_a_refused_webhook_is_no_second_problem(
    tmp_path: Path, more: str, rule: str
) -> None:
    own = hook("one", "{team: a}", more)
    by_name, by_label = (
        subscription("s", "webhook: one"),
        subscription("t", "selector: {matchLabels: {team: a}}"),
    )
    assert rules(tmp_path, own, by_name, by_label) == [("1.yaml", rule)]


@pytest.mark.parametrize(("more", "rule"), [(BAD, UNKNOWN), (BROKEN, "yaml/syntax")])
def test_what_refers_to_nothing_is_a_problem_beside_a_refused_webhook(
    tmp_path: Path, more: str, rule: str
) -> None:
    other, by_label = (
        subscription("s", "webhook: other"),
        subscription("t", "selector: {matchLabels: {team: beta}}"),
    )
    assert rules(tmp_path, hook("one", "{team: alpha}", more), other, by_label) == [
        ("1.yaml", rule),
        ("2.yaml", "subscription/unknown-webhook"),
        ("3.yaml", "subscription/no-match"),
    ]


@pytest.mark.parametrize(
    "metadata",
    ["metadata: {nmae: one}", "metadata: [one]", "meta: {name: one}", "metadata: {name: One}"],
)
def test_a_webhook_without_a_usable_name_may_be_the_one_that_is_meant(
    tmp_path: Path, metadata: str
) -> None:
    own = hook("one").replace("metadata: {name: one}", metadata)
    assert {file for file, _ in rules(tmp_path, own, subscription("s", "webhook: one"))} == {
        "1.yaml"
    }


def test_a_file_that_cannot_be_read_may_hold_anything(tmp_path: Path) -> None:
    (tmp_path / "0.yaml").symlink_to(tmp_path / "nothing")
    assert {file for file, _ in rules(tmp_path, subscription("s", "webhook: one"))} == {"0.yaml"}


@pytest.mark.parametrize(
    "data",
    [b"\xff\xfe", b"", b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 12\n"],
    ids=["bytes", "empty", "lfs"],
)
def test_a_file_without_its_text_may_hold_anything(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "0.yaml").write_bytes(data)
    assert {file for file, _ in rules(tmp_path, subscription("s", "webhook: one"))} == {"0.yaml"}


def test_a_webhook_whose_events_are_in_a_refused_subscription_is_not_said_to_receive_nothing(
    tmp_path: Path,
) -> None:
    silent = [hook(name, f"{{team: {name}}}", events="[]") for name in "abcd"]
    others = [
        subscription("s", "webhook: a", BAD),
        subscription("t", "selector: {matchLabels: {team: b}}", BAD),
    ]
    found = rules(tmp_path, *silent, *others)
    assert [item for item in found if item[1] == "events/none"] == [
        ("3.yaml", "events/none"),
        ("4.yaml", "events/none"),
    ]


def test_events_and_names_of_a_refused_document_are_checked_too(tmp_path: Path) -> None:
    twice = f"[{EVENT}, {EVENT}, {{type: 'elastio:nothing', version: v0, severity: info}}]"
    found = rules(
        tmp_path,
        hook("one", more=BAD, events=twice),
        hook("one"),
        subscription("s", "webhook: one"),
    )
    assert found == [
        ("1.yaml", "subscription/duplicate"),
        ("1.yaml", "events/unknown-type"),
        ("1.yaml", UNKNOWN),
        ("2.yaml", "webhook/duplicate"),
    ]


def test_a_refused_tenant_makes_no_webhook_the_same_as_another(tmp_path: Path) -> None:
    same = [hook("one", "{team: a}", "  name: Same\n"), hook("two", "{team: b}", "  name: Same\n")]
    tenants = [tenant("a", "a", BAD), tenant("b", "b", BAD)]
    assert rules(tmp_path, *same, *tenants) == [("3.yaml", UNKNOWN), ("4.yaml", UNKNOWN)]


def test_a_patch_without_a_match_is_reported_beside_a_refused_webhook_that_it_cannot_mean(
    tmp_path: Path,
) -> None:
    patches = "".join(
        f"    - {{match: {{name: {name}}}, patch: {{description: x}}}}\n"
        for name in ("one", "other")
    )
    (tmp_path / "t.yaml").write_text(tenant("a", "a", "  patches:\n" + patches))
    found = rules(tmp_path, hook("one", "{team: a}", BAD), hook("two", "{team: a}"))
    assert found == [("1.yaml", UNKNOWN), ("t.yaml", "patch/no-match")]
    (only,) = (problem for problem in problems_of(tmp_path) if problem.rule == "patch/no-match")
    assert only.origin.line == 10


def test_thousands_of_references_into_a_broken_file_cost_no_time(tmp_path: Path) -> None:
    (tmp_path / "0.yaml").write_text(hook("one", more=BROKEN) + "x" * 9_000_000)
    many = "---\n".join(
        subscription(f"s{number}", f"webhook: w{number}") for number in range(3_000)
    )
    found = rules(tmp_path, many)
    assert ("0.yaml", "yaml/syntax") in found
    assert 0 < sum(rule == "subscription/unknown-webhook" for _, rule in found) < 3_000


def test_one_webhook_alone_has_no_problem(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(webhook("a"))
    assert problems_of(tmp_path) == ()
