"""How each way to Kubernetes says what it would create: a module per way, each with `render` and `OWNERSHIP`."""
