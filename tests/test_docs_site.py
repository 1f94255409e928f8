"""The site of docs/: it builds without a warning, every page is in the contents, and what it says
of commands, fields, outputs and codes comes from the program.
"""

from __future__ import annotations

import html
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from reconciler.cli.commands.reference.schema import KINDS as SCHEMAS
from reconciler.cli.main import COMMANDS, root
from reconciler.cli.terminal.ending import Exit
from reconciler.core.results.reports import Verdict
from reconciler.manifests.schema_texts import KINDS, load_schema
from tests.support.processes import run

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(path.stem for path in DOCS.glob("*.md"))
GENERATED = re.compile(r"<!-- generated: (.+?) -->")
MANIFEST = re.compile(r"```yaml\n(apiVersion: webhooks\.reconciler/v1\n.*?)```", re.DOTALL)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built site."""
    folder = tmp_path_factory.mktemp("site")
    options = ["-W", "--keep-going", "-n", "-q", "-E", "-b", "html", "-d", folder / "trees"]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, DOCS, folder / "html"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    return folder / "html"


def text_of(site: Path, page: str) -> str:
    """The words of a page's article, without tags."""
    article = re.search(r"<article.*?</article>", (site / f"{page}.html").read_text(), re.DOTALL)
    assert article is not None
    return html.unescape(re.sub(r"<[^>]+>", "", article[0]))


def headings(site: Path, page: str) -> set[str]:
    found = re.findall(r"<h[1-4]>(.*?)<a ", (site / f"{page}.html").read_text(), re.DOTALL)
    return {html.unescape(re.sub(r"<[^>]+>", "", heading)) for heading in found}


def test_every_page_is_built_and_stands_in_the_contents_once(site: Path) -> None:
    trees = re.findall(
        r"^```{toctree}\n(.*?)^```", (DOCS / "index.md").read_text(), re.DOTALL | re.MULTILINE
    )
    listed = [line for tree in trees for line in tree.splitlines() if line and line[0] != ":"]

    assert sorted([*listed, "index"]) == PAGES
    assert {path.stem for path in site.glob("*.html")} >= set(PAGES)


def test_no_mark_of_a_generated_part_is_left_in_the_site(site: Path) -> None:
    marked = [page for page in PAGES if GENERATED.search((DOCS / f"{page}.md").read_text())]

    assert set(marked) >= {"manifests", "commands", "json-outputs", "exit-codes", "plan-rules"}
    texts = {page: (site / f"{page}.html").read_text() for page in PAGES}
    assert [page for page in PAGES if re.search(r"<!--\s*generated:", texts[page])] == []


def test_no_page_of_the_site_links_out_of_it(site: Path) -> None:
    assert [page for page in PAGES if 'href="../' in (site / f"{page}.html").read_text()] == []


def test_every_command_and_every_option_is_in_the_reference(site: Path) -> None:
    context = click.Context(root)
    names, options = {f"reconciler {name}" for name in COMMANDS}, set()
    for name in COMMANDS:
        command = root.get_command(context, name)
        assert command is not None
        below = [command]
        if isinstance(command, click.Group):
            names |= {f"reconciler {name} {one}" for one in command.list_commands(context)}
            below += list(command.commands.values())
        options |= {
            option.opts[-1]
            for one in below
            for option in one.params
            if isinstance(option, click.Option) and not option.hidden
        }

    assert names <= headings(site, "commands")
    assert {option for option in options if option not in text_of(site, "commands")} == set()


def test_every_exit_code_has_its_row_in_order(site: Path) -> None:
    rows = re.findall(r"<tr[^>]*><td><p>(\d+)</p></td>\n<td><p>[a-z]", page := source(site))

    assert [int(code) for code in rows] == sorted(Exit)
    assert "exit-code-130" in page


def source(site: Path) -> str:
    return (site / "exit-codes.html").read_text()


def test_every_field_of_spec_is_in_the_reference_of_manifests(site: Path) -> None:
    text = text_of(site, "manifests")

    for kind, name in KINDS.items():
        fields = load_schema(name)["properties"]["spec"]["properties"]
        assert f"{kind}.spec" in headings(site, "manifests")
        assert [field for field in fields if field not in text] == []


def test_every_json_output_is_in_the_reference_and_in_the_table_of_commands(site: Path) -> None:
    formats = {
        found["properties"]["format"]["const"]
        for found in map(load_schema, SCHEMAS)
        if "format" in found.get("properties", {})
    }
    table = re.findall(
        r"^\| `(reconciler\.[\w-]+/v1)`", (DOCS / "json-outputs.md").read_text(), re.MULTILINE
    )

    assert formats <= headings(site, "json-outputs")
    assert sorted(table) == sorted(formats)


def test_every_verdict_is_in_the_reference(site: Path) -> None:
    text = text_of(site, "commands")

    assert [verdict for verdict in Verdict if f"\n{verdict.value}\n" not in text] == []


@pytest.mark.parametrize("page", ["several-tenants", "policies"])
def test_the_whole_manifests_of_a_page_that_is_not_played_are_valid(
    page: str, tmp_path: Path
) -> None:
    manifests = MANIFEST.findall((DOCS / f"{page}.md").read_text())
    (tmp_path / "policies").mkdir()
    for number, text in enumerate(manifests):
        folder = "policies" if "\nkind: Policy\n" in text else "."
        (tmp_path / folder / f"{number}.yaml").write_text(text)

    done = run("validate", ".", cwd=tmp_path)

    assert manifests
    assert done.code == 0, done.out + done.err
