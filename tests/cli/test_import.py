"""`import terraform`: what Terraform manages becomes manifests, without a secret, and is taken over
without a change.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.stand_ins.github import TOKEN, github
from tests.support.processes import run

SECRET = "terraform-state-secret-0123456789"


def make_resource(kind: str, address: str, **values: Any) -> dict[str, Any]:
    return {"address": address, "mode": "managed", "type": kind, "values": values}


def make_github(address: str, number: int, secret: str | None = None) -> dict[str, Any]:
    return make_resource(
        "github_repository_webhook",
        address,
        active=True,
        events=["push", "pull_request"],
        repository="api",
        url=f"https://api.github.com/repos/acme/api/hooks/{number}",
        configuration=[
            {
                "url": f"https://hooks.example.com/{number}",
                "content_type": "json",
                "insecure_ssl": False,
                "secret": secret,
            }
        ],
    )


def make_state(*resources: dict[str, Any], below: tuple[dict[str, Any], ...] = ()) -> str:
    module = {"resources": list(resources), "child_modules": [{"resources": list(below)}]}
    return json.dumps({"format_version": "1.0", "values": {"root_module": module}})


STATE = make_state(
    make_github("github_repository_webhook.ci", 1, SECRET),
    make_github('github_repository_webhook.many["a"]', 2),
    make_github('github_repository_webhook.many["b"]', 3),
    make_resource("github_repository", "github_repository.api", name="api"),
    make_resource(
        "gitlab_project_hook",
        "gitlab_project_hook.ci",
        project="acme/web",
        url="https://hooks.example.com/gitlab",
        name="From Terraform",
        description="",
        token=SECRET,
        push_events=True,
        issues_events=False,
        enable_ssl_verification=False,
        push_events_branch_filter="main",
        custom_webhook_template=None,
    ),
    below=(
        make_resource(
            "github_organization_webhook",
            "module.org.github_organization_webhook.audit[0]",
            active=False,
            events=["*"],
            url="https://api.github.com/orgs/acme/hooks/9",
            configuration=[{"url": "https://hooks.example.com/audit", "secret": ""}],
        ),
        {**make_github("data.x", 7), "mode": "data"},
        make_resource("gitlab_group_hook", "gitlab_group_hook.broken", url="https://x.example/"),
    ),
)


def test_each_webhook_gets_a_manifest_that_is_valid_and_no_secret_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text(STATE)
    ended = run(
        "import", "terraform", "state.json", "webhooks", "--owner", "platform", cwd=tmp_path
    )
    assert ended.code == 0, ended.err
    assert "Import: 5 webhooks." in ended.out
    assert "left out: gitlab_group_hook.broken" in ended.out
    files = {path.name: path.read_text() for path in (tmp_path / "webhooks").iterdir()}
    assert SECRET not in ended.out + ended.err + "".join(files.values())
    assert sorted(files) == [
        *("audit.yaml", "ci.yaml", "from-terraform.yaml", "many.yaml", "many-2.yaml")[:3],
        *("many-2.yaml", "many.yaml", "removed.tf"),
        *("tenant-github-acme-api.yaml", "tenant-github-acme.yaml", "tenant-gitlab-acme-web.yaml"),
    ]
    assert 'options: {"content_type": "json", "insecure_ssl": "0"}' in files["ci.yaml"]
    assert "push_events_branch_filter" in files["from-terraform.yaml"]
    assert re.findall(r"from = (.*)", files["removed.tf"]) == [
        "github_repository_webhook.ci",
        "github_repository_webhook.many",
        "gitlab_project_hook.ci",
        "module.org.github_organization_webhook.audit",
    ]
    variables = re.findall(r"fromEnv: (\w+)", "".join(files.values()))
    checked = run("validate", "webhooks", cwd=tmp_path, **dict.fromkeys(variables, "x"))  # type: ignore[arg-type]  variables by their names
    assert checked.code == 0, checked.err
    assert "8 documents (0 skipped): 0 errors, 0 warnings." in checked.out


def test_what_terraform_made_is_taken_over_and_nothing_of_it_changes(tmp_path: Path) -> None:
    state = make_state(make_github("github_repository_webhook.ci", 1, SECRET))
    (tmp_path / "state.json").write_text(state)
    with github() as server:
        server.hooks[1] = {
            "id": 1,
            "name": "web",
            "active": True,
            "events": ["pull_request", "push"],
            "config": {
                "url": "https://hooks.example.com/1",
                "content_type": "json",
                "insecure_ssl": "0",
                "secret": SECRET,
            },
            "created_at": server.now(),
            "updated_at": server.now(),
            "deliveries": [],
        }
        before = json.loads(json.dumps(server.hooks))
        run("import", "terraform", "state.json", "hooks", "--owner", "platform", cwd=tmp_path)
        tenant = tmp_path / "hooks" / "tenant-github-acme-api.yaml"
        tenant.write_text(tenant.read_text().replace("https://api.github.com", server.url))
        env = {"GITHUB_TOKEN": TOKEN, "WEBHOOK_CI_SECRET": SECRET}
        adopt = ("adopt", "--all", "--yes", "--manifests", "hooks")
        adopted = run(*adopt, cwd=tmp_path, **env)
        assert adopted.code == 0, adopted.out + adopted.err
        planned = run("plan", "hooks", cwd=tmp_path, **env)
        assert "No changes. 1 unchanged" in planned.out, planned.out
        assert json.loads(json.dumps(server.hooks)) == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not what terraform show -json prints"),
        ("[]", "not what terraform show -json prints"),
        ('{"values": {"root_module": []}}', "no resources"),
        (make_state(), "no webhook of these kinds"),
        ('{"secret": "' + SECRET, "not what terraform show -json prints"),
    ],
)
def test_a_file_that_is_no_state_is_an_error_that_quotes_nothing(
    tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "state.json").write_text(text)
    ended = run("import", "terraform", "state.json", "out", "--owner", "us", cwd=tmp_path)
    assert ended.code == 64
    assert said in ended.err
    assert SECRET not in ended.err
    assert not (tmp_path / "out").exists()


def test_a_file_that_exists_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text(STATE)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "ci.yaml").write_text("mine")
    ended = run("import", "terraform", "state.json", "out", "--owner", "us", cwd=tmp_path)
    assert ended.code == 64
    assert "out has ci.yaml already" in ended.err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["ci.yaml"]


def test_two_repositories_whose_names_look_alike_stay_two(tmp_path: Path) -> None:
    first, second = (
        make_github("github_repository_webhook.a", 1),
        make_github("x.tenant-github-a-b-c", 2),
    )
    for resource, place in ((first, "a/b-c"), (second, "a-b/c")):
        resource["values"]["url"] = f"https://api.github.com/repos/{place}/hooks/1"
    (tmp_path / "state.json").write_text(make_state(first, second))
    ended = run("import", "terraform", "state.json", "out", "--owner", "us", cwd=tmp_path)
    assert ended.code == 0, ended.err
    texts = {path.name: path.read_text() for path in (tmp_path / "out").glob("*.yaml")}
    assert len(texts) == 4
    targets = {name: text for name, text in texts.items() if "kind: Tenant" in text}
    assert len(targets) == 2
    assert {re.search(r"repository: (\S+)}", text)[1] for text in targets.values()} == {  # type: ignore[index]  each has one
        "a/b-c",
        "a-b/c",
    }
    labels = [re.search(r"scope: ([a-z0-9-]+)", text) for text in texts.values()]
    assert len({label[1] for label in labels if label}) == 2


@pytest.mark.parametrize("resources", ["1", "[1]", '[{"mode": "managed"}]', "null", '{"a": 1}'])
def test_resources_of_another_shape_are_no_crash(tmp_path: Path, resources: str) -> None:
    text = '{"values": {"root_module": {"resources": %s, "child_modules": 7}}}' % resources  # noqa: UP031  braces of JSON
    (tmp_path / "state.json").write_text(text)
    ended = run("import", "terraform", "state.json", "out", "--owner", "us", cwd=tmp_path)
    assert ended.code == 64
    assert "no webhook of these kinds" in ended.err
