"""What the recipes run: `python3 -I pipeline.py validate|plan|apply|drift`. Calls `reconciler` and
ends with its exit code.

Approved is what the plan's comment said when the request was merged, about the very commit that was
merged. `apply` hands its digest to `reconcile --expect-digest`, which plans again: if the merge or
the tenant made another plan of it, nothing is written and the exit code is 5.

A request is judged by the policies of the branch that it goes onto (`--policies-at`); it cannot
change them and profit at once.

Variables: WEBHOOKS (paths, default `.`), POLICIES (their folder, default: where the Tenant manifest
of that branch has them), FORGE_TOKEN, and for an apply by hand APPROVED_DIGEST and ACCEPT=true
(--accept). Every option of `reconciler` is a variable too, RECONCILER_TENANT for one. What
FORGE_API_URL and FORGE_ACCOUNT say replaces what the forge's own variables do.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent))  # -I leaves it out
from forge import Forge, ForgeError, Request, base_of, of_environment, request_of

DONE, ERROR, PENDING, STALE, REFUSED, DRIFT, USAGE = (
    0,
    1,
    2,
    5,
    6,
    7,
    64,
)  # of `reconciler`'s exit codes
# The forge's credentials, which no manifest may name: its tokens, and what GitLab and GitHub put
# beside them.
WITHHELD: Final = re.compile(r"(FORGE|GITHUB|GITEA|FORGEJO|TENANT_READ)_TOKEN|(CI|ACTIONS)_.*")
GITLAB_REPORTS: Final = {"gitlab": ".gl-code-quality-report.json", "junit": "validate.xml"}
RECORD: Final = re.compile(r"<!-- head=([0-9a-f]{40,64}) digest=(sha256:[0-9a-f]{64}) -->")


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that ended: its exit code and its Markdown. A plan has a digest where it may be
    carried out.
    """

    code: int
    text: str
    digest: str = ""


class NotApproved(Exception):
    """Why no digest counts as approved for a commit."""


@dataclass(frozen=True, slots=True)
class Job:
    """One job: the variables that it was given."""

    env: Mapping[str, str]

    @property
    def paths(self) -> list[str]:
        """The PATHs of the manifests."""
        return shlex.split(self.env.get("WEBHOOKS", "")) or ["."]

    @property
    def what(self) -> str:
        """What separates this job's comments and issues from those of another tenant or folder."""
        return self.env.get("RECONCILER_TENANT") or " ".join(self.paths)

    def marker(self, kind: str) -> str:
        """The first line of a comment or issue, by which it is found again."""
        return f"<!-- reconciler-{kind} {urllib.parse.quote(self.what)} -->"

    def run(self, command: str, *options: str) -> Ended:
        """One command of `reconciler`; its warnings and errors go to the job's log. No manifest can
        name the forge's tokens.
        """
        done = subprocess.run(  # noqa: S603  the program that this recipe is for
            ["reconciler", command, *self.paths, *options],  # noqa: S607  as installed just before
            env={name: value for name, value in self.env.items() if not WITHHELD.fullmatch(name)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            check=False,
        )
        return Ended(done.returncode, done.stdout)

    def plan(self, *options: str) -> Ended:
        """The plan; `code` is PENDING where something would be done, and without violations it has
        its digest.
        """
        ended = self.run("plan", "-o", "markdown", "--detailed-exitcode", *options)
        found = re.search(
            r"^`digest (sha256:[0-9a-f]{64})`$", ended.text, re.MULTILINE
        )  # no text of a manifest begins a line
        return Ended(ended.code, ended.text, found[1] if found else "")

    def report(self, text: str) -> None:
        """Into the job's summary, or its log where there is none."""
        summary = self.env.get("GITHUB_STEP_SUMMARY")
        if not summary:
            sys.stdout.write(f"{text}\n")
            return
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")


def judges(job: Job) -> list[str]:
    """The options that name the policies: those of the branch that a request goes onto, for any
    other job none.
    """
    base = base_of(job.env)
    if base is None:
        return []
    folder = job.env.get("POLICIES")
    return ["--policies-at", base, *(["--policies", folder] if folder else [])]


def validate(job: Job) -> int:
    """Marks problems in the request's files. Needs no token, so it is what a fork's request gets.

    GitHub and Gitea read marks from the log, GitLab from files.
    """
    gitlab = bool(job.env.get("GITLAB_CI"))
    policies = judges(job)
    ended = job.run("validate", *policies, "-o", "text" if gitlab else "github")
    for form, file in GITLAB_REPORTS.items() if gitlab else ():
        Path(file).write_text(job.run("validate", *policies, "-o", form).text, encoding="utf-8")
    sys.stdout.write(ended.text)
    return ended.code


def plan(job: Job) -> int:
    """Plans what a request would do, as one comment that is edited with every push. Fails on
    violations.
    """
    request = request_of(job.env)
    ended = job.plan("--since", request.base, *judges(job))
    head = f"Plan of {request.head}."
    if ended.code in {DONE, PENDING}:
        does = (
            "Merging carries it out."
            if ended.code == PENDING
            else "Merging changes nothing at the tenant."
        )
        head = f"<!-- head={request.head} digest={ended.digest} -->\n{head} {does}"
    elif ended.code == REFUSED:
        head += " **It has violations and is not carried out by merging.**"
    else:
        head = f"**No plan of {request.head}**: exit code {ended.code}. The job's log says why."
    job.report(ended.text)
    of_environment(job.env).put_comment(
        request.number, job.marker("plan"), f"{head}\n\n{ended.text}"
    )
    return DONE if ended.code == PENDING else ended.code


def approved(job: Job, forge: Forge, request: Request | None) -> str:
    """The digest that was approved by merging. Raises NotApproved."""
    if request is None or request.merged_at is None:
        raise NotApproved("this commit did not come from a merged request")
    note = forge.comment(request.number, job.marker("plan"))
    found = (
        RECORD.fullmatch(note.text.split("\n")[1].rstrip("\r"))
        if note and "\n" in note.text
        else None
    )
    if note is None or found is None or found[1] != request.head:
        raise NotApproved("the commit that was merged has no plan that may be carried out")
    if note.updated_at > request.merged_at:
        raise NotApproved("the plan was written again after the merge")
    return found[2]


def apply(job: Job) -> int:
    """Carries out exactly what was approved, or nothing; says so on the request."""
    forge = of_environment(job.env)
    request = forge.merged()
    try:
        digest = job.env.get("APPROVED_DIGEST") or approved(job, forge, request)
        accept = ["--accept", digest] if job.env.get("ACCEPT") == "true" else []
        ended = job.run(
            "reconcile",
            "-o",
            "markdown",
            "--yes",
            "--expect-digest",
            digest,
            "--revision",
            forge.commit,
            *accept,
        )
        why = "it is no longer the plan that was approved"
    except NotApproved as reason:
        ended, why = Ended(STALE, ""), str(reason)
    code, text = (
        _not_applied(job, forge, why)
        if ended.code == STALE
        else (ended.code, _applied(forge, ended))
    )
    job.report(text)
    if request is not None:
        forge.put_comment(request.number, job.marker("apply"), text)
    return code


def _applied(forge: Forge, ended: Ended) -> str:
    if ended.code == DONE:
        return f"Applied at {forge.commit}.\n\n{ended.text}"
    said = {REFUSED: "The plan has violations"}.get(
        ended.code, f"Exit code {ended.code}; the job's log says why"
    )
    return f"**Not applied, or in part**, at {forge.commit}. {said}.\n\n{ended.text}"


def _not_applied(job: Job, forge: Forge, why: str) -> tuple[int, str]:
    """The plan of today, for a person to approve by hand; where nothing is pending, nothing has to
    be approved.
    """
    today = job.plan()
    if today.code == DONE:
        return DONE, f"Nothing to apply at {forge.commit}.\n\n{today.text}"
    head = f"**Not applied** at {forge.commit}: {why}. Nothing was written."
    return STALE if today.digest else today.code, f"{head}\n\n{_by_hand(today)}\n\n{today.text}"


def _by_hand(today: Ended) -> str:
    if not today.digest:
        return "There is no plan of today; the job's log says why."
    accept = " and `accept`, which lets it pass what it violates" if today.code == REFUSED else ""
    return (
        "To carry out the plan of today, run the apply by hand with the digest "
        f"`{today.digest}`{accept}."
    )


def drift(job: Job) -> int:
    """Opens an issue when the tenant is no longer as Git says, edits it while that lasts, and
    closes it afterwards.
    """
    ended, forge = job.run("drift", "-o", "markdown"), of_environment(job.env)
    if ended.code == DRIFT:
        text = (
            f"The tenant is not as Git says at {forge.commit}. "
            f"{_by_hand(job.plan())}\n\n{ended.text}"
        )
        forge.put_issue(
            job.marker("drift"),
            "Webhooks drifted" + (f": {job.what}" if job.what != "." else ""),
            text,
        )
    elif ended.code == DONE:
        forge.close_issue(
            job.marker("drift"),
            f"The tenant is as Git says at {forge.commit} again.\n\n{ended.text}",
        )
    job.report(ended.text)
    return DONE if ended.code == DRIFT else ended.code


VERBS: Final[Mapping[str, Callable[[Job], int]]] = {
    "validate": validate,
    "plan": plan,
    "apply": apply,
    "drift": drift,
}


def main(arguments: list[str], env: Mapping[str, str]) -> int:
    """The exit code of one verb; what the forge refused is printed in one line."""
    if len(arguments) != 1 or arguments[0] not in VERBS:
        sys.stderr.write(f"usage: pipeline.py {'|'.join(VERBS)}\n")
        return USAGE
    if arguments != ["validate"] and env.get("RECONCILER_ALL_TENANTS"):
        sys.stderr.write(
            "a plan is approved for one tenant: a job for each, with RECONCILER_TENANT "
            "in place of RECONCILER_ALL_TENANTS\n"
        )
        return USAGE
    try:
        return VERBS[arguments[0]](Job(env))
    except ForgeError as error:
        sys.stderr.write(f"{error}\n")
        return ERROR


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], dict(os.environ)))
