"""Rows about manifests and about starting: load, validate, `--help`. No tenant here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.bench.material import big_files, single_files
from tests.bench.measure import BIN, PYTHON, Row, interleaved, process, worker
from tests.support.processes import ROOT

SCHEMA = ROOT / "schemas" / "webhook.schema.json"
RECONCILER, CHECKER = str(BIN / "reconciler"), str(BIN / "check-jsonschema")


def load(folder: Path, *, quick: bool) -> Iterator[Row]:
    """10,000 documents in ten files, each side in fresh processes of which only the work is
    measured.
    """
    count = 10_000
    big_files(folder / "big", count)

    def timed(work: str) -> float:
        took, found = worker(work, str(folder / "big"))
        assert found == count, (work, found)
        return took

    taken = interleaved(lambda: timed("load"), lambda: timed("bare"), 7 if quick else 11)
    yield taken.row("load + validate + decode 10,000 documents", "PyYAML CSafeLoader", 0.85)


def validate(folder: Path, *, quick: bool) -> Iterator[Row]:
    """Whole processes, one document a file, since check-jsonschema reads no more; the same schema
    on both sides.
    """
    names = single_files(folder / "single", 1000)
    for paths, label, budget, runs in (
        (names, "validate 1,000 files", 0.15, 1 if quick else 5),
        (names[:1], "validate one valid file", 0.45, 7 if quick else 15),
    ):
        ours = [RECONCILER, "validate", *(paths if len(paths) == 1 else ["."])]
        peer = [CHECKER, "--schemafile", str(SCHEMA), *paths]
        taken = interleaved(
            lambda ours=ours: process(ours, cwd=folder / "single"),  # type: ignore[misc]  # mypy cannot infer a lambda's default
            lambda peer=peer: process(peer, cwd=folder / "single", says="ok"),  # type: ignore[misc]  # mypy cannot infer a lambda's default
            runs,
        )
        yield taken.row(label, "check-jsonschema", budget)


def start(folder: Path, *, quick: bool) -> Iterator[Row]:
    """`--help` and `--version` against the cheapest start that a click program can have."""
    for flag, says in (("--help", "Usage"), ("--version", "reconciler ")):
        taken = interleaved(
            lambda flag=flag, says=says: process([RECONCILER, flag], cwd=folder, says=says),  # type: ignore[misc]  # mypy cannot infer a lambda's default
            lambda: process([PYTHON, "-c", "import click"], cwd=folder),
            9 if quick else 21,
        )
        yield taken.row(flag, 'python -c "import click"', 2.0)
