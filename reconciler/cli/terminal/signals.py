"""Ctrl-C and SIGTERM: both end a command the same way, wherever it is. Called by every command that
talks to a tenant.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from reconciler.cli.terminal.logs import start_logging_of_command

T = TypeVar("T")
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def run(main: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`, but SIGTERM too raises KeyboardInterrupt, so that it is reported and
    cleaned up after.
    """
    return run_made(lambda: main)


def run_made(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """The same for a coroutine that is made only once a signal can no longer come between making
    and awaiting it.

    SIGTERM becomes a Ctrl-C, which asyncio lets the running tasks end by; raised in the middle of
    one of them it would be lost there. A script's background job is started with SIGINT ignored;
    there too both signals must end a run with its report.
    """
    start_logging_of_command()
    signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # which asyncio looks for, and replaces by its own
    signal.signal(signal.SIGTERM, lambda _number, _frame: signal.raise_signal(signal.SIGINT))
    signal.pthread_sigmask(
        signal.SIG_BLOCK, _SIGNALS
    )  # one that comes while the loop is being made waits until it is there
    try:
        return asyncio.run(_interruptibly(make))
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


class _Unawaited(ThreadPoolExecutor):
    """Runs each call in a daemon thread: a resolver that hangs keeps neither the event loop nor the
    process from ending.
    """

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Starts the call at once."""
        future: Future[T] = Future()

        def work() -> None:
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001  it is the awaiting task's
                future.set_exception(error)
            else:
                future.set_result(result)

        if future.set_running_or_notify_cancel():
            threading.Thread(target=work, daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002, FBT002  its signature
        """Waits for nothing."""
        super().shutdown(wait=False, cancel_futures=cancel_futures)


async def _interruptibly(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Awaits what is made; a connection that fails in the very moment of Ctrl-C must not make the
    command forget it.
    """
    loop = asyncio.get_running_loop()
    # With a handler of its own, of a signal that does nothing else, the loop is woken by every
    # signal. Without one, a Ctrl-C in the moment before it goes to sleep waits until it wakes.
    loop.add_signal_handler(signal.SIGURG, lambda: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    loop.set_default_executor(_Unawaited())
    try:
        return await make()
    except Exception:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError from None
        raise


@contextmanager
def interruptible(stop: Callable[[], object], cancel: Callable[[], object]) -> Iterator[None]:
    """The first Ctrl-C or SIGTERM calls `stop`, a further one `cancel`."""
    loop, count = asyncio.get_running_loop(), 0
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def caught() -> None:
        nonlocal count
        count += 1
        (stop if count == 1 else cancel)()

    for number in _SIGNALS:
        loop.add_signal_handler(number, caught)
    try:
        yield
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
            signal.signal(
                number, before[number]
            )  # what follows may have tasks, or a report, of its own


async def read_line() -> str:
    """The next line that is typed at the terminal; empty at the end of input.

    The event loop waits for it: a Ctrl-C that comes between the question and the reading is not
    lost, as it would be in a call of the system that began just after.
    """
    loop, typed = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(sys.stdin, typed.set)
    try:
        await typed.wait()
    finally:
        loop.remove_reader(sys.stdin)
    return sys.stdin.readline()
