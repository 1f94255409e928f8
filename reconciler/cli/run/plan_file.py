"""The file of a saved plan: read without trusting it, written whole or not at all.

What is in it is decided in `core/saved/plan_file.py`.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, NoReturn

import click

from reconciler import __version__
from reconciler.cli.run import source
from reconciler.core.change import Plan
from reconciler.core.errors import InvalidPlanFile
from reconciler.core.model.secret import Secret
from reconciler.core.saved.plan_file import opened, saved_plan, sealed
from reconciler.core.saved.plan_reading import Saved, read_plan
from reconciler.manifests.decode.saved_webhooks import saved_webhooks
from reconciler.manifests.files.trees import open_regular
from reconciler.manifests.schemas.saved_plan import fault_of
from reconciler.rendering import document

if TYPE_CHECKING:  # `show` starts faster without what reads manifests
    from reconciler.cli.run.prepare import Prepared

SIZE: Final = 256 * 1024 * 1024  # bytes; 10,000 creates are about 20 MiB


@contextmanager
def reserved(path: str | None) -> Iterator[IO[str] | None]:
    """A file beside `path` that takes its place at the end, if it was written; raises UsageError
    where none can stand.

    Opened before anything else is done, so that no plan is lost to a path that cannot be written.
    Its mode is 0600.
    """
    if path is None:
        yield None
        return
    target = _check_target(path)
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:50]}.")
    except OSError as error:
        raise click.UsageError(f"--out {path}: {os.strerror(error.errno or 0)}") from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            yield file
            written = file.tell() > 0
            file.flush()
            os.fsync(file.fileno())
        if written:
            Path(name).replace(target)
    finally:
        Path(name).unlink(missing_ok=True)


def _check_target(path: str) -> Path:
    """The path of a plan; raises UsageError where no file can stand."""
    if not path or "\0" in path:
        raise click.UsageError("--out: is no path")
    target = Path(path)
    if (link := _link(target)) is not None:
        raise click.UsageError(
            f"--out {path}: {link} is a link, and a plan is never written through one; "
            "name the file itself"
        )
    if target.exists() and not target.is_file():
        raise click.UsageError(f"--out {path}: is not a regular file")
    return target


def _link(path: Path) -> Path | None:
    """The link by which a path leads elsewhere: of a relative path each step is looked at, since a
    checkout may hold links.
    """
    steps = [path] if path.is_absolute() else [path, *path.parents]
    return next((step for step in steps if step.is_symlink()), None)


def write(file: IO[str], plan: Plan, prepared: Prepared) -> None:
    """The plan, with what is needed to plan it again."""
    body = saved_plan(
        plan,
        prepared.policy,
        document=document.plan_document(plan),
        manifests=saved_webhooks(plan.pending, prepared.manifests),
        program=__version__,
    )
    file.write(document.to_json(sealed(body, plan.fingerprint_key)) + "\n")


def read(path: str, *, apply: bool) -> Saved:
    """The plan in a file; raises InvalidPlanFile for anything else."""
    try:
        saved = decoded(_bytes(path), source.fingerprint_key(), apply=apply)
    except InvalidPlanFile as error:
        raise InvalidPlanFile(f"{path}: {error}") from None
    if apply and saved.program != __version__:
        why = (
            f"was saved by reconciler {saved.program}, this is {__version__}; plan again "
            "with this one"
        )
        raise InvalidPlanFile(f"{path}: {why}")
    return saved


def decoded(data: bytes, key: Secret | None, *, apply: bool) -> Saved:
    """The plan in the bytes of a file; raises InvalidPlanFile for anything else."""
    value = _value(data)
    body = opened(value, key, apply=apply)
    if (place := fault_of(value)) is not None:
        raise InvalidPlanFile(f"is not a plan that this program saves: {place}")
    return read_plan(body)


def _bytes(path: str) -> bytes:
    try:
        with open_regular(path) as file:
            data = file.read(SIZE + 1)
    except OSError as error:
        raise InvalidPlanFile(f"cannot be read: {error.strerror}") from None
    except ValueError:
        raise InvalidPlanFile("is not a path") from None
    if len(data) > SIZE:
        raise InvalidPlanFile(f"has over {SIZE // 1024 // 1024} MiB")
    return data


def _value(data: bytes) -> Any:
    try:
        return json.loads(data.decode(), object_pairs_hook=_once, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise InvalidPlanFile("is not JSON, or was cut short") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; what says a field twice shows people the one and programs the other."""
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a field twice")
    return fields


def _refuse(_text: str) -> NoReturn:
    raise ValueError("no JSON number")
