"""A webhook in Git: its manifest to copy. What a webhook that Git manages says is
`templates/_managed.html`.
"""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from reconciler.core.export.manifest import Manifest, key_for, manifest
from reconciler.core.model.webhook import Webhook
from reconciler.tenant.page import html
from reconciler.tenant.page.front import Visit
from reconciler.tenant.page.revision import needed
from reconciler.tenant.store.rows import webhooks
from reconciler.tenant.store.rows.webhooks import Stored

ID_PART: Final = 8  # characters of the id in a key, where the name has no letters for one


def manifest_of(webhook: Stored) -> Manifest:
    """The document that declares a webhook as it is; its key is the one it has in Git, else made
    from its name.
    """
    mark = webhook.managed_by
    key = mark.key if mark is not None else key_for(webhook.name, f"webhook-{webhook.id[:ID_PART]}")
    auth = webhooks.to_send(webhook.name, webhook.url, webhook.auth, None).auth
    spec = Webhook(
        webhook.name,
        webhook.url,
        webhook.description,
        webhook.enabled,
        auth,
        frozenset(webhook.events),
    )
    return manifest(spec, key, protected=webhook.protected)


async def show(visit: Visit) -> Response:
    """`GET /settings/webhooks/{id}/manifest`: to read and copy; with `raw=1` the text alone."""
    webhook = await needed(visit)
    made = manifest_of(webhook)
    if visit.query("raw"):
        return Response(made.text, 200, html.HEADERS, "text/plain; charset=utf-8")
    return visit.page("manifest.html", at="webhooks", held=webhook, manifest=made)
