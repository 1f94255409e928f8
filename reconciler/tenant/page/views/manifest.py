"""A webhook in Git: its manifest to copy. What a webhook that Git manages says is
`templates/_managed.html`.
"""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from reconciler.core.export import manifest
from reconciler.tenant.page.forms.revision import require_webhook
from reconciler.tenant.page.rendering import html
from reconciler.tenant.page.session.visit import Visit
from reconciler.tenant.store.values.webhook import StoredWebhook

ID_PART: Final = 8  # characters of the id in a key, where the name has no letters for one


def make_manifest(webhook: StoredWebhook) -> manifest.Manifest:
    """The document that declares a webhook as it is; its key is the one it has in Git, else made
    from its name.
    """
    mark = webhook.managed_by
    key = (
        mark.key
        if mark is not None
        else manifest.make_key(webhook.name, f"webhook-{webhook.id[:ID_PART]}")
    )
    return manifest.make_manifest(webhook.spec, key, protected=webhook.protected)


async def show_manifest(visit: Visit) -> Response:
    """`GET /settings/webhooks/{id}/manifest`: to read and copy; with `raw=1` the text alone."""
    webhook = await require_webhook(visit)
    manifest = make_manifest(webhook)
    if visit.read_query("raw"):
        return Response(manifest.text, 200, html.HEADERS, "text/plain; charset=utf-8")
    return visit.render("manifest.html", at="webhooks", held=webhook, manifest=manifest)
