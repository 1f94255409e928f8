"""Declared and live webhooks to a plan: match, fill in, compare, order.

Knows no files, no HTTP, no output. Entry point: `plan.make_plan`.
"""
