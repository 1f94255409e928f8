"""The process: application, limits of connections, log and metrics.

Entry points: `app.create_app`, `server`.
"""
