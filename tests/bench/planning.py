"""Rows about plans: over HTTP against octoDNS and Terraform, peak memory, and growth with the
number of webhooks.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from tests.bench.material import big_files
from tests.bench.measure import BIN, Pairs, Row, interleaved, process, seconds, worker
from tests.support.processes import Tenant, tenant_manifest

COUNT = 1000
MANY = 10_000
WHO = ["-c", "user.name=bench", "-c", "user.email=bench@example.com"]
UNCHANGED = "plan 1,000 over HTTP, nothing to change"
OCTODNS_CONFIG = """\
providers:
  source: {class: octodns.provider.yaml.YamlProvider, directory: ./source}
  target: {class: octodns.provider.yaml.YamlProvider, directory: ./target}
zones:
  bench.example.: {sources: [source], targets: [target]}
"""


SMALLEST = "  ttl: 300\n  type: A\n  value: 192.0.2.{last}\n"
# Three structured values, as a webhook of the benchmark has three events: 18 scalars a record,
# where a webhook has 41.
MAIL = "  ttl: 300\n  type: MX\n  values:\n" + "".join(
    f"  - {{{{exchange: mx{which}-{{number}}.example.com., preference: {which}0}}}}\n"
    for which in (1, 2, 3)
)


def _octodns(folder: Path, record: str) -> Callable[[], float]:
    """Plans 1,000 records from one file to an equal one."""
    records = "".join(
        f"hook-{number:06}:\n" + record.format(number=number, last=number % 250)
        for number in range(COUNT)
    )
    for side in ("source", "target"):
        (folder / side).mkdir(parents=True)
        (folder / side / "bench.example.yaml").write_text("---\n" + records, "utf-8")
    (folder / "config.yaml").write_text(OCTODNS_CONFIG, "utf-8")
    command = [str(BIN / "octodns-sync"), "--config-file", "config.yaml"]
    return lambda: process(command, cwd=folder, says="No changes were planned")


class _Terraform:
    """1,000 `terraform_data`, which are built in: no provider is fetched and no network used."""

    def __init__(self, program: str, folder: Path) -> None:
        self.program, self.folder = program, folder
        folder.mkdir(parents=True)
        blocks = (
            f'resource "terraform_data" "hook_{number:06}" {{\n  input = {{ name = "Hook {number:06}", '
            f'url = "https://hooks.example.com/elastio/{number}" }}\n}}\n'
            for number in range(COUNT)
        )
        (folder / "main.tf").write_text("".join(blocks), "utf-8")
        rc = folder / "terraform.rc"
        rc.write_text("disable_checkpoint = true\n", "utf-8")
        self.env = {
            "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1",
            "TF_CLI_CONFIG_FILE": str(rc),
        }
        self._run("init", "-no-color", says="initialized")

    def _run(self, *arguments: str, says: str) -> float:
        return process([self.program, *arguments], cwd=self.folder, env=self.env, says=says)

    def plan(self) -> float:
        return self._run("plan", "-no-color", says="No changes")

    def apply(self) -> float:
        return self._run("apply", "-no-color", "-auto-approve", says=f"{COUNT} added")


def over_http(folder: Path, *, quick: bool) -> Iterator[Row]:
    """A served tenant in its own process; what is measured are whole commands."""
    with Tenant(folder / "tenant") as tenant:
        repo = folder / "repo"
        big_files(repo / "webhooks", COUNT)
        (repo / "tenant.yaml").write_text(tenant_manifest(tenant.url, "bench"), "utf-8")
        env = {"TENANT_TOKEN": tenant.token, "BENCH_TOKEN": "bench"}
        command = str(BIN / "reconciler")

        def plan() -> float:
            return process([command, "plan", ".", "--detailed-exitcode"], cwd=repo, env=env)

        made = process([command, "reconcile", ".", "--yes"], cwd=repo, env=env)
        for record, peer, budget in (
            (MAIL, "octodns-sync 1,000 MX", 0.5),
            (SMALLEST, "octodns-sync 1,000 A", None),
        ):
            taken = interleaved(plan, _octodns(folder / peer, record), 3 if quick else 7)
            yield taken.row(UNCHANGED, peer, budget)
        yield from _terraform_rows(folder, plan, made, runs=1 if quick else 3)


def _terraform_rows(
    folder: Path, plan: Callable[[], float], made: float, *, runs: int
) -> Iterator[Row]:
    """For information: what people compare with, though it does another job (no network, a state
    file).
    """
    program = shutil.which("terraform")
    if program is None:
        for work in ("plan 1,000, nothing to change", "create 1,000"):
            yield Row(work, "", "terraform: not installed", None)
        return
    terraform = _Terraform(program, folder / "terraform")
    applied = terraform.apply()
    yield Row(
        "create 1,000 over HTTP",
        seconds(made),
        f"terraform apply {seconds(applied)}",
        made / applied,
    )
    taken = interleaved(plan, terraform.plan, runs)
    yield taken.row(UNCHANGED, "terraform plan", None)


def _applied(repo: Path) -> list[str]:
    """Manifests of 10,000 webhooks and the embedded tenant that holds them; the options that name
    it.
    """
    big_files(repo / "webhooks", MANY)
    tenant = ["--local-file", "tenant.db"]
    process(
        [str(BIN / "reconciler"), "reconcile", "webhooks", *tenant, "--yes"],
        cwd=repo,
        env={"BENCH_TOKEN": "bench"},
    )
    return tenant


def _edit_one(repo: Path) -> None:
    changed = next(iter(sorted((repo / "webhooks").iterdir())))
    changed.write_text(changed.read_text("utf-8").replace("group 7 ", "group seven "), "utf-8")


def _timed(repo: Path, *arguments: str, says: str) -> Callable[[], float]:
    return lambda: process(
        [str(BIN / "reconciler"), *arguments], cwd=repo, env={"BENCH_TOKEN": "bench"}, says=says
    )


def since(folder: Path, *, quick: bool) -> Iterator[Row]:
    """The same command with and without `--since`, and with five policies: one webhook of 10,000
    changed since the revision.
    """
    repo = folder / "repo"
    plan = ["plan", "webhooks", *_applied(repo)]
    for step in (["init", "-q"], ["add", "webhooks"], [*WHO, "commit", "-q", "-m", "then"]):
        process(["git", *step], cwd=repo)
    _edit_one(repo)
    with_since = _timed(repo, *plan, "--since", "HEAD", says="1 pending")
    taken = interleaved(with_since, _timed(repo, *plan, says="1 to update"), 4 if quick else 7)
    yield taken.row("plan 10,000 with --since", "without", 1.5)
    _write_policies(folder / "rules")
    held = _timed(repo, *plan, "--policies", str(folder / "rules"), says="1 to update")
    taken = interleaved(held, _timed(repo, *plan, says="1 to update"), 5 if quick else 7)
    yield taken.row("plan 10,000 held against five policies", "without", 1.25)


def _write_policies(folder: Path) -> None:
    """Five that every webhook keeps."""
    folder.mkdir()
    head = (
        "apiVersion: webhooks.reconciler/v1\nkind: Policy\nmetadata: {name: "
        "rule-%s}\nspec:\n  message: as it is\n  schema: %s\n"
    )
    bodies = [
        '{properties: {url: {pattern: "^https?://"}}}',
        "{properties: {auth: {properties: {type: {enum: [none, basic, bearer, apiKey]}}}}}",
        "{properties: {name: {minLength: 1, maxLength: 255}}}",
        "{properties: {events: {items: {required: [type, version, severity]}}}}",
        "{required: [labels], properties: {labels: {additionalProperties: {type: string}}}}",
    ]
    for number, body in enumerate(bodies):
        (folder / f"{number}.yaml").write_text(head % (number, body), "utf-8")


def export(folder: Path, *, quick: bool) -> Iterator[Row]:
    """An export into an empty folder, 10,000 files, and one over manifests of which one differs;
    each against the plan.
    """
    repo = folder / "repo"
    tenant, runs = _applied(repo), 1 if quick else 3
    plan = _timed(repo, "plan", "webhooks", *tenant, says="10000 unchanged")
    empty = iter([f"new{number}" for number in range(runs)])

    def new() -> float:
        return _timed(repo, "export", next(empty), *tenant, says="10000 new")()

    yield interleaved(new, plan, runs).row("export 10,000 into an empty folder", "plan", 3.0)

    def over() -> float:
        _edit_one(repo)
        return _timed(repo, "export", "webhooks", *tenant, says="1 changed")()

    yield interleaved(over, plan, runs).row(
        "export 10,000 over manifests, one differs", "plan", 3.0
    )


def memory(folder: Path, *, quick: bool) -> Iterator[Row]:
    """The peak of a whole process that reads 10,000 manifests and plans them against
    MemoryProvider; one run tells it.
    """
    big_files(folder / "memory", 10_000)
    runs = [worker("memory", str(folder / "memory")) for _ in range(1 if quick else 2)]
    peak = median(found for found, _, _ in runs)
    assert all(kept == 10_000 for _, kept, _ in runs)
    yield Row(
        "plan 10,000, peak memory of the process", f"{peak:.0f} MiB", "150 MiB", peak / 150, 1.0
    )


def growth(folder: Path, *, quick: bool) -> Iterator[Row]:
    """make_plan alone: 100,000 webhooks against the mean of their ten parts, in one process."""
    assert folder.is_dir()
    found = worker("growth", "10000", "100000", "7" if quick else "15")
    taken = Pairs(tuple(found[1::2]), tuple(found[::2]))
    yield taken.row("make_plan 100,000 against 10,000", "10,000", 11.0)
