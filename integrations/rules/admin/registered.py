"""Imports every admin module of the rules, so that it registers. Read once, in `IntegrationsConfig.ready()`."""

from integrations.rules.admin import firings, rules

__all__ = ["firings", "rules"]
