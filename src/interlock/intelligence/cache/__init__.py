"""Answers that are kept: by the exact request, and within one tenant, clearance and label only."""

from __future__ import annotations

from interlock.intelligence.cache.cache import Cache, Place
from interlock.intelligence.cache.keeping import worth_keeping
from interlock.intelligence.cache.key import Question, key_of, question_of
from interlock.intelligence.cache.shelf import Kept, Shelf

__all__ = ["Cache", "Kept", "Place", "Question", "Shelf", "key_of", "question_of", "worth_keeping"]
