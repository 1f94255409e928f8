"""`reconciler agent`: the controller over a Git repository, with its HTTP server.

`agent` puts the parts together, `server` answers requests, `status` is what they show. It must not
know the command line. Entry point: `agent.run_agent`.
"""
