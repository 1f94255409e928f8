"""The tenant side, one file each; the only place that speaks to a tenant."""
