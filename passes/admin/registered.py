"""Imports every admin module of this storey, so that it registers. Read once, in `PassesConfig.ready()`."""

from passes.admin import (
    card_imports,
    carried,
    credentials,
    customers,
    giving,
    google,
    home,
    messages,
    passes,
    requests,
    templates,
)

__all__ = [
    "card_imports",
    "carried",
    "credentials",
    "customers",
    "giving",
    "google",
    "home",
    "messages",
    "passes",
    "requests",
    "templates",
]
