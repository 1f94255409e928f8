"""Runs the recipes in a Git repository as a forge's runners do.

Workflows by act without containers, GitLab's by gitlab-ci-local.

The actions of a workflow are local folders: act leaves out the checkout, for the files are there,
and takes ours from a copy.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.ci.forges import TOKEN, ForgeServer
from tests.support.processes import NODE, ROOT, Ended, Tenant, tenant_manifest

BIN = Path(sys.executable).parent
RECIPES = ROOT / "examples" / "ci"
ACTION = "your-org/webhook-reconciler@" + "0" * 40
NEEDED = "make test installs what runs GitLab's recipe: make tools .venv/.node"
GITLAB_CI_LOCAL = ROOT / ".venv" / "node" / "node_modules" / "gitlab-ci-local" / "dist" / "index.js"
NOTHING: Mapping[str, str] = MappingProxyType({})
WHO = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.com")
PROJECT = (
    "action.yml",
    ".pre-commit-hooks.yaml",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "requirements.lock",
)


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *WHO, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def environment(home: Path, **more: str) -> dict[str, str]:
    """What a runner's own machine has: this installation of the program, and nothing of the
    surroundings' settings.
    """
    return {"HOME": str(home), "PATH": f"{BIN}:{os.environ['PATH']}", "LANG": "C.UTF-8", **more}


def source(folder: Path) -> str:
    """The project as a Git repository in that folder; its commit."""
    folder.mkdir()
    for name in PROJECT:
        shutil.copy(ROOT / name, folder)
    for name in ("reconciler", "schemas", "examples/ci"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "the reconciler")
    return git(folder, "rev-parse", "HEAD")


def ended(command: list[str | Path], cwd: Path, env: dict[str, str]) -> Ended:
    done = subprocess.run(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True)
class Repository:
    """A repository of manifests with the recipe of its forge, the forge, and the tenant."""

    folder: Path
    forge: ForgeServer
    tenant: Tenant
    read_token: str
    source: Path

    def make(self) -> None:
        """The first commit: the recipe and the Tenant manifest."""
        place = {"github": ".github/workflows", "gitea": ".gitea/workflows", "gitlab": "."}[
            self.forge.kind
        ]
        (self.folder / place).mkdir(parents=True)
        for file in (RECIPES / self.forge.kind).iterdir():
            shutil.copy(file, self.folder / place)
        (self.folder / "tenant.yaml").write_text(tenant_manifest(self.tenant.url))
        (self.folder / ".gitignore").write_text(".gitlab-ci-local\n*.xml\n*-report.json\n")
        git(self.folder, "init", "-q", "-b", "main")
        git(self.folder, "remote", "add", "origin", "git@git.example.com:acme/webhooks.git")
        self.commit()

    def commit(self, **files: str | None) -> str:
        """Writes manifests by their names, or removes them, and commits."""
        for name, text in files.items():
            file = self.folder / f"{name}.yaml"
            file.unlink() if text is None else file.write_text(text)
        git(self.folder, "add", "-A")
        git(self.folder, "commit", "-q", "--allow-empty", "-m", f"change {', '.join(files)}")
        return self.head

    def merge(self, number: int, head: str, how: str = "--no-ff") -> str:
        """The forge brings that commit into main, with a merge commit, `--squash` or `--ff-only`;
        what main is then.
        """
        git(self.folder, "checkout", "-q", "main")
        git(self.folder, "merge", "-q", how, "-m", f"merge {number}", head)
        if how == "--squash":
            git(self.folder, "commit", "-q", "-m", f"merge {number}")
        self.forge.merge(number, self.head, head, how)
        return self.head

    def run(self, verb: str, *, number: int = 0, fork: bool = False, **inputs: str) -> Ended:
        """The recipe's part for that verb, as the forge would start it at the commit that is
        checked out.
        """
        if self.forge.lab:
            return self._gitlab(verb, number, fork, inputs)
        return self._act(verb, number, fork, inputs)

    def direct(
        self,
        verb: str,
        *,
        number: int = 0,
        base: str = "",
        given: Mapping[str, str] = NOTHING,
        **more: str,
    ) -> Ended:
        """The program behind the recipes by itself, which is quicker: as GitHub's action or
        GitLab's job starts it.
        """
        home = self.folder.parent / "runner"
        home.mkdir(exist_ok=True)
        env = {
            "FORGE_TOKEN": TOKEN,
            "TENANT_TOKEN": self.tenant.token,
            "GITHUB_STEP_SUMMARY": str(home / "summary.md"),
        }
        if self.forge.lab:
            env |= {
                "GITLAB_CI": "true",
                "CI_API_V4_URL": self.forge.url,
                "CI_PROJECT_ID": "7",
                "CI_COMMIT_SHA": self.head,
            }
            env |= self._merge_request(number, fork=False) if number else {}
        else:
            (home / "event.json").write_text(
                json.dumps(self._event(number, fork=False, inputs={}, base=base))
            )
            env |= {
                "GITHUB_API_URL": self.forge.url,
                "GITHUB_REPOSITORY": "acme/webhooks",
                "GITHUB_SHA": self.head,
            }
            env |= {"GITHUB_EVENT_PATH": str(home / "event.json")}
        return ended(
            [sys.executable, "-I", RECIPES / "pipeline.py", verb],
            self.folder,
            environment(home, **env | dict(given) | more),
        )

    @property
    def head(self) -> str:
        """The commit that is checked out."""
        return git(self.folder, "rev-parse", "HEAD")

    def _act(self, verb: str, number: int, fork: bool, inputs: dict[str, str]) -> Ended:
        event = {
            "plan": "pull_request",
            "apply": "workflow_dispatch" if inputs else "push",
            "drift": "schedule",
        }[verb]
        home = self.folder.parent / "runner"
        home.mkdir(exist_ok=True)
        (home / "event.json").write_text(json.dumps(self._event(number, fork, inputs)))
        gitea = self.forge.kind == "gitea"
        workflow = ".gitea/workflows/webhooks.yml" if gitea else f".github/workflows/{verb}.yml"
        forks = (
            {}
            if fork
            else {"TENANT_READ_TOKEN": self.read_token, "TENANT_TOKEN": self.tenant.token}
        )
        secrets = {"GITHUB_TOKEN": TOKEN, "ONCALL_TOKEN": "oncall-token-77ab"} | forks
        variables = {"FORGE_API_URL": self.forge.url, "GITHUB_REPOSITORY": "acme/webhooks"} | (
            {"GITEA_ACTIONS": "true"} if gitea else {}
        )
        given = [f"--secret={name}={value}" for name, value in secrets.items()]
        given += [f"--env={name}={value}" for name, value in variables.items()]
        options = [
            "-W",
            workflow,
            "-e",
            str(home / "event.json"),
            "-P",
            "ubuntu-latest=-self-hosted",
            "--no-cache-server",
        ]
        options += [
            "--local-repository",
            f"{ACTION}={self.source}",
            "--action-offline-mode",
            "--action-cache-path",
            str(home / "act"),
        ]
        return ended([BIN / "act", event, *options, *given], self.folder, environment(home))

    def _event(
        self, number: int, fork: bool, inputs: dict[str, str], base: str = ""
    ) -> dict[str, Any]:
        event: dict[str, Any] = {
            "repository": {"full_name": "acme/webhooks", "default_branch": "main"},
            "ref": "refs/heads/main",
        }
        if number:
            head = {
                "sha": self.head,
                "repo": {"full_name": "x/webhooks" if fork else "acme/webhooks"},
            }
            onto = {"sha": base or git(self.folder, "merge-base", "main", "HEAD"), "ref": "main"}
            event["pull_request"] = {
                "number": number,
                "head": head,
                "base": onto,
                "user": {"login": "somebody"},
            }
        return event | ({"inputs": inputs} if inputs else {})

    def _gitlab(self, verb: str, number: int, fork: bool, inputs: dict[str, str]) -> Ended:
        assert GITLAB_CI_LOCAL.exists(), NEEDED
        assert shutil.which("rsync"), NEEDED
        home = self.folder.parent / "runner"
        home.mkdir(exist_ok=True)
        kind = {
            "plan": "merge_request_event",
            "apply": "web" if inputs else "push",
            "drift": "schedule",
        }[verb]
        variables = {
            "CI_PIPELINE_SOURCE": kind,
            "CI_DEFAULT_BRANCH": "main",
            "CI_API_V4_URL": self.forge.url,
            "CI_PROJECT_ID": "7",
            "CI_COMMIT_SHA": self.head,
            "RECONCILER_IMAGE": "none",
            "FORGE_TOKEN": TOKEN,
            "RECONCILER_REPOSITORY": str(self.source),
            "RECONCILER_COMMIT": git(self.source, "rev-parse", "HEAD"),
            "TENANT_READ_TOKEN": self.read_token,
            "ONCALL_TOKEN": "oncall-token-77ab",
            "APPROVED_DIGEST": inputs.get("digest", ""),
            "ACCEPT": inputs.get("accept", ""),
        }
        pushed = {"CI_COMMIT_BRANCH": "main", "TENANT_TOKEN": self.tenant.token}
        variables |= self._merge_request(number, fork) if number else pushed
        given = [
            part for name, value in variables.items() for part in ("--variable", f"{name}={value}")
        ]
        options = [
            "--force-shell-executor",
            "--ignore-predefined-vars",
            ",".join(variables),
            "--no-color",
            "--concurrency",
            "1",
            "--no-json-schema-validation",
            "--home",
            str(home),
        ]
        return ended([NODE, GITLAB_CI_LOCAL, *options, *given], self.folder, environment(home))

    def _merge_request(self, number: int, fork: bool) -> dict[str, str]:
        return {
            "CI_MERGE_REQUEST_IID": str(number),
            "CI_MERGE_REQUEST_DIFF_BASE_SHA": git(self.folder, "merge-base", "main", "HEAD"),
            "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "8" if fork else "7",
        }


def digest_in(text: str) -> str:
    (found,) = set(re.findall(r"sha256:[0-9a-f]{64}", text))
    return str(found)


def names(repository: Repository) -> set[str]:
    """The webhooks that the tenant holds."""
    return set(repository.tenant.by_name())


def outcome(repository: Repository) -> str:
    """What apply says on the first request."""
    (said,) = repository.forge.ours(1, "apply")
    return said
