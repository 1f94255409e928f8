"""The run that is under way, for each log line that comes of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_RUN: Final[ContextVar[dict[str, str]]] = ContextVar("run")


@contextmanager
def running(run: str, tenant: str) -> Iterator[None]:
    """While the block runs, its log lines belong to this run, also those of other packages and
    threads that it calls.
    """
    token = _RUN.set({"run": run, "tenant": tenant})
    try:
        yield
    finally:
        _RUN.reset(token)


def add_run(record: logging.LogRecord) -> bool:
    """A filter of log handlers: gives a record the fields of its run, if it belongs to one."""
    record.fields = {**_RUN.get({}), **getattr(record, "fields", {})}
    return True
