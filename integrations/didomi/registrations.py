"""What Didomi's folder registers with the house, read once in `DidomiConfig.ready()`: a function for each concern."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.ledger import handles, regularly

HERE = "integrations.didomi"


def register() -> None:
    _catalogue()


def _catalogue() -> None:
    handles("didomi.catalogue", f"{HERE}.catalogue.read_catalogue", title=_("Didomi catalogue read"), coalesces=True)
    regularly("didomi.catalogue", f"{HERE}.catalogue.ask_all")
