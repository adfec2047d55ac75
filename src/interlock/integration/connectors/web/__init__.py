"""Calls over HTTP as REST systems take them: what connectors that describe such systems differently have in common."""
