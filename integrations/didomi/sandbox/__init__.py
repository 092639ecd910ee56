"""A local stand-in for Didomi's consent API and its webhooks."""

from integrations.didomi.sandbox.core import API_KEY, ORGANIZATION, SECRET
from integrations.didomi.sandbox.server import DidomiSandbox
from integrations.didomi.sandbox.store import Refusal
from integrations.didomi.sandbox.switches import Switches

__all__ = ["API_KEY", "ORGANIZATION", "SECRET", "DidomiSandbox", "Refusal", "Switches"]
