"""The command line: click, terminal, wiring, and nothing that decides about webhooks.

`main.py` finds a command. `commands` declares it, `options` holds its options as values, `actions`
does it for one tenant and `tenants` for all, `run` is what they share, `terminal` what people see.
"""
