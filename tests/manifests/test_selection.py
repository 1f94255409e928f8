"""Which Tenant selects which Webhook: overlaps of Tenants of one target, and webhooks that no
Tenant selects.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.core.errors import InvalidManifests
from reconciler.core.model.problem import Problem
from reconciler.manifests import load
from tests.manifests.revisions import commit, new, put
from tests.support.processes import run, webhook
from tests.support.requests import make_request


def tenant(
    name: str,
    where: str = "https://acme.example.com/public-api/v1",
    *,
    owner: str = "",
    select: str = "",
) -> str:
    target = (
        f"url: '{where}', token: {{fromEnv: {name.upper()}_TOKEN}}"
        if "://" in where
        else f"local: {where}"
    )
    chosen = f", select: {{matchLabels: {{{select}}}}}" if select else ""
    head = f"apiVersion: webhooks.reconciler/v1\nkind: Tenant\nmetadata: {{name: {name}}}\n"
    return f"{head}spec: {{{target}, owner: {owner or name}{chosen}}}\n"


def labelled(key: str, labels: str) -> str:
    return webhook(key).replace("{team: test}", f"{{{labels}}}")


def problems(folder: Path, **options: object) -> list[Problem]:
    try:
        return list(load(make_request(paths=(str(folder),), lenient=True, **options)).problems)
    except InvalidManifests as error:
        return list(error.problems)


def write(folder: Path, *texts: str) -> None:
    for number, text in enumerate(texts):
        (folder / f"{number}.yaml").write_text(text)


def test_two_tenants_of_one_url_that_select_one_webhook_are_an_error_that_names_all_three(
    here: Path,
) -> None:
    write(
        here,
        tenant("payments"),
        tenant("search", "HTTPS://Acme.example.com:443/public-api/v1/"),
        webhook("one"),
    )
    [problem] = problems(Path())
    assert (str(problem.origin), problem.pointer, problem.rule) == (
        "1.yaml:4:13",
        "/spec/url",
        "tenant/overlap",
    )
    said = (
        "Tenants payments (0.yaml:1) and search have the same url, and both select one (2.yaml:1)"
    )
    assert (problem.message, "select" in str(problem.hint)) == (said, True)


def test_so_are_two_of_one_file_and_the_place_is_their_select(here: Path) -> None:
    both = labelled("one", "team: payments, stage: live")
    write(
        here,
        tenant("a", "t.db", select="team: payments"),
        tenant("b", "./x/../t.db", select="stage: live"),
        both,
    )
    [problem] = problems(Path())
    assert (problem.pointer, problem.rule, "file (local)" in problem.message) == (
        "/spec/select",
        "tenant/overlap",
        True,
    )


@pytest.mark.parametrize(
    "tenants",
    [
        (tenant("a", select="team: a"), tenant("b", select="team: b")),
        (tenant("a"), tenant("b", "https://other.example.com/public-api/v1")),
        (tenant("a"), tenant("b", select="team: missing")),
        (tenant("a", "one.db"), tenant("b", "two.db")),
    ],
    ids=["other labels", "other urls", "nothing in common", "other files"],
)
def test_tenants_that_share_no_webhook_of_one_target_are_fine(
    here: Path, tenants: tuple[str, str]
) -> None:
    write(here, *tenants, labelled("one", "team: a"), labelled("two", "team: b"))
    assert problems(Path()) == []


def test_two_of_one_owner_have_the_older_error_alone(here: Path) -> None:
    write(here, tenant("a", owner="payments"), tenant("b", owner="payments"), webhook("one"))
    assert [problem.rule for problem in problems(Path())] == ["tenant/same-target"]


def test_many_webhooks_and_tenants_are_one_error_a_tenant_that_names_some_and_counts_the_rest(
    here: Path,
) -> None:
    write(
        here,
        *(tenant(f"t{number}") for number in range(4)),
        *(webhook(f"w{number}") for number in range(8)),
    )
    found = problems(Path())
    assert [(problem.rule, problem.message.count(".yaml:1)")) for problem in found] == [
        ("tenant/overlap", 6)
    ] * 3
    assert all(problem.message.endswith(" and 3 more") for problem in found)


def test_thousands_of_tenants_and_webhooks_are_one_error_a_tenant(here: Path) -> None:
    write(
        here,
        "---\n".join(
            [
                *(tenant(f"t{number}") for number in range(1_500)),
                *(webhook(f"w{number}") for number in range(1_500)),
            ]
        ),
    )
    assert [problem.rule for problem in problems(Path())] == ["tenant/overlap"] * 1_499


@pytest.mark.parametrize(
    "command",
    [
        ("validate",),
        ("plan", "--tenant", "a"),
        ("plan", "--all-tenants"),
        ("reconcile", "--yes", "--tenant", "b"),
        ("reconcile", "--yes", "--all-tenants"),
        ("drift", "--tenant", "a"),
        ("test", "--tenant", "a"),
        ("events",),
    ],
    ids=" ".join,
)
def test_every_command_that_loads_refuses_it_and_no_tenant_is_made(
    here: Path, command: tuple[str, ...]
) -> None:
    write(here, tenant("a", "t.db"), tenant("b", "t.db"), webhook("one"))
    done = run(command[0], ".", *command[1:], cwd=here)
    assert (done.code, "[tenant/overlap]" in done.out + done.err) == (1, True)
    assert not (here / "t.db").exists()


def test_an_overlap_of_an_earlier_commit_does_not_prevent_a_comparison_with_it(
    tmp_path: Path,
) -> None:
    folder = new(tmp_path / "repo")
    put(folder, a=tenant("a", "t.db"), b=tenant("b", "t.db"), w=webhook("one"))
    commit(folder)
    put(folder, b=tenant("b", "t.db", select="team: b"))
    done = run("plan", ".", "--tenant", "a", "--since", "HEAD", cwd=folder)
    assert done.code == 0, done.err


def test_validate_warns_of_a_webhook_that_no_tenant_selects_at_its_labels(here: Path) -> None:
    texts = (
        labelled("lost", "team: paymnts"),
        labelled("fine", "team: search"),
        webhook("bare").replace(", labels: {team: test}", ""),
    )
    write(
        here,
        tenant("a", select="team: payments"),
        tenant("b", "t.db", select="team: search"),
        *texts,
    )
    done = run("validate", ".", "-o", "json", cwd=here)
    found = [(p["file"], p["pointer"], p["rule"], p["severity"]) for p in done.json["problems"]]
    assert found == [
        ("2.yaml", "/metadata/labels", "webhook/unselected", "warning"),
        ("4.yaml", "/metadata/name", "webhook/unselected", "warning"),
    ]
    assert "team=payments; team=search" in done.json["problems"][0]["hint"]
    assert (done.code, run("validate", ".", "--strict", cwd=here).code) == (0, 1)
    assert "unselected" not in run("plan", ".", "--tenant", "b", cwd=here).out


def test_without_a_readable_tenant_there_is_no_warning_about_selection(here: Path) -> None:
    write(here, webhook("one"))
    assert problems(Path(), check_each=True) == []
    write(
        here,
        webhook("one"),
        tenant("a", select="team: other"),
        tenant("b").replace("owner", "ownr"),
    )
    assert {problem.rule for problem in problems(Path(), check_each=True)} == {
        "schema/additionalProperties",
        "schema/required",
    }


def test_a_lost_label_is_refused_with_its_place_and_passes_with_the_digest(here: Path) -> None:
    for key in ("a", "b", "c"):
        (here / f"{key}.yaml").write_text(labelled(key, "team: payments"))
    (here / "t.yaml").write_text(tenant("payments", "t.db", select="team: payments"))
    assert run("reconcile", ".", "--yes", cwd=here).code == 0
    (here / "a.yaml").write_text(labelled("a", "team: paymnts"))
    plan = run("plan", ".", "--out", ".plan.json", "-o", "json", cwd=here)
    [violation] = plan.json["violations"]
    assert (plan.code, violation["rule"], violation["file"], violation["line"]) == (
        6,
        "no-longer-selected",
        "a.yaml",
        1,
    )
    assert violation["message"].startswith(
        "a: declared in a.yaml:1, but tenant payments selects team=payments"
    )
    refused = run("reconcile", ".", "--yes", "--max-deletes", "9", cwd=here)
    assert (refused.code, "no-longer-selected" in refused.out) == (6, True)
    assert run("reconcile", ".", "--yes", "--plan", ".plan.json", cwd=here).code == 6
    assert run("reconcile", ".", "--yes", "--no-prune", cwd=here).code == 0
    digest = plan.json["digest"]
    (here / "d.yaml").write_text(labelled("d", "team: payments"))
    assert run("reconcile", ".", "--yes", "--accept", digest, cwd=here).code == 5
    (here / "d.yaml").unlink()
    accepted = run("reconcile", ".", "--yes", "--plan", ".plan.json", "--accept", digest, cwd=here)
    assert (accepted.code, "1 deleted" in accepted.out) == (0, True)
