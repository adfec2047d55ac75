"""The command line: `interlock COMMAND`; parses, calls one verb here or on a server, and prints."""
