"""The pass that a phone asks for. Phones ask all day, so it is read with one narrow statement."""

from __future__ import annotations

import uuid

from passes.models import PassTemplate, WalletPass
from portal.caching import BriefCache
from portal.prepared import Lookup

# A new certificate signs after so many seconds at the latest, in every process.
TEMPLATE_SECONDS = 5.0

_passes = Lookup(
    WalletPass,
    "serial_number",
    ("id", "tenant", "template", "customer", "serial_number", "authentication_token", "imported_serial",
     "imported_under", "content", "content_hash", "changed_at", "changed_by", "created_at", "fetched_at"),
)  # fmt: skip


def held(serial_number: uuid.UUID) -> WalletPass | None:
    """With its template and certificate; what else it has is read when asked for."""
    found = _passes.find(serial_number)
    template = _templates.get(found.template_id) if found else None
    if found is None or template is None:
        return None
    found.template = template
    return found


def _template(key: int) -> PassTemplate | None:
    found: PassTemplate | None = PassTemplate.objects.select_related("apple").defer("published").filter(pk=key).first()
    return found


_templates = BriefCache(_template, TEMPLATE_SECONDS)
