"""What a request may say, and what it makes of a webhook.

Knows no SQL and no handlers. Entry points: `body`, `webhook_change`.
"""
