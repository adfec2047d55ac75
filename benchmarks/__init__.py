"""Benchmarks: what a governed call costs beside a bare relay, in processor time, measured in one run."""
