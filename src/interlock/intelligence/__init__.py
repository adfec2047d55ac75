"""The way to models: routes, the gateway every model call passes, and the providers behind it."""
