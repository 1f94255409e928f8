"""Live webhooks on their way to Git: what to write, and which to mark as ours.

Knows no YAML. Entry points: `exported`, `adopt`.
"""
