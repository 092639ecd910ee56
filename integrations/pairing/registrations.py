"""What pairings register with the house, read once in `IntegrationsConfig.ready()`."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from integrations.rules.registry import rule_consents
from portal.consents import decides
from portal.erasure import erases
from portal.ledger import handles
from portal.ledger.registry import name_news
from portal.retention import holds

HERE = "integrations.pairing"


def register() -> None:
    from integrations.pairing.admin import registered  # noqa: F401, PLC0415 - registers the admins

    handles("consents.answer", f"{HERE}.answering.answer", title=_("Consent decided by the team"))
    holds("consents.answer", "states", needed=True)
    decides(f"{HERE}.lines.decided_names")
    name_news("consents.asked", _("Consent to review"))
    erases("pairing", f"{HERE}.erasing.erase")
    rule_consents("pairing", f"{HERE}.rule_consents.Consents")
