"""Tells people and other systems what changed: drift, a refused plan, a failed run, a recovery,
changes that were made, and endpoints that the product disabled.

Knows results as plain values, no plan and no tenant. Entry points: `result_changes.find_notices`,
`send.notify`, and the notifiers `cloud_event.CloudEventNotifier` and
`apprise_notifier.AppriseNotifier`.
"""
