"""Manifests of the command line to objects of a Kubernetes cluster, and back.

They differ in references to secrets and in what a cluster has no field for. No value of a secret is
read. It must not know clusters and their definitions. Entry points: `to_cluster.convert`,
`from_cluster.convert`.
"""
