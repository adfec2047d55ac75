"""Where a request begins: REST, MCP, console and command line; each parses, calls one verb and renders."""
