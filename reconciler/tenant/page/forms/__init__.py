"""The form of a webhook: its texts, its errors, its draft, its buttons, and two versions of it.

What is wrong with a value is decided by `requests`, as for the API. Knows no page. Entry points:
`submission`, `form`.
"""
