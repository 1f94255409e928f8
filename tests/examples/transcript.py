"""Runs what a README shows: its ```console blocks in one real POSIX shell, compared with the output
printed below each command.

Used by the tests beside it. A line that is only `...` stands for any lines; durations and digests
are not compared. Every command must exit 0. Comments in the Markdown say what else is meant: `<!--
file: PATH -->` before a block that a reader saves as that file, `<!-- another terminal -->` before
a command that goes on running, `<!-- by hand: … -->` before what comes after somebody edited
something at the tenant. RECONCILER_UPDATE_GOLDENS=1 writes the real output.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.processes import environment

UPDATE = bool(os.environ.get("RECONCILER_UPDATE_GOLDENS"))
_BLOCK = re.compile(
    r"(?:<!-- (?P<note>[^\n]*) -->\n+)?```(?P<kind>\w+)\n(?P<text>.*?)\n?```", re.DOTALL
)
_MOVING = (
    (re.compile(r"\d+\.\d\d s\b"), "0.00 s"),
    (re.compile(r"sha256:[0-9a-f]{64}"), "sha256:0"),
    (re.compile(r"\([0-9a-f]{12}\)"), "(commit)"),
)
_PORTS = ("8080", "9000")
_END = "--- the command ended with"


@dataclass
class Step:
    """One command and the lines printed below it."""

    command: str
    expected: list[str]


@dataclass
class Ran:
    """What came of a transcript: each command with its real output, in order, and the text with it
    in place.
    """

    outputs: list[tuple[str, list[str]]] = field(default_factory=list)
    text: str = ""


def steps(text: str) -> list[Step]:
    """The commands of a console block."""
    found: list[Step] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append(Step(line[2:], []))
        else:
            found[-1].expected.append(line)
    return found


def still(text: str) -> str:
    """Without what differs from run to run."""
    for pattern, instead in _MOVING:
        text = pattern.sub(instead, text)
    return text


def matches(expected: list[str], got: list[str]) -> bool:
    """Whether the output is the printed one."""
    pattern = "".join(
        r"(?:.*\n)*" if line == "..." else re.escape(still(line) + "\n") for line in expected
    )
    return re.fullmatch(pattern, "".join(still(line) + "\n" for line in got)) is not None


class Terminal:
    """A real shell in a folder, with the command on PATH; what it starts in other terminals is
    ended with it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = {port: str(_free_port()) for port in _PORTS}
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        self.env = environment(PATH=path, HOME=str(folder), PYTHONWARNINGS="error")
        self.shell = self._start(["sh"], folder, stdin=subprocess.PIPE)
        self.others: list[subprocess.Popen[str]] = []

    def _start(self, command: list[str], folder: Path, stdin: int) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=self.env,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def to_real(self, text: str) -> str:
        """With the ports of this run in place of the printed ones."""
        for printed, real in self.ports.items():
            text = text.replace(printed, real)
        return text

    def to_printed(self, text: str) -> str:
        """The other way round."""
        for printed, real in self.ports.items():
            text = text.replace(real, printed)
        return text

    def run(self, command: str) -> tuple[list[str], int]:
        """Output lines and exit code of a command, as typed."""
        assert self.shell.stdin is not None
        assert self.shell.stdout is not None
        self.shell.stdin.write(
            f"{{ {self.to_real(command)}\n}} </dev/null\nprintf '\\n{_END} %s\\n' \"$?\"\n"
        )
        self.shell.stdin.flush()
        lines: list[str] = []
        for line in self.shell.stdout:
            if line.startswith(_END):
                return _printed(lines, self), int(line.removeprefix(_END))
            lines.append(line.removesuffix("\n"))
        raise AssertionError(f"the shell ended at: {command}\n" + "\n".join(lines))

    def start(self, command: str, count: int) -> list[str]:
        """Starts a command in another terminal, in the folder where this one stands; its first
        `count` lines.
        """
        where = Path(self.run("pwd")[0][0])
        process = self._start(
            ["sh", "-c", f"exec {self.to_real(command)}"], where, stdin=subprocess.DEVNULL
        )
        self.others.append(process)
        assert process.stdout is not None
        lines = [
            self.to_printed(process.stdout.readline().removesuffix("\n")) for _ in range(count)
        ]
        assert "Traceback" not in lines[0], process.communicate()[0]
        return lines

    def write(self, path: str, text: str) -> None:
        """Saves a file where the shell stands."""
        file = Path(self.run("pwd")[0][0], path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(self.to_real(text) + "\n")

    def close(self) -> None:
        """Ends the shell, and every process of the other terminals, each by its own group."""
        for process in self.others:
            os.killpg(process.pid, signal.SIGTERM)
            process.communicate(timeout=30)
        self.shell.communicate("exit\n", timeout=30)


def _printed(lines: list[str], terminal: Terminal) -> list[str]:
    if lines and not lines[-1]:
        lines.pop()  # the line break before the end mark
    return [terminal.to_printed(line) for line in lines]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


@contextmanager
def terminal_in(folder: Path) -> Iterator[Terminal]:
    """A terminal, closed at the end."""
    terminal = Terminal(folder)
    try:
        yield terminal
    finally:
        terminal.close()


def play(text: str, terminal: Terminal, by_hand: Callable[[str], None] | None = None) -> Ran:
    """Runs a README's blocks in order; asserts every exit code, and every output unless it is to be
    rewritten.
    """
    ran, parts, at = Ran(), [], 0
    for block in _BLOCK.finditer(text):
        note, kind, body = block["note"] or "", block["kind"], block["text"]
        parts.append(text[at : block.start()])
        at = block.end()
        shown = block[0]
        if by_hand is not None and note.startswith("by hand: "):
            by_hand(note.removeprefix("by hand: "))
        if note.startswith("file: "):
            terminal.write(note.removeprefix("file: "), body)
        elif kind == "console":
            lines = list(_lines(body, terminal, ran, other=note == "another terminal"))
            shown = shown.replace(body, "\n".join(lines)) if UPDATE else shown
        parts.append(shown)
    ran.text = "".join(parts) + text[at:]
    return ran


def _lines(body: str, terminal: Terminal, ran: Ran, *, other: bool) -> Iterator[str]:
    for step in steps(body):
        if other:
            got = terminal.start(step.command, max(1, len(step.expected)))
        else:
            got, code = terminal.run(step.command)
            assert code == 0, f"$ {step.command}\nended with {code}\n" + "\n".join(got)
        ran.outputs.append((step.command, got))
        same = matches(step.expected, got)
        assert same or UPDATE, f"$ {step.command}\n" + "\n".join(
            [*got, "--- but printed is", *step.expected]
        )
        yield f"$ {step.command}"
        yield from step.expected if same else got
