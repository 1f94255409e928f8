"""The delivery engine: takes what is due, sends it, stores how it ended.

Knows no HTTP API and no page. Entry point: `engine.Engine`.
"""
