"""The values that both sides of a comparison are made of: webhooks, secrets, the event catalogue,
limits, problems.

Knows nothing of plans, files and HTTP. Entry points: `webhook.Webhook`, `secret.Secret`,
`problem.Problem`.
"""
