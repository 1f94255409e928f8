"""One file per command: options in, one call of the workflow, rendered text out, exit code.

Found by name in `main.py`; nothing imports another command.
"""
