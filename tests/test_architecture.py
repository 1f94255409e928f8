"""The layers and the house rules of the code itself: sizes, imports, where secrets are revealed."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sqlite3
import subprocess
import sys
import typing
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from reconciler.tenant.store.database import Database
from reconciler.tenant.store.store import open_store

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "reconciler"
FILES = sorted(PACKAGE.rglob("*.py"))
CORE = sorted((PACKAGE / "core").rglob("*.py"))
# posixpath: joining and normalizing texts, no file is looked at; email: parsing the date of a
# header
CORE_MAY = {
    "__future__",
    "collections",
    "dataclasses",
    "datetime",
    "email",
    "enum",
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


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[str]:
    """Every imported module, in full, functions' own imports included."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}: a relative import"
            yield node.module or ""


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    yield from (
        node
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


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
    """Ruff counts branches, this counts characters; over the limit there may only be fewer."""
    sizes = {
        f"{name_of(path)}:{function.name}": size_of(
            function, path.read_text(encoding="utf-8").splitlines()
        )
        for path in FILES
        for function in functions(path)
    }
    assert {name: size for name, size in sizes.items() if size > 2_050} == {}
    assert len([name for name, size in sizes.items() if size > 1_200]) <= 23


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


def test_only_the_command_line_catches_the_root_of_the_errors() -> None:
    catchers = {
        name_of(path)
        for path in FILES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ExceptHandler)
        and node.type is not None
        and "ReconcilerError" in ast.unparse(node.type)
    }
    assert {name.split("/")[1] for name in catchers} <= {"cli"}


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
    assert rules == set(range(1, 17))
    assert wrong == []


def test_sql_stands_in_the_store_alone() -> None:
    outside = [path for path in FILES if not name_of(path).startswith("reconciler/tenant/store/")]
    sql = {"execute", "executemany", "executescript"}
    calls = (
        (path, node.func)
        for path in outside
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
    )
    asks = {
        name_of(path)
        for path, called in calls
        if isinstance(called, ast.Attribute) and called.attr in sql
    }
    assert asks == set()


# Modules of the store that others may import: none of their functions takes or gives a connection.
STORE_OFFERS = ("backup", "faults", "store", "values", "vault")
CONNECTIONS = {"Connection", "Cursor", "Database"}  # names of types that run SQL
REACHES = {"_database", "write_now", "executescript", "executemany", "execute"}


def uses_of_connections(source: str) -> set[str]:
    """How a module gets at a connection: by an import, by a type, or through the store's inside."""
    found: set[str] = set()
    # plain values of the same name: networks, ports and times
    plain = {"Connection"} if "from reconciler.connection import Connection\n" in source else set()
    connections = CONNECTIONS - plain
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import():
                found |= {alias.name for alias in node.names if is_of_the_store(alias.name)}
            case ast.ImportFrom():
                module = node.module or ""
                names = {f"{module}.{alias.name}" for alias in node.names}
                found |= {name for name in (module, *names) if is_of_the_store(name)}
                found |= {alias.name for alias in node.names if alias.name in connections}
            case ast.Attribute() if ast.unparse(node) == "h11.Connection":
                pass  # of a client of the server
            case ast.Name(id=name) | ast.Attribute(attr=name) if name in connections | REACHES:
                found.add(name)
            case ast.Constant(value=str(text)) if text in REACHES | {"sqlite3"}:
                found.add(text)  # getattr, import_module
            case ast.arg(annotation=ast.Constant(value=str(text))) if text in connections:
                found.add(text)
            case _:
                pass
    return found


def is_of_the_store(module: str) -> bool:
    """Whether a module is SQLite's, or one of the store's that work on connections."""
    if module.split(".", maxsplit=1)[0] in {"sqlite3", "_sqlite3"}:
        return True
    inside = module.removeprefix("reconciler.tenant.store.")
    return inside != module and inside.split(".")[0] not in STORE_OFFERS


def test_only_the_store_sees_a_connection() -> None:
    """Handlers, the engine and commands call named operations, which take plain values."""
    inside = "reconciler/tenant/store/"
    uses = {
        name_of(path): found
        for path in FILES
        if (found := uses_of_connections(path.read_text(encoding="utf-8")))
    }
    assert {name: found for name, found in uses.items() if not name.startswith(inside)} == {}
    assert len(uses) > 15, "what the store itself uses is no longer recognised"


@pytest.mark.parametrize(
    "source",
    [
        "import sqlite3",
        "import sqlite3.dbapi2 as db",
        "from sqlite3 import connect",
        "def f():\n    from sqlite3 import Row as R",
        "import importlib\nimportlib.import_module('sqlite3')",
        "from reconciler.tenant.store.rows import webhooks",
        "from reconciler.tenant.store import rows",
        "import reconciler.tenant.store.rows.webhooks as w",
        "from reconciler.tenant.store.database import Database as D",
        "from reconciler.tenant.store.operations.base import Operations",
        "def f(store): return store._database.read(lambda c: 1)",
        "def f(store): return getattr(store, '_database')",
        "def f(c: 'Connection') -> None: ...",
        "def f(c: db.Cursor) -> None: ...",
        "def f(c): c.execute('SELECT 1')",
        "from reconciler.connection import Connection\nfrom sqlite3 import Cursor",
        "from reconciler.connections import Connection",
    ],
)
def test_every_way_to_a_connection_is_found(source: str) -> None:
    assert uses_of_connections(source)


def types_in(hint: object) -> Iterator[object]:
    """A type and all types that it is made of, those of a callable's arguments included."""
    yield hint
    for part in typing.get_args(hint):
        for each in part if isinstance(part, list) else [part]:
            yield from types_in(each)


def offered() -> Iterator[tuple[str, dict[str, object]]]:
    """Every public function, method and class of what the store offers, with its types."""
    for path in sorted((PACKAGE / "tenant/store").rglob("*.py")):
        name = name_of(path).removesuffix(".py").replace("/", ".")
        if is_of_the_store(name) and ".operations." not in name:
            continue
        module = importlib.import_module(name)
        own = [value for value in vars(module).values() if getattr(value, "__module__", "") == name]
        classes = [value for value in own if inspect.isclass(value)]
        members = [item for holder in classes for item in vars(holder).items()]
        functions = [*members, *((value.__name__, value) for value in own if callable(value))]
        for called, value in functions:
            found = value.fget if isinstance(value, property) else value
            if not called.startswith("_") and (inspect.isfunction(found) or inspect.isclass(found)):
                yield f"{name}.{found.__qualname__}", typing.get_type_hints(found)


def test_what_the_store_offers_takes_and_gives_no_connection() -> None:
    """By the types of every public function and method; operations are what a store holds."""
    forbidden = (sqlite3.Connection, sqlite3.Cursor, sqlite3.Row, Database)
    found = dict(offered())
    wrong = {
        name
        for name, hints in found.items()
        for hint in hints.values()
        if any(part in forbidden for part in types_in(hint))
    }
    assert wrong == set()
    operations = "reconciler.tenant.store.operations"
    assert {f"{operations}.webhooks.Webhooks.create", f"{operations}.queue.Queue.claim"} <= {*found}
    assert len(found) > 80
    assert any(part is Database for part in types_in(Callable[[Database], None]))


def test_an_open_store_has_its_connections_out_of_sight(tmp_path: Path) -> None:
    with open_store(str(tmp_path / "tenant.db")) as store:
        public = {name: value for name, value in vars(store).items() if not name.startswith("_")}
        assert {"webhooks", "deliveries", "queue", "sessions"} <= set(public)
        for value in public.values():
            names = {name for name in dir(value) if not name.startswith("_")}
            held = [getattr(value, name) for name in names]
            assert not any(
                isinstance(each, sqlite3.Connection | Database) for each in [value, *held]
            )


def test_no_module_lists_its_callers() -> None:
    listed = re.compile(r"\b(Called|Used|Asked|Imported) by `")
    assert [
        name_of(path) for path in FILES if listed.search(ast.get_docstring(tree(path)) or "")
    ] == []
