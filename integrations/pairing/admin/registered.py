"""Imported once in `AppConfig.ready()`: the admins of pairings."""

from integrations.pairing.admin import attention, pairings, reviews, subjects

__all__ = ["attention", "pairings", "reviews", "subjects"]
