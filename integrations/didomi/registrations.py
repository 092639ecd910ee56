"""What Didomi's folder registers with the house, read once in `DidomiConfig.ready()`: a function for each concern."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from integrations.pairing.registry import consent_side
from portal import daily
from portal.api import describe
from portal.ledger import handles, regularly, subscribe
from portal.retention import holds
from portal.watch.words import name_backlog

HERE = "integrations.didomi"


def register() -> None:
    for concern in (_arrivals, _catalogue, _back, _comparing):
        concern()


def _arrivals() -> None:
    """What Didomi's webhooks bring."""
    handles("didomi.event", f"{HERE}.consents.take_event", title=_("Consent event from Didomi"))
    handles("didomi.reading", f"{HERE}.reading.read_user", title=_("Consents read from Didomi"), coalesces=True)
    holds("didomi.event", "body", needed=True)
    holds("didomi.reading", "person", needed=True)
    daily.counts_events("arrivals", "didomi.event", from_outside=True)
    name_backlog("didomi.event", ngettext_lazy("%(shown)s consent event", "%(shown)s consent events", "n"))
    describe(f"{HERE}.openapi")


def _catalogue() -> None:
    handles("didomi.catalogue", f"{HERE}.catalogue.read_catalogue", title=_("Didomi catalogue read"), coalesces=True)
    regularly("didomi.catalogue", f"{HERE}.catalogue.ask_all")


def _back() -> None:
    """The side of pairings where people say what they consent to."""
    consent_side("didomi", f"{HERE}.side.Didomi")
    title = _("Consents for Didomi")
    handles("didomi.consents", f"{HERE}.writeback.write_consents", title=title, coalesces=True)
    subscribe("consents.changed", "didomi", f"{HERE}.writeback.tell", title=title, coalesces=True,
              wanted=f"{HERE}.writeback.wanted")  # fmt: skip
    holds("didomi.consents", "key", needed=True)


def _comparing() -> None:
    """Before a pairing is switched on."""
    handles("didomi.compare", f"{HERE}.comparing.compare", title=_("Consents read for a comparison"))
    name_backlog("didomi.compare", ngettext_lazy("%(shown)s person to compare", "%(shown)s people to compare", "n"))
