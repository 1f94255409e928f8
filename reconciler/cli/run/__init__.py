"""What commands share: which tenant, which manifests, the connection, saved plans, carrying out."""
