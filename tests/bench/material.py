"""What is measured: generated manifests, and the same webhooks as declared and live values. Written
into temporary folders.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from reconciler.core.model.auth import BearerAuth
from reconciler.core.model.secret import Withheld
from reconciler.core.model.webhook import Declared, Live, Origin, Owner, Subscription, Webhook
from reconciler.core.wire import webhooks as codec

OWNER = Owner("bench")
PAGE = 500  # webhooks a page of the tenant's list
DOCUMENTS_A_FILE = 1000  # 10,000 documents are ten files: a file may have at most 100,000 nodes
MANIFEST = """\
apiVersion: webhooks.reconciler/v1
kind: Webhook
metadata:
  name: hook-{number:06}
  labels: {{team: team-{team}, environment: production}}
spec:
  name: Hook {number:06}
  url: https://hooks{team}.example.com/elastio/{number}
  description: Backup notices of group {number} for the rota of team {team}
  auth:
    type: bearer
    token: {{fromEnv: BENCH_TOKEN}}
    version: "1"
  events:
    - {{type: "elastio:recovery-point:create:started", version: v0, severity: info}}
    - type: elastio:recovery-point:iscan:unhealthy
      version: v0
      severity: [warning, critical]
"""


def manifest(number: int) -> str:
    return MANIFEST.format(number=number, team=number % 50)


def single_files(folder: Path, count: int) -> list[str]:
    """One document a file; the file names, in order."""
    folder.mkdir(parents=True)
    names = [f"hook-{number:06}.yaml" for number in range(count)]
    for number, name in enumerate(names):
        (folder / name).write_text(manifest(number), "utf-8")
    return names


def big_files(folder: Path, count: int) -> None:
    """Many documents a file."""
    folder.mkdir(parents=True)
    for start in range(0, count, DOCUMENTS_A_FILE):
        text = "---\n".join(
            manifest(number) for number in range(start, min(start + DOCUMENTS_A_FILE, count))
        )
        (folder / f"hooks-{start:06}.yaml").write_text(text, "utf-8")


def declared(number: int) -> Declared:
    """One webhook as manifests declare it, with no value shared with another."""
    team = number % 50
    subscriptions = frozenset(
        Subscription(f"elastio:recovery-point:{kind}", "v0", severity)
        for kind, severity in (
            ("create:started", "info"),
            ("iscan:unhealthy", "warning"),
            ("iscan:unhealthy", "critical"),
        )
    )
    spec = Webhook(
        name=f"Hook {number:06}",
        url=f"https://hooks{team}.example.com/elastio/{number}",
        description=f"Backup notices of group {number} for the rota of team {team}",
        enabled=None,
        auth=BearerAuth(Withheld("1")),
        subscriptions=subscriptions,
    )
    file = f"hooks-{number // DOCUMENTS_A_FILE:06}.yaml"
    return Declared(
        spec, f"hook-{number:06}", Origin(file, number % DOCUMENTS_A_FILE * 18 + 1), sources=(file,)
    )


def live_pages(items: Iterator[Declared]) -> Iterator[tuple[Live, ...]]:
    """What a tenant would list for them, through JSON page by page, so that nothing is shared with
    the declared side.
    """
    page: list[object] = []
    for number, item in enumerate(items):
        body = codec.make_create_body(item, OWNER)
        page.append(
            {**body, "id": f"id-{number:06}", "revision": f"r{number}", "invocations": None}
        )
        if len(page) == PAGE:
            yield _decoded(page)
            page = []
    if page:
        yield _decoded(page)


def _decoded(page: list[object]) -> tuple[Live, ...]:
    return codec.page_from_wire(json.loads(json.dumps({"items": page, "next_cursor": None})))[0]
