"""Policy documents -> the rules of an organisation, from the work tree or the base branch.

Knows no plans. Entry point: `policies.read_policies`.
"""
