"""Imports every admin module of this storey, so that it registers. Read once, in `PassesConfig.ready()`."""

from passes.admin import credentials, customers, home, passes, templates

__all__ = ["credentials", "customers", "home", "passes", "templates"]
