"""A local stand-in for Actito's REST API and its webhooks."""

from integrations.actito.sandbox.server import ActitoSandbox, Seeded
from integrations.actito.sandbox.store import Attribute, Refusal
from integrations.actito.sandbox.switches import Switches

__all__ = ["ActitoSandbox", "Attribute", "Refusal", "Seeded", "Switches"]
