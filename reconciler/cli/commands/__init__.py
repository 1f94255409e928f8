"""One file per command: its options and help; they become a value, and `actions` or `tenants` does
the rest.

Found by name in `main.py`; no command imports another, and none imports at its top what `--help`
does not need.
"""
