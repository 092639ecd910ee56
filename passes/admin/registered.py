"""Imports every admin module of this storey, so that it registers. Read once, in `PassesConfig.ready()`."""

from passes.admin import carried, credentials, customers, giving, home, passes, requests, templates

__all__ = ["carried", "credentials", "customers", "giving", "home", "passes", "requests", "templates"]
