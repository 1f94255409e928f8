"""SQL and connections stay in the embedded tenant's store."""

from __future__ import annotations

import ast
import importlib
import inspect
import sqlite3
import typing
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.tenant.store.database import Database
from reconciler.tenant.store.store import open_store
from tests.support.source_files import FILES, PACKAGE, name_of, tree


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
