"""Which files are read, in which order, and what cannot be read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.core.errors import InvalidManifests
from reconciler.core.model.problem import Problem
from reconciler.manifests import load
from tests.manifests.test_load import AUTH, read, rules, tenant, webhook
from tests.support.requests import make_request


def problems_of(*paths: Path) -> tuple[Problem, ...]:
    try:
        return load(make_request(paths=tuple(map(str, paths)), lenient=True)).problems
    except InvalidManifests as error:
        return error.problems


def test_a_pipe_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    for path in (tmp_path, tmp_path / "pipe.yaml"):
        assert [(p.rule, p.message, p.hint) for p in problems_of(path)] == [
            (
                "path/unreadable",
                "cannot be read: not a regular file",
                "pipe it in: - stands for standard input",
            )
        ]
    assert [p.message for p in problems_of(Path("/dev/zero"))] == [
        "cannot be read: not a regular file"
    ]


def test_a_broken_link_is_reported_since_its_manifests_would_count_as_removed(
    tmp_path: Path,
) -> None:
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere")
    assert [(Path(p.origin.file).name, p.message) for p in problems_of(tmp_path)] == [
        ("gone.yaml", "cannot be read: No such file or directory")
    ]


def test_a_folder_is_read_in_name_order_and_the_later_of_two_is_at_fault(tmp_path: Path) -> None:
    read(tmp_path, {"a/x.yaml": webhook("same"), "b.yaml": webhook("other")})
    (tmp_path / "b.yaml").write_text(webhook("same"))
    (problem,) = problems_of(tmp_path)
    assert Path(problem.origin.file).name == "b.yaml"
    assert "x.yaml:3:18" in problem.message  # where the name stands


def test_links_in_a_circle_and_a_folder_with_a_file_name_are_walked_once(tmp_path: Path) -> None:
    found = read(tmp_path, {"x.yaml/a.yaml": webhook("one")})
    (tmp_path / "x.yaml" / "loop").symlink_to(tmp_path)
    (tmp_path / "self.yaml").symlink_to(tmp_path / "self.yaml")
    assert len(found.declared) == 1
    assert [p.message for p in problems_of(tmp_path)] == [
        "cannot be read: Too many levels of symbolic links"
    ]


def test_a_file_named_twice_and_found_in_a_folder_is_read_once(tmp_path: Path) -> None:
    read(tmp_path, {"a.yaml": webhook("one")})
    path = str(tmp_path / "a.yaml")
    assert load(make_request(paths=(path, str(tmp_path), path))).documents == 1


@pytest.mark.parametrize(
    "name",
    [
        b"\xff.yaml",
        b"\x1b[31m.yaml",
        "\u202ea.yaml".encode(),
        b"/".join([b"x" * 200] * 6) + b".yaml",
    ],
)
def test_a_path_that_no_tenant_takes_as_a_source_is_reported_before_anything_is_sent(
    tmp_path: Path, name: bytes
) -> None:
    file = tmp_path / os.fsdecode(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(webhook("one"))
    tenant_file = tmp_path / "t.yaml"
    tenant_file.write_text(tenant("here"))
    assert [(problem.rule, problem.origin.line) for problem in problems_of(tmp_path)] == [
        ("path/name", 1)
    ]


@pytest.mark.parametrize("name", ["é.yaml", "a b.yaml", "日本.yaml", "::x.yaml"])
def test_other_names_of_files_are_fine(tmp_path: Path, name: str) -> None:
    read(tmp_path, {name: webhook("one")})
    assert problems_of(tmp_path) == ()


def test_an_empty_path_as_of_a_variable_that_is_not_set_is_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(tmp_path, {"a.yaml": webhook("one")})
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidManifests) as refused:
        load(make_request(paths=("",)))
    (problem,) = refused.value.problems
    assert (problem.rule, problem.message) == ("path/missing", "no such file or folder")
    assert (
        problem.hint == "a PATH is empty, as of a variable that is not set; . is the current folder"
    )


@pytest.mark.parametrize("given", ["endless", "closed"])
def test_standard_input_that_never_ends_or_is_closed_is_a_problem(
    given: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "reconciler", "validate", "-"]
    if given == "closed":
        command = ["sh", "-c", 'exec "$@" <&-', "sh", *command]
    with Path("/dev/zero").open("rb") as zero:
        ended = subprocess.run(
            command, stdin=zero, capture_output=True, text=True, check=False, timeout=60
        )
    said = {
        "endless": "<stdin>:1:1: error: the file has over 10 MiB [yaml/limit]",
        "closed": "standard input cannot be read",
    }
    assert ended.returncode == 1
    assert said[given] in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("text", "value"),
    [(b"x\n\n", "x\n"), (b"x\r\n", "x"), (b"x", "x"), (b"\n", ""), (b"x\0y\n", "x\0y")],
)
def test_exactly_one_newline_at_the_end_of_a_secret_file_is_dropped(
    tmp_path: Path, text: bytes, value: str
) -> None:
    (tmp_path / "secret").write_bytes(text)
    files = {"a.yaml": webhook("one", AUTH % "{fromFile: secret}")}
    fine = value == "x"
    assert rules(tmp_path, files, secrets="require") == (
        [] if fine else [("auth/credential", "error")]
    )
    if fine:
        auth = read(tmp_path, files, secrets="require").declared[0].spec.auth
        assert auth.token.reveal() == value  # type: ignore[union-attr]  # a bearer's


def test_validate_with_secrets_misses_every_reference_where_it_stands_in_order(
    tmp_path: Path,
) -> None:
    missing = "url: https://t.example.com\n  token: {fromEnv: NO_TOKEN}"
    files = {
        "t.yaml": tenant("main").replace("local: main.db", missing),
        "a.yaml": webhook(
            "one",
            "url: {fromEnv: NO_URL}",
            "auth: {type: basic, username: {fromEnv: NO_USER}, password: {fromFile: no}}",
        ),
    }
    read(tmp_path, files)
    command = [
        sys.executable,
        "-m",
        "reconciler",
        "validate",
        str(tmp_path),
        "--secrets",
        "-o",
        "json",
    ]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    found = [
        (Path(p["file"]).name, p["line"], p["pointer"], p["severity"])
        for p in json.loads(ended.stdout)["problems"]
    ]
    assert ended.returncode == 1
    assert found == [
        ("a.yaml", 5, "/spec/url", "error"),
        ("a.yaml", 6, "/spec/auth/username", "error"),
        ("a.yaml", 6, "/spec/auth/password", "error"),
        ("t.yaml", 6, "/spec/token", "error"),
    ]
