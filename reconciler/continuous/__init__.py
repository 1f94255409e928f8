"""The controller: reconciles each Tenant again and again, from a Git repository or a cluster.

`schedule` says when a Tenant is due, `queue` orders the Tenants, `loop` runs them, `run` is one run
of one Tenant with the existing plan, checks and execution. It must not know the command line, nor
the embedded tenant. Entry point: `agent`.
"""
