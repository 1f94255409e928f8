"""Every reason to refuse a plan, what a run permits, and the rules of an organisation.

Knows no files: what they say comes in as values. Entry point: `checks.check_plan`.
"""
