"""The command line: options in, one workflow call, rendered text out, exit code. One file a
command.
"""
