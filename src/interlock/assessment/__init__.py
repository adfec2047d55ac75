"""What a project is worth before it is trusted: it is looked at and tried out, and nothing real is touched."""
