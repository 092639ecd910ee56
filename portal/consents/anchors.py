"""ANCHORS: where each chain ended on which day, kept outside its table: in the log, and as news in the ledger.

Whoever cuts the newest records off and puts an old head back is found out by them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from portal import ledger
from portal.models import ConsentHead, Event
from portal.sentences import say

log = logging.getLogger(__name__)

ANCHORED = "consents.anchored"
SUBJECT = "consents"


@dataclass(frozen=True)
class Anchor:
    number: int
    hash: str
    kept: str  # where: for whoever compares


def note(tenant_ids: Sequence[int]) -> None:
    """The daily task."""
    heads = ConsentHead.objects.filter(tenant_id__in=tenant_ids, number__gt=0).select_related("tenant")
    for head in heads.order_by("tenant_id"):
        log.info("consents=%s:%s:%s", head.tenant.slug, head.number, head.hash)
        if _newest(head.tenant_id) != (head.number, head.hash):
            ledger.news(
                ANCHORED, tenant_id=head.tenant_id, subject=SUBJECT, payload={"number": head.number, "hash": head.hash},
                result=ledger.done(say("The proof of consents ends with record %(number)s.", number=head.number)),
            )  # fmt: skip


def _newest(tenant_id: int) -> tuple[int, str] | None:
    newest = _noted(tenant_id).first()
    return (newest.payload["number"], newest.payload["hash"]) if newest else None


def _noted(tenant_id: int) -> QuerySet[Event]:
    found: QuerySet[Event] = Event.objects.filter(tenant_id=tenant_id, subject=SUBJECT, kind=ANCHORED)
    return found.order_by("-id")


def anchors_of(tenant_id: int) -> Iterator[Anchor]:
    for event in _noted(tenant_id).order_by("id"):
        yield Anchor(event.payload["number"], event.payload["hash"], f"event {event.pk} of {event.created_at:%Y-%m-%d}")
