"""SQL, one module per kind of row. Each function takes a connection and is called in the writer's
or a reader's transaction.

Knows no HTTP.
"""
