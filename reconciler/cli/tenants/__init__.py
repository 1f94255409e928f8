"""A command over all Tenant manifests: wave by wave, one tenant after the other."""
