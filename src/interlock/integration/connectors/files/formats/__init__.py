"""Formats of files: from bytes to rows and back. A format's package is loaded where a file is read or written."""
