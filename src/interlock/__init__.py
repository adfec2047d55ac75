"""Interlock: the control layer between AI and the systems that run a business."""

__version__ = "0.1.0"
