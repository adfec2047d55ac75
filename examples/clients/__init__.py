"""Agents written with other frameworks, whose actions take Interlock's path."""
