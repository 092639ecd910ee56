"""What the first activation of a pairing registers with the house."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from portal.jobs import job_kind
from portal.ledger import handles
from portal.tenancy import Action
from portal.watch.words import name_backlog

HERE = "integrations.pairing"


def register() -> None:
    job_kind(
        "pairing.comparison", f"{HERE}.comparing.Comparison", title=_("Both systems compared"), needs=Action.CONFIGURE
    )
    job_kind(
        "pairing.alignment", f"{HERE}.aligning.Alignment", title=_("Consents aligned"), needs=Action.CONFIGURE
    )
    handles("consents.align", f"{HERE}.aligning.align", title=_("Consents aligned"))
    name_backlog("consents.align", ngettext_lazy("%(shown)s person to align", "%(shown)s people to align", "n"))
