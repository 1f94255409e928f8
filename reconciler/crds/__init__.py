"""The kinds of manifests as CustomResourceDefinitions of Kubernetes, made of the JSON Schemas.

Pure: schemas in, definitions out. It must not know clusters, tenants, HTTP and the command line.
Entry points: `definitions.make_definitions`, `definitions.print_definitions`.
"""
