"""`reconciler operator`: the controller over the objects of a Kubernetes cluster.

`objects` and `cache` hold what the cluster says, `source` makes manifests of it, `status` says what
is written back, and `api` and `watch` are the only modules that speak to the API server. It must
not know the command line. Entry point: `operator.Operator`.
"""
