"""How one event reaches one endpoint: envelope, address guard, one attempt. Used by the tenant and by `test --via probe`."""
