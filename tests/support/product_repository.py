"""Manifests of a product in a folder, and the command: what the tests of each provider do with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from tests.support.processes import Ended, run


class ProductRepository:
    """A folder with a Tenant and Webhooks. `webhook` is a template with name, url and version;
    `env` has the token of the Tenant and the credentials; every text of `secrets` may stand in no
    output.
    """

    def __init__(
        self,
        folder: Path,
        tenant: str,
        webhook: str,
        env: Mapping[str, str],
        secrets: tuple[str, ...],
    ) -> None:
        self.folder, self.webhook, self.env, self.secrets = folder, webhook, dict(env), secrets
        self.write_text("tenant", tenant)

    def write_text(self, name: str, text: str) -> Path:
        path = self.folder / f"{name}.yaml"
        path.write_text(text)
        return path

    def write(self, name: str, url: str = "", version: str = "1", more: str = "") -> Path:
        """The manifest of a webhook, by default with a url of its own."""
        url = url or f"https://hooks.example.com/{name}"
        text = self.webhook.format(name=name, url=url, version=version)
        return self.write_text(name, text + more)

    def remove_auth(self, path: Path) -> None:
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(line for line in lines if "auth:" not in line))

    def call(self, *arguments: str) -> Ended:
        ended = run(*arguments, cwd=self.folder, timeout=120, **self.env)
        for secret in self.secrets:
            assert secret not in ended.out + ended.err
        return ended

    def run(self, command: str, *options: str) -> Ended:
        """A command on all manifests of the folder."""
        return self.call(command, ".", *options)

    def reconcile(self) -> None:
        """Carries out the plan; the next one is empty."""
        ended = self.run("reconcile", "--yes")
        assert ended.code == 0, ended.out + ended.err
        plan = self.run("plan")
        assert "No changes" in plan.out, plan.out + plan.err

    def export_and_adopt(self) -> list[str]:
        """Takes over every webhook of the product; the texts of the new manifests."""
        exported = self.call("export", "out", "tenant.yaml")
        assert exported.code == 0, exported.err
        texts = [path.read_text() for path in (self.folder / "out").iterdir()]
        variables = re.findall(r"fromEnv: (\w+)", "".join(texts))
        self.env |= {name: f"value-of-{name}" for name in variables}
        adopted = self.call("adopt", "--all", "--yes")
        assert adopted.code == 0, adopted.out + adopted.err
        assert f"Report: 0 created, {len(texts)} updated" in adopted.out
        return texts
