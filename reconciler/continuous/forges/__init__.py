"""The forges that a repository lies on: their push webhooks are read, and the status of a commit is
published there.

Knows no Git and no plan. Entry points: `push.read_push`, `commit_status.publish_status`.
"""
