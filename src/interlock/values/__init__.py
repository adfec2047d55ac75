"""Frozen value types shared by every layer; no input or output, nothing of ours imported."""
