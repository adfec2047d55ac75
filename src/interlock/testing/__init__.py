"""Fakes and contract kits that ship, for the tests of projects and of plug-ins."""
