"""What the commands do, once their options are values.

A command imports its module here only when it runs, so `--help` and `--version` import none of it.
Nothing here knows click's parameters, and no module imports another one's.
"""
