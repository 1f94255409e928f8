"""Every option is also RECONCILER_<OPTION>, the same for every command; what is wrong with one
names the variable.
"""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from reconciler.cli.main import ALIASES, COMMANDS, root
from tests.support.processes import run, webhook, write

PLAN = ("plan", "webhooks", "--local-file", "tenant.db", "-o", "json")


def commands() -> dict[str, click.Command]:
    """Every command by the words that call it."""
    context = click.Context(root)
    found = {name: root.get_command(context, name) for name in (*COMMANDS, *ALIASES)}
    tenant = found.pop("tenant")
    assert isinstance(tenant, click.Group)
    return {name: one for name, one in found.items() if one is not None} | {
        f"tenant {name}": one for name, one in tenant.commands.items()
    }


@pytest.mark.parametrize("name", commands())
def test_every_option_of_every_command_has_its_variable(name: str) -> None:
    for parameter in commands()[name].params:
        if isinstance(parameter, click.Option) and "--help" not in parameter.opts:
            long = next(opt for opt in parameter.opts if opt.startswith("--"))
            named = parameter.envvar if isinstance(parameter.envvar, list) else [parameter.envvar]
            assert named[0] == "RECONCILER_" + long.removeprefix("--").replace("-", "_").upper()


@pytest.mark.parametrize("name", commands())
def test_no_option_takes_a_token(name: str) -> None:
    options = [opt for parameter in commands()[name].params for opt in parameter.opts]
    assert not {"--token", "--tenant-token", "--password"} & set(options)


@pytest.mark.parametrize("name", commands())
def test_no_number_of_any_command_may_be_nan_which_every_comparison_lets_pass(name: str) -> None:
    for parameter in commands()[name].params:
        if isinstance(parameter.type, click.types.FloatParamType):
            with pytest.raises(click.BadParameter, match="nan is not in the range"):
                parameter.type.convert("nan", parameter, None)


WRONG = {
    "RECONCILER_MAX_DELETES": "some",
    "RECONCILER_LOCAL": "maybe",
    "RECONCILER_OUTPUT": "xml",
    "RECONCILER_SELECT": "team",
    "RECONCILER_NO_PRUNE": "maybe",
    "RECONCILER_PRUNE": "maybe",
    "RECONCILER_TIMEOUT": "0",
    "RECONCILER_DEADLINE": "-1",
    "RECONCILER_ALLOW_PORT": "80,none",
    "RECONCILER_VERBOSE": "much",
    "RECONCILER_LOG_FORMAT": "xml",
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_value_is_a_usage_error_that_names_the_variable(tmp_path: Path, name: str) -> None:
    write(tmp_path / "webhooks", 1)
    ended = run(
        "plan", "webhooks", "--local-file", "tenant.db", cwd=tmp_path, **{name: WRONG[name]}
    )
    assert ended.code == 64
    assert name in ended.err
    assert not (tmp_path / "tenant.db").exists()


def test_an_option_on_the_command_line_wins_over_its_variable(tmp_path: Path) -> None:
    write(tmp_path / "webhooks", 1)
    assert (
        run(
            "plan", "webhooks", "--local-file", "b.db", cwd=tmp_path, RECONCILER_LOCAL_FILE="a.db"
        ).code
        == 0
    )
    assert not (tmp_path / "a.db").exists()


def test_an_empty_variable_is_none(tmp_path: Path) -> None:
    write(tmp_path / "webhooks", 1)
    assert (
        run(
            *PLAN,
            cwd=tmp_path,
            RECONCILER_ONLY="",
            RECONCILER_MAX_DELETES="",
            RECONCILER_TENANT_URL="",
        ).code
        == 0
    )


@pytest.mark.parametrize(
    ("guard", "code"), [("RECONCILER_EXPECT_DIGEST", 5), ("RECONCILER_PLAN", 1)]
)
def test_an_empty_variable_takes_no_guard_away(tmp_path: Path, guard: str, code: int) -> None:
    write(tmp_path / "webhooks", 1)
    ended = run("reconcile", *PLAN[1:], "--yes", cwd=tmp_path, **{guard: ""})
    assert ended.code == code
    assert run(*PLAN, cwd=tmp_path).json["summary"]["create"] == 1


@pytest.mark.parametrize(
    "value", ["hook-0001,hook-0003", "hook-0001 hook-0003", " hook-0001 ,\nhook-0003,"]
)
def test_several_values_are_separated_by_commas_or_white_space(tmp_path: Path, value: str) -> None:
    write(tmp_path / "webhooks", 5)
    planned = run(*PLAN, cwd=tmp_path, RECONCILER_ONLY=value).json
    assert [change["key"] for change in planned["changes"]] == ["hook-0001", "hook-0003"]


def test_scopes_hold_spaces_and_are_separated_by_commas(tmp_path: Path) -> None:
    made = run(
        "tenant",
        "token",
        "ci",
        "--db",
        "t.db",
        cwd=tmp_path,
        RECONCILER_SCOPE="Webhooks: Write, Events: Write",
    )
    assert made.code == 0, made.err
    listed = run("tenant", "tokens", "--db", "t.db", "-o", "json", cwd=tmp_path).json
    assert listed["tokens"][0]["scopes"] == ["Webhooks: Write", "Events: Write"]


@pytest.mark.parametrize("variable", [{"RECONCILER_NO_PRUNE": "1"}, {"RECONCILER_PRUNE": "no"}])
def test_pruning_can_be_switched_off_by_either_variable(
    tmp_path: Path, variable: dict[str, str]
) -> None:
    write(tmp_path / "webhooks", 2)
    assert run("reconcile", *PLAN[1:], "--yes", cwd=tmp_path).code == 0
    (tmp_path / "webhooks" / "hook-0000.yaml").unlink()
    assert run(*PLAN, cwd=tmp_path).json["summary"]["delete"] == 1
    assert run(*PLAN, cwd=tmp_path, **variable).json["summary"]["delete"] == 0
    assert run(*PLAN, "--prune", cwd=tmp_path, **variable).json["summary"]["delete"] == 1


def test_variables_of_a_switch_that_contradict_each_other_are_64_and_delete_nothing(
    tmp_path: Path,
) -> None:
    write(tmp_path / "webhooks", 1)
    both = {"RECONCILER_PRUNE": "1", "RECONCILER_NO_PRUNE": "1"}
    refused = run(*PLAN, cwd=tmp_path, **both)
    assert refused.code == 64
    assert "RECONCILER_PRUNE and RECONCILER_NO_PRUNE contradict each other" in refused.err
    assert run(*PLAN, "--no-prune", cwd=tmp_path, **both).code == 0
    assert run(*PLAN, cwd=tmp_path, RECONCILER_PRUNE="0", RECONCILER_NO_PRUNE="1").code == 0
    assert "RECONCILER_PRUNE" in run(*PLAN, cwd=tmp_path, RECONCILER_PRUNE="maybe").err


def test_the_form_of_output_can_come_from_the_environment(tmp_path: Path) -> None:
    (tmp_path / "hook.yaml").write_text(webhook("hook"))
    assert (
        run("validate", "hook.yaml", cwd=tmp_path, RECONCILER_OUTPUT="json").json["format"]
        == "reconciler.problems/v1"
    )
