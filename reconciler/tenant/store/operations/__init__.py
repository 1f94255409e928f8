"""What the tenant does with its file, one class per subject, one transaction per call.

Takes and returns plain values; connections stay below, in `rows` and `database`. Knows no HTTP.
Entry point: `store.Store`, which has an object of each class.
"""
