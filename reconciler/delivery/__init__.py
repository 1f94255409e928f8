"""How one event reaches one endpoint: envelope, address guard, one attempt."""
