"""Files that would have been passed over: empty, a pointer, a text; and lists of manifests, which
are read as their items.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.core.errors import InvalidManifests
from reconciler.manifests import load
from tests.manifests.test_load import EVENT, read, webhook
from tests.manifests.test_paths import problems_of
from tests.support.requests import make_request

POINTER = (
    "version https://git-lfs.github.com/spec/v1\noid "
    "sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1\nsize 12345\n"
)


def places(*paths: Path) -> list[tuple[str, int, int, str]]:
    return [
        (Path(p.origin.file).name, p.origin.line, p.origin.column, p.rule)
        for p in problems_of(*paths)
    ]


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize(
    ("text", "rule", "hint"),
    [
        ("", "path/empty-file", "restore the manifest, or delete the file"),
        (POINTER, "path/lfs-pointer", "run git lfs pull"),
        ("just words\n", "document/not-a-mapping", "a manifest is a mapping"),
        ("12\n", "document/not-a-mapping", "a manifest is a mapping"),
        ("true\n", "document/not-a-mapping", "a manifest is a mapping"),
        ("[a, b]\n", "document/not-a-mapping", "a manifest is a mapping"),
        ("- hosts: all\n  tasks: []\n", "document/not-a-mapping", "a manifest is a mapping"),
    ],
)
def test_what_is_no_manifest_is_an_error_of_its_own(
    tmp_path: Path, text: str, rule: str, hint: str, named: bool
) -> None:
    read(tmp_path, {"a.yaml": webhook("one")})
    (tmp_path / "b.yaml").write_text(text)
    paths = (tmp_path / "a.yaml", tmp_path / "b.yaml") if named else (tmp_path,)
    (problem,) = problems_of(*paths)
    assert (Path(problem.origin.file).name, problem.origin.line, problem.origin.column) == (
        "b.yaml",
        1,
        1,
    )
    assert (problem.rule, problem.severity) == (rule, "error")
    assert (problem.hint or "").startswith(hint)


@pytest.mark.parametrize(
    "text",
    ["# nothing\n", "---\n---\n", "\n", "apiVersion: v1\nkind: ConfigMap\n", "[]\n", "a: 1\n"],
)
def test_comments_and_documents_of_others_are_no_error_in_a_folder(
    tmp_path: Path, text: str
) -> None:
    found = read(tmp_path, {"a.yaml": webhook("one"), "b.yaml": text})
    assert [item.key for item in found.declared] == ["one"]
    assert found.read_files == {f"{tmp_path}/a.yaml": True, f"{tmp_path}/b.yaml": False}


def test_a_list_of_manifests_is_read_as_its_items_with_their_places(here: Path) -> None:
    items = [webhook("one"), webhook("two", "nonsense: 1"), "apiVersion: v1\nkind: ConfigMap\n"]
    text = "".join("- " + item.replace("\n", "\n  ").rstrip() + "\n" for item in items)
    (here / "a.yaml").write_text(text)
    (problem,) = problems_of(here)
    line = next(
        number for number, content in enumerate(text.splitlines(), 1) if "nonsense" in content
    )
    assert (problem.rule, problem.pointer, problem.origin.line) == (
        "schema/additionalProperties",
        "/spec/nonsense",
        line,
    )
    (here / "a.yaml").write_text(text.replace("    nonsense: 1\n", ""))
    found = load(make_request((".",)))
    assert [(item.key, item.origin.line, item.origin.column) for item in found.declared] == [
        ("one", 1, 3),
        ("two", 7, 3),
    ]
    assert (found.documents, found.skipped) == (2, 1)
    assert [item.sources for item in found.declared] == [("a.yaml",), ("a.yaml",)]


def test_a_list_as_terraform_prints_it_is_read(tmp_path: Path) -> None:
    event = {"type": "elastio:recovery-point:create:started", "version": "v0", "severity": "info"}
    items = [
        {
            "apiVersion": "webhooks.reconciler/v1",
            "kind": "Webhook",
            "metadata": {"name": name},
            "spec": {"url": f"https://hooks.example.com/{name}", "events": [event]},
        }
        for name in ("one", "two")
    ]
    (tmp_path / "output.json").write_text(json.dumps(items))
    assert [item.key for item in load(make_request((str(tmp_path),))).declared] == ["one", "two"]


@pytest.mark.parametrize("item", ["12", "null", "words", "[a]", "{hosts: all}", "true"])
def test_an_item_that_is_no_manifest_is_an_error_at_its_place(tmp_path: Path, item: str) -> None:
    head = "apiVersion: webhooks.reconciler/v1, kind: Webhook, metadata: {name: one}"
    spec = f"url: 'https://hooks.example.com', events: [{EVENT}]"
    (tmp_path / "a.yaml").write_text(f"- {{{head}, spec: {{{spec}}}}}\n- {item}\n")
    assert places(tmp_path) == [("a.yaml", 2, 3, "document/not-a-mapping")]


def test_beyond_a_thousand_items_that_are_none_the_last_problem_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("- {kind: Webhook}\n" + "- 1\n" * 3_000)
    found = problems_of(tmp_path)
    assert len(found) == 1_001
    assert next(p.message for p in found if p.rule == "document/limit").startswith(
        "over 1,000 problems"
    )


def test_an_empty_standard_input_beside_a_folder_is_no_file_of_zero_bytes(tmp_path: Path) -> None:
    read(tmp_path, {"a.yaml": webhook("one")})
    found = load(make_request((str(tmp_path), "-"), stdin=b""))
    assert found.read_files == {f"{tmp_path}/a.yaml": True, "<stdin>": False}
    with pytest.raises(InvalidManifests) as refused:
        load(make_request((str(tmp_path), "-"), stdin=b"words"))
    assert [(p.origin.file, p.rule) for p in refused.value.problems] == [
        ("<stdin>", "document/not-a-mapping")
    ]


def test_the_file_that_the_output_goes_to_may_be_empty_as_yet(tmp_path: Path) -> None:
    read(tmp_path, {"a.yaml": webhook("one")})
    command = [sys.executable, "-m", "reconciler", "validate", ".", "-o", "json"]
    with (tmp_path / "out.json").open("wb") as out:
        ended = subprocess.run(command, cwd=tmp_path, stdout=out, check=False)
    assert ended.returncode == 0
    assert json.loads((tmp_path / "out.json").read_text())["problems"] == []
