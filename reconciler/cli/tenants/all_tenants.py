"""`--all-tenants`: one command for every Tenant manifest among the paths, wave by wave, one tenant
after the other.

Everything is read and checked before the first tenant is asked. What fails for one tenant keeps no
other of its wave from its turn; whether the next wave has one is for the command to say.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Final, Generic, Protocol, Self, TypeVar

import click

from reconciler.cli.options.manifests import ManifestOptions, SharedInput
from reconciler.cli.options.tenant import TenantOptions
from reconciler.cli.run import source
from reconciler.cli.terminal.console import Console
from reconciler.cli.terminal.ending import Exit, code_of, worst
from reconciler.cli.terminal.signals import run_made
from reconciler.core.errors import BadRequest, InvalidManifests, ReconcilerError, Unreachable
from reconciler.core.model.problem import Problem
from reconciler.core.results.reports import Failure
from reconciler.core.results.runs import Runs, TenantRun
from reconciler.deadline import end_in, seconds_until
from reconciler.manifests import Manifests, TenantSpec, load
from reconciler.rendering.forms import render
from reconciler.rendering.runs import heading, name_tenant

_ONE_TENANT: Final = ("tenant", "tenant_url", "local", "local_file")
_UNWRITTEN: Final = {
    Exit.UNAUTHORIZED,
    Exit.STALE,
    Exit.REFUSED,
}  # that nothing was written is part of what they say
INTERRUPTED: Final = "not started: interrupted"


class Work(Protocol):
    """What a command prepared for one tenant."""

    def within(self, seconds: float | None) -> Self:
        """The same with what is left of `--deadline`."""
        ...


T = TypeVar("T", bound=Work)
Do = Callable[[TenantRun, T], Coroutine[Any, Any, TenantRun]]


@dataclass(frozen=True, slots=True)
class Turn(Generic[T]):
    """One tenant's turn: its manifest and what its command prepared; `note` is why that is nothing.

    `ended` is what came of it before its turn, which then does nothing more.
    """

    spec: TenantSpec
    prepared: T | None = None
    note: str = ""
    ended: TenantRun | None = None


@dataclass(frozen=True, slots=True)
class SingleOptions:
    """What a command has for one tenant only, as far as it was given: a plan's file, a watch."""

    out: str | None = None
    plan: str | None = None
    watch: float | None = None


def refuse(ctx: click.Context, tenant: TenantOptions, single: SingleOptions) -> None:
    """Raises UsageError for what speaks of one tenant, or of one plan."""
    one_tenant = {f"--{name.replace('_', '-')}": getattr(tenant, name) for name in _ONE_TENANT}
    one_plan = {"--out": single.out, "--plan": single.plan}
    for option, value in {**one_tenant, **one_plan, "--watch": single.watch}.items():
        if value:
            why = (
                "it speaks of one plan; give it with --tenant NAME, one tenant after the other"
                if option in one_plan
                else ""
            )
            raise click.UsageError(
                f"--all-tenants and {option} exclude each other{f': {why}' if why else ''}", ctx
            )


def turns(
    ctx: click.Context,
    options: ManifestOptions,
    prepare: Callable[[ManifestOptions], T],
    single: SingleOptions,
) -> tuple[Turn[T], ...]:
    """Every tenant in the order of its turn; raises InvalidManifests with the problems of all,
    before any is asked.
    """
    refuse(ctx, options.tenant, single)
    request = source.request(options, "ignore")
    request = replace(request, only_tenants=True, tenant=replace(request.tenant, lenient=True))
    manifests = load(request)
    if not manifests.tenants:
        raise click.UsageError("--all-tenants: there is no Tenant manifest among the paths", ctx)
    shared = SharedInput(request.files.stdin, request.secrets.once, manifests.reserved_names)
    return _prepared(options._replace(shared=shared), manifests, prepare)


def _prepared(
    options: ManifestOptions, manifests: Manifests, prepare: Callable[[ManifestOptions], T]
) -> tuple[Turn[T], ...]:
    """A turn per Tenant manifest."""
    ordered = sorted(manifests.tenants, key=lambda spec: (spec.wave, spec.name))
    turns: list[Turn[T]] = []
    problems: list[Problem] = []
    nothing: BadRequest | None = None
    for spec in ordered:
        try:
            tenant = options.tenant._replace(tenant=spec.name)
            turns.append(Turn(spec, prepare(options._replace(tenant=tenant))))
        except BadRequest as error:
            if not error.nothing_selected:
                raise
            nothing = error
            turns.append(Turn(spec, note=f"nothing to do: {error}"))
        except InvalidManifests as error:
            problems += error.problems
    if problems:
        raise InvalidManifests(
            tuple(sorted(dict.fromkeys(problems), key=_order)),
            manifests.documents,
            manifests.skipped,
        )
    if nothing is not None and all(turn.prepared is None for turn in turns):
        raise nothing
    return tuple(turns)


def _order(problem: Problem) -> tuple[Any, ...]:
    return problem.origin, problem.pointer, problem.rule


class Round(Generic[T]):
    """All turns of one command, `options` as it was given them.

    `do` makes a tenant's run of what was prepared for it, under a heading that says `what` it does
    if it is not all, None for no heading; `gate` adds what a wave has to pass before the next
    begins.
    """

    def __init__(
        self,
        console: Console,
        deadline: float | None,
        turns: tuple[Turn[T], ...],
        do: Do[T],
        gate: Do[T] | None = None,
        what: str | None = "",
    ) -> None:
        self._console, self._turns, self._do, self._gate, self._what = (
            console,
            turns,
            do,
            gate,
            what,
        )
        self._end = end_in(deadline)
        self._done = {
            turn.spec.name: TenantRun(turn.spec.name, turn.spec.wave, None) for turn in turns
        }
        self._stopped = ""  # why no further tenant has its turn

    def run(self) -> int:
        """Takes every turn, shows what came of all, and returns the exit code."""
        return show(self._console, self.taken())

    def taken(self) -> Runs:
        """Takes every turn; what came of all. Ctrl-C ends it with what was done."""
        try:
            waves = [
                tuple(group) for _, group in groupby(self._turns, key=lambda turn: turn.spec.wave)
            ]
            for wave in waves:
                self._wave(wave, last=wave is waves[-1])
        except KeyboardInterrupt:
            self._stopped = INTERRUPTED
        except Exception:
            self._stopped = "not started: the program failed before it"
            show(self._console, self._runs())
            raise
        return self._runs()

    def _wave(self, wave: tuple[Turn[T], ...], *, last: bool) -> None:
        for turn in wave:
            self._one(turn, self._do, self._what)
        if self._gate is None or last:
            return
        if not self._failed(wave):
            for turn in wave:
                self._one(turn, self._gate, "test")
        failed = self._failed(wave)
        if failed and not self._stopped:
            self._stopped = (
                f"not started: wave {wave[0].spec.wave} did not pass ({format_exit_codes(failed)})"
            )

    def _failed(self, wave: tuple[Turn[T], ...]) -> list[TenantRun]:
        return [
            run
            for run in (self._done[turn.spec.name] for turn in wave)
            if run.exit_code != Exit.DONE
        ]

    def _one(self, turn: Turn[T], do: Do[T], what: str | None) -> None:
        """One tenant's turn, if it has one; an error is what came of it."""
        name, seconds = turn.spec.name, seconds_until(self._end)
        before = self._done[name]
        if self._stopped or turn.prepared is None:
            self._done[name] = (
                before if self._stopped else replace(before, exit_code=Exit.DONE, note=turn.note)
            )
            return
        if turn.ended is not None:
            self._done[name] = turn.ended
            return
        self._done[name] = replace(before, exit_code=Exit.INTERRUPTED, note="interrupted")
        self._head(turn, what)
        try:
            if seconds is not None and seconds <= 0:
                raise Unreachable("--deadline was reached before its turn")
            prepared = turn.prepared.within(seconds)
            ended = run_made(lambda: do(before, prepared))
        except ReconcilerError as error:
            self._console.error(name_tenant(name, str(error)))
            ended = replace(before, exit_code=code_of(error), error=Failure(error.kind, str(error)))
        self._done[name] = ended
        if ended.exit_code == Exit.INTERRUPTED:
            self._stopped = INTERRUPTED

    def _head(self, turn: Turn[T], what: str | None) -> None:
        if self._console.output == "text" and what is not None:
            self._console.data(
                ("\n" if self._console.wrote else "")
                + heading(turn.spec.name, turn.spec.wave, what)
            )

    def _runs(self) -> Runs:
        ended = [
            run if run.exit_code is not None else replace(run, note=self._stopped)
            for run in self._done.values()
        ]
        owners = tuple(sorted({turn.spec.owner for turn in self._turns}))
        return all_of(ended, owners, interrupted=self._stopped == INTERRUPTED)


def format_exit_codes(runs: Iterable[TenantRun]) -> str:
    """The exit code of each run, with its tenant."""
    return ", ".join(f"{run.tenant}: exit {run.exit_code}" for run in runs)


def all_of(
    runs: Iterable[TenantRun], owners: tuple[str, ...], *, interrupted: bool = False
) -> Runs:
    """Them together: the exit code is the worst, but once something was written none that says that
    nothing was.
    """
    ended = tuple(runs)
    code = worst(run.exit_code for run in ended if run.exit_code is not None)
    if interrupted:
        code = Exit.INTERRUPTED
    elif code in _UNWRITTEN and any(run.has_written for run in ended):
        code = Exit.PARTIAL
    return Runs(ended, int(code), owners)


def show(console: Console, runs: Runs) -> int:
    """Shows what came of all, in the form that was asked for; the exit code."""
    console.data(render("runs", console.output, runs))
    return runs.exit_code
