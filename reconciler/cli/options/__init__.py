"""The options of the command line, a module per topic: their declaration for click, and the frozen
value that they become.

A command lists its topics in a value of its own, which `option_values.py` fills. No option is read
by its name anywhere else.
"""
