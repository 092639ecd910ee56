"""What Didomi's folder registers with the house, read once in `DidomiConfig.ready()`: a function for each concern."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from portal.ledger import handles, regularly
from portal.watch.words import name_backlog

HERE = "integrations.didomi"


def register() -> None:
    _catalogue()
    _comparing()


def _catalogue() -> None:
    handles("didomi.catalogue", f"{HERE}.catalogue.read_catalogue", title=_("Didomi catalogue read"), coalesces=True)
    regularly("didomi.catalogue", f"{HERE}.catalogue.ask_all")


def _comparing() -> None:
    """Before a pairing is switched on."""
    handles("didomi.compare", f"{HERE}.comparing.compare", title=_("Consents read for a comparison"))
    name_backlog("didomi.compare", ngettext_lazy("%(shown)s person to compare", "%(shown)s people to compare", "n"))
