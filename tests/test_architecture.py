"""The layers and the house rules of the code itself: sizes, imports, where secrets are revealed."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.source_files import CORE, FILES, PACKAGE, ROOT, functions, imports, name_of, tree

# posixpath: joining and normalizing texts, no file is looked at; email: parsing the date of a
# header; fnmatch: comparing a text with a pattern
CORE_MAY = {
    "__future__",
    "base64",
    "collections",
    "dataclasses",
    "datetime",
    "email",
    "enum",
    "fnmatch",
    "fractions",
    "functools",
    "graphlib",
    "hashlib",
    "hmac",
    "itertools",
    "json",
    "operator",
    "posixpath",
    "re",
    "typing",
    "unicodedata",
    "urllib",
}


def who_imports(*modules: str) -> set[str]:
    return {
        name_of(path)
        for path in FILES
        if {found.split(".")[0] for found in imports(path)} & set(modules)
    }


def test_the_package_is_found() -> None:
    assert len(FILES) > 40
    assert {path.name for path in CORE} >= {
        "webhook.py",
        "secret.py",
        "diff.py",
        "plan.py",
        "checks.py",
        "reports.py",
        "change.py",
    }


def test_no_file_is_over_14_000_characters() -> None:
    """About 300 lines; a file that grows past it is split by subject, not squeezed."""
    sizes = {name_of(path): len(path.read_text(encoding="utf-8")) for path in FILES}
    assert {name: size for name, size in sizes.items() if size > 14_000} == {}


def size_of(function: ast.FunctionDef | ast.AsyncFunctionDef, lines: list[str]) -> int:
    """Its characters, without docstring and indentation."""
    docstring = (ast.get_docstring(function, clean=False) or "").splitlines()
    body = lines[function.lineno - 1 : function.end_lineno]
    return sum(len(line.strip()) + 1 for line in body) - sum(
        len(line.strip()) + 1 for line in docstring
    )


def test_functions_do_one_thing() -> None:
    """Ruff counts branches, this counts characters."""
    sizes = {
        f"{name_of(path)}:{function.name}": size_of(
            function, path.read_text(encoding="utf-8").splitlines()
        )
        for path in FILES
        for function in functions(path)
    }
    assert {name: size for name, size in sizes.items() if size > 1_200} == {}


def test_every_module_says_what_it_is() -> None:
    assert [name_of(path) for path in FILES if not ast.get_docstring(tree(path))] == []


def test_secrets_are_revealed_in_three_places_only() -> None:
    """docs/security.md, by any way of asking: a call, a method handed on, `getattr`, or the
    attribute behind it.
    """
    asks = {name_of(path) for path in FILES if re.search(r"\breveal\b(?=\W)", code_of(path))}
    assert asks == {
        "reconciler/core/wire/revealed.py",
        "reconciler/core/wire/webhooks.py",
        "reconciler/delivery/send.py",
        "reconciler/core/model/secret.py",
    }
    inside = {
        name_of(path) for path in FILES for node in ast.walk(tree(path)) if reaches_inside(node)
    }
    assert inside <= {"reconciler/core/model/secret.py"}


def code_of(path: Path) -> str:
    """The code without its comments and docstrings."""
    copy = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(copy):
        body = getattr(node, "body", None)
        if (
            isinstance(body, list)
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
        ):
            body[0] = ast.Pass()
    return ast.unparse(copy)


def reaches_inside(node: ast.AST) -> bool:
    """Another object's `_value`, which is where a Secret keeps it."""
    return (
        isinstance(node, ast.Attribute)
        and node.attr == "_value"
        and not (isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"})
    )


def test_only_six_modules_speak_http() -> None:
    delivery = {f"reconciler/delivery/{name}.py" for name in ("send", "guard", "tls", "tunnel")}
    client = {f"reconciler/providers/http/{name}.py" for name in ("client", "transport")}
    assert who_imports("httpx", "httpcore") == delivery | client


def test_only_one_module_imports_the_vaults_library() -> None:
    assert who_imports("hvac", "requests", "urllib3") == {
        "reconciler/manifests/secret_sources/vault_client.py"
    }


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.name)
def test_core_imports_only_what_is_pure(path: Path) -> None:
    foreign = {
        found
        for found in imports(path)
        if found.split(".")[0] not in CORE_MAY and not found.startswith("reconciler.core")
    }
    assert foreign <= ({"deepdiff"} if path.name == "diff.py" else set())


def test_core_imports_deepdiff_inside_a_function_only() -> None:
    top = [
        node
        for node in tree(PACKAGE / "core/planning/diff.py").body
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert "deepdiff" not in {alias.name for node in top for alias in node.names}
    assert "deepdiff" in set(imports(PACKAGE / "core/planning/diff.py"))


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.name)
def test_core_neither_waits_nor_reads_nor_prints(path: Path) -> None:
    assert not [
        node for node in ast.walk(tree(path)) if isinstance(node, ast.AsyncFunctionDef | ast.Await)
    ]
    called = {
        node.func.id
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not called & {"open", "print", "input", "eval", "exec", "__import__"}


def test_only_the_command_line_and_the_controller_catch_the_root_of_the_errors() -> None:
    catchers = {
        name_of(path)
        for path in FILES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ExceptHandler)
        and node.type is not None
        and "ReconcilerError" in ast.unparse(node.type)
    }
    assert {name.split("/")[1] for name in catchers} <= {"cli", "continuous"}


def test_every_suppression_names_its_rule_and_says_why() -> None:
    marker = re.compile(
        r"# ?(?:noqa(?:: [A-Z]+[0-9]+(?:, [A-Z]+[0-9]+)*)?|type: ignore(?:\[[a-z, -]+\])?|pragma: no cover)"
    )
    silent = []
    for path in FILES:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            found = list(marker.finditer(line))
            bare = any(mark.group().endswith(("noqa", "ignore")) for mark in found)
            if found and (bare or not line[found[-1].end() :].strip(" #")):
                silent.append(f"{name_of(path)}:{number}")
    assert silent == []


def test_every_rule_of_a_plan_has_a_test_that_names_it() -> None:
    """In its name (`test_rule_07_…`): there are 16 rules."""
    tests = [
        found.name for path in (ROOT / "tests").rglob("test_*.py") for found in functions(path)
    ]
    named = {
        int(number)
        for name in tests
        for rules in re.findall(r"_rule((?:_\d\d)+)_", name)
        for number in rules[1:].split("_")
    }
    assert named == set(range(1, 17))


def test_the_import_contracts_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout
    assert re.search(r"Contracts: \d+ kept, 0 broken", done.stdout)


def test_code_cites_only_documents_that_are_here_and_rules_that_exist() -> None:
    rules = {
        int(number)
        for number in re.findall(
            r"^(\d+)\. \*\*",
            (ROOT / "docs/plan-rules.md").read_text(encoding="utf-8"),
            re.MULTILINE,
        )
    }
    wrong = []
    for path in [*FILES, *(ROOT / "tests").rglob("*.py")]:
        text = path.read_text(encoding="utf-8")
        wrong += [f"{name_of(path)}: {cited}" for cited in re.findall(r"[Dd]esign §\d+", text)]
        wrong += [
            f"{name_of(path)}: {cited}"
            for cited in re.findall(r"\bdocs/[\w-]+\.md", text)
            if not (ROOT / cited).exists()
        ]
        cited = {
            int(number)
            for found in re.findall(r"plan-rules\.md, rules? ([\d, toand]+)", text)
            for number in re.findall(r"\d+", found)
        }
        wrong += [f"{name_of(path)}: rule {number}" for number in cited - rules]
    assert rules == set(range(1, 18))
    assert wrong == []


def test_no_module_lists_its_callers() -> None:
    listed = re.compile(r"\b(Called|Used|Asked|Imported) by `")
    assert [
        name_of(path) for path in FILES if listed.search(ast.get_docstring(tree(path)) or "")
    ] == []
