"""What a person at a terminal sees: a prompt that takes no for an answer, colour, a progress bar,
Ctrl-C.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.processes import run, write
from tests.support.terminal import at_terminal

RECONCILE = ("reconcile", "webhooks", "--local-file", "tenant.db")


def pending(folder: Path) -> int:
    return int(
        run("plan", "webhooks", "--local-file", "tenant.db", "-o", "json", cwd=folder).json[
            "summary"
        ]["create"]
    )


def test_yes_at_the_prompt_carries_the_plan_out(tmp_path: Path) -> None:
    write(tmp_path / "webhooks", 2)
    ended = at_terminal(*RECONCILE, cwd=tmp_path, typed=(("[y/N]", b"y\r"),))
    assert ended.code == 0, ended.out
    assert "Carry out 2 changes?" in ended.out
    assert pending(tmp_path) == 0


@pytest.mark.parametrize(
    ("key", "code"), [(b"n\r", 1), (b"\r", 1), (b"maybe\r", 1), (b"\x04", 1), (b"\x03", 130)]
)
def test_anything_else_at_the_prompt_writes_nothing(tmp_path: Path, key: bytes, code: int) -> None:
    write(tmp_path / "webhooks", 2)
    ended = at_terminal(*RECONCILE, cwd=tmp_path, typed=(("[y/N]", key),))
    assert ended.code == code, ended.out
    assert ("interrupted" if code == 130 else "declined; nothing was written") in ended.out
    assert "Traceback" not in ended.out
    assert pending(tmp_path) == 2


def test_a_declined_prompt_is_a_document_with_json(tmp_path: Path) -> None:
    write(tmp_path / "webhooks", 1)
    ended = at_terminal(*RECONCILE, "-o", "json", cwd=tmp_path, typed=(("[y/N]", b"n\r"),))
    assert ended.code == 1
    assert '"kind": "declined"' in ended.out


@pytest.mark.parametrize(
    ("options", "env"),
    [(("--no-color",), {}), ((), {"NO_COLOR": "1"}), ((), {"RECONCILER_NO_COLOR": "1"})],
)
def test_colour_can_be_switched_off(
    tmp_path: Path, options: tuple[str, ...], env: dict[str, str]
) -> None:
    write(tmp_path / "webhooks", 1)
    plan = ("plan", "webhooks", "--local-file", "tenant.db")
    assert "\x1b[32m+" in at_terminal(*plan, cwd=tmp_path, NO_COLOR="").out
    plain = at_terminal(*plan, *options, cwd=tmp_path, **{"NO_COLOR": "", **env})
    assert plain.code == 0
    assert "\x1b[" not in plain.out


@pytest.mark.parametrize("columns", [20, 40])
def test_a_narrow_terminal_gets_everything_and_a_bar_that_stays_on_its_line(
    tmp_path: Path, columns: int
) -> None:
    write(tmp_path / "webhooks", 3)
    ended = at_terminal(*RECONCILE, "--yes", cwd=tmp_path, COLUMNS=str(columns))
    assert ended.code == 0
    bars = [part for line in ended.out.splitlines() for part in line.split("\r") if "%" in part]
    assert bars
    assert all(len(part.split("\x1b")[0]) <= columns for part in bars), bars
    assert "Report: 3 created" in ended.out
    for command in (("plan",), ("drift",), ("export", "out")):
        named = "webhooks" if command != ("export", "out") else "--no-color"
        shown = at_terminal(
            *command, named, "--local-file", "tenant.db", cwd=tmp_path, COLUMNS=str(columns)
        )
        assert (shown.code, "Traceback" in shown.out) == (0, False), shown.out


def test_a_progress_bar_is_shown_at_a_terminal_and_not_with_quiet(tmp_path: Path) -> None:
    write(tmp_path / "webhooks", 3)
    loud = at_terminal(*RECONCILE, "--yes", cwd=tmp_path)
    assert "100%" in loud.out
    write(tmp_path / "webhooks", 6)
    assert "100%" not in at_terminal(*RECONCILE, "--yes", "--quiet", cwd=tmp_path).out


def test_a_tenant_that_takes_its_time_to_list_shows_that_something_goes_on(tmp_path: Path) -> None:
    write(tmp_path / "webhooks", 1)
    url = ("--tenant-url", "http://127.0.0.1:1/public-api/v1", "--owner", "us", "--deadline", "3")
    ended = at_terminal("plan", "webhooks", *url, cwd=tmp_path, RECONCILER_TENANT_TOKEN="t")
    assert ended.code == 1
    assert "listing" in ended.out


def test_ctrl_c_while_the_tenant_is_listed_is_an_interruption(tmp_path: Path) -> None:
    write(tmp_path / "webhooks", 1)
    url = ("--tenant-url", "http://127.0.0.1:1/public-api/v1", "--owner", "us")
    ended = at_terminal(
        "plan",
        "webhooks",
        *url,
        cwd=tmp_path,
        typed=(("listing", b"\x03"),),
        RECONCILER_TENANT_TOKEN="t",
    )
    assert ended.code == 130, ended.out
    assert "Traceback" not in ended.out


def test_a_narrow_terminal_is_enough(tmp_path: Path) -> None:
    ended = at_terminal("reconcile", "--help", cwd=tmp_path, COLUMNS="20")
    assert ended.code == 0
    assert "--expect-digest" in ended.out


@pytest.mark.parametrize(
    ("options", "env", "colored"),
    [
        ((), {"FORCE_COLOR": "1"}, True),
        ((), {"FORCE_COLOR": "1", "TERM": "dumb"}, True),
        ((), {"FORCE_COLOR": "0"}, False),
        ((), {"FORCE_COLOR": ""}, False),
        ((), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (("--no-color",), {"FORCE_COLOR": "1"}, False),
        (("-o", "json"), {"FORCE_COLOR": "1"}, False),
    ],
)
def test_a_pipe_gets_colour_where_it_is_forced(
    tmp_path: Path, options: tuple[str, ...], env: dict[str, str], *, colored: bool
) -> None:
    write(tmp_path / "webhooks", 1)
    plan = ("plan", "webhooks", "--local-file", "tenant.db", *options)
    ended = run(*plan, cwd=tmp_path, **{"NO_COLOR": "", **env})
    assert (ended.code, "\x1b[" in ended.out) == (0, colored)


def test_a_dumb_terminal_gets_neither_colour_nor_a_bar(tmp_path: Path) -> None:
    write(tmp_path / "webhooks", 3)
    ended = at_terminal(*RECONCILE, "--yes", cwd=tmp_path, TERM="dumb", NO_COLOR="")
    assert "Report: 3 created" in ended.out
    assert "\x1b" not in ended.out
    assert "\r" not in ended.out
    assert "100%" not in ended.out


@pytest.mark.parametrize("command", ["validate", "plan", "drift", "test"])
def test_the_current_folder_is_the_path_where_none_is_given(tmp_path: Path, command: str) -> None:
    write(tmp_path, 1)
    local = () if command == "validate" else ("--local-file", "tenant.db", "-o", "json")
    named, alone = (run(command, *paths, *local, cwd=tmp_path) for paths in ((".",), ()))
    assert alone.code == named.code
    assert command == "validate" or alone.json["summary"] == named.json["summary"]
    assert alone.code in {0, 7, 8}


def test_reconcile_needs_the_path_of_the_manifests(tmp_path: Path) -> None:
    write(tmp_path, 1)
    assert run("reconcile", "--yes", "--local-file", "tenant.db", cwd=tmp_path).code == 64
