"""What pairings register with the house, read once in `IntegrationsConfig.ready()`."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from integrations.rules.registry import rule_consents
from portal.consents import decides
from portal.erasure import erases
from portal.jobs import job_kind
from portal.ledger import handles
from portal.ledger.registry import name_news
from portal.retention import holds
from portal.tenancy import Action
from portal.watch.words import name_backlog

HERE = "integrations.pairing"


def register() -> None:
    from integrations.pairing.admin import registered  # noqa: F401, PLC0415 - registers the admins

    _activation()
    handles("consents.answer", f"{HERE}.answering.answer", title=_("Consent decided by the team"))
    holds("consents.answer", "states", needed=True)
    decides(f"{HERE}.lines.decided_names")
    name_news("consents.asked", _("Consent to review"))
    erases("pairing", f"{HERE}.erasing.erase")
    rule_consents("pairing", f"{HERE}.rule_consents.Consents")


def _activation() -> None:
    """Both systems compared, and what was found brought to stand."""
    comparison, alignment = f"{HERE}.comparing.Comparison", f"{HERE}.aligning.Alignment"
    job_kind("pairing.comparison", comparison, title=_("Both systems compared"), needs=Action.CONFIGURE)
    job_kind("pairing.alignment", alignment, title=_("Consents aligned"), needs=Action.CONFIGURE)
    handles("consents.align", f"{HERE}.aligning.align", title=_("Consents aligned"))
    name_backlog("consents.align", ngettext_lazy("%(shown)s person to align", "%(shown)s people to align", "n"))
