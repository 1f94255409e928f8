"""SQL over the table `subscriptions`: who receives what."""

from __future__ import annotations

import json
import sqlite3

from reconciler.tenant.store.values.receivers import NO_RECEIVERS, SHOWN, Receiver, Receivers


def read_receivers(connection: sqlite3.Connection) -> dict[str, Receivers]:
    """Every type of event that a webhook receives, in order, with its receivers; one walk over the
    table.
    """
    rows = connection.execute(
        "SELECT * FROM (SELECT g.type, g.wanted, w.id, w.name, w.enabled, "
        "COUNT(*) OVER (PARTITION BY g.type) AS webhooks, SUM(w.enabled) OVER (PARTITION "
        "BY g.type) AS enabled_webhooks, "
        "ROW_NUMBER() OVER (PARTITION BY g.type ORDER BY w.folded, w.id) AS place "
        "FROM (SELECT type, webhook_id, json_group_array(json_array(version, severity)) AS wanted "
        "FROM subscriptions GROUP BY type, webhook_id) g JOIN webhooks w ON w.id = g.webhook_id) "
        "WHERE place <= ? ORDER BY type, place",
        (SHOWN,),
    )
    receivers: dict[str, Receivers] = {}
    for row in rows:
        before = receivers.get(row["type"], NO_RECEIVERS)
        wanted = tuple(
            sorted((version, severity) for version, severity in json.loads(row["wanted"]))
        )
        receiver = Receiver(row["id"], row["name"], bool(row["enabled"]), wanted)
        receivers[row["type"]] = Receivers(
            row["webhooks"], row["enabled_webhooks"], (*before.first, receiver)
        )
    return receivers
