"""The systemd unit of the agent: systemd accepts it, and its command is one that the agent takes."""

from __future__ import annotations

import configparser
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from reconciler.cli.commands.agent import AgentOptions, command
from tests.support.processes import ROOT

UNIT = ROOT / "examples" / "agent" / "reconciler-agent.service"
PROGRAM = "/usr/local/lib/reconciler/bin/reconciler"


class Parser(configparser.RawConfigParser):
    """A key may occur several times: the last one stays, which is enough here."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def read_unit() -> dict[str, str]:
    """The section Service."""
    parser = Parser(strict=False, delimiters=("=",), comment_prefixes=("#",))
    parser.read_string(UNIT.read_text().replace("\\\n", " "))
    return dict(parser["Service"])


def test_its_command_is_one_that_the_agent_takes() -> None:
    program, name, *arguments = shlex.split(read_unit()["ExecStart"])
    assert (program, name) == (PROGRAM, "agent")
    context = command.make_context("agent", arguments)
    assert isinstance(context, click.Context)
    assert context.params["state"] == "${STATE_DIRECTORY}"


def test_systemd_waits_longer_than_the_agent_needs_to_end() -> None:
    unit = read_unit()
    grace = float(unit["ExecStart"].split("--grace ")[1].split()[0])
    assert grace == AgentOptions().loop.grace
    assert float(unit["TimeoutStopSec"]) >= grace + 10
    assert unit["KillSignal"] == "SIGTERM"
    assert unit["Type"] == "exec"


def test_it_is_hardened() -> None:
    unit = read_unit()
    assert unit["DynamicUser"] == "yes"
    assert unit["ProtectSystem"] == "strict"
    assert unit["CapabilityBoundingSet"] == ""
    assert unit["StateDirectory"] == "reconciler"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_accepts_it(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace(PROGRAM, "/bin/true"))  # a program that is there
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(unit)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
