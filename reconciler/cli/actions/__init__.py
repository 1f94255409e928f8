"""What the commands do for one tenant, once their options are values.

A command imports its module here when it runs, so that `--help` and `--version` import none of it.
No module here knows click's parameters, and none imports another.
"""
