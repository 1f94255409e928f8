"""Live webhooks to write to Git, and webhooks to mark as ours.

Knows no YAML. Entry points: `exported`, `adopt`.
"""
