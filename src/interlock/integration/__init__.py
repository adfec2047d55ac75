"""Business systems: their contracts, the connectors that reach them, and the one door that calls them."""
