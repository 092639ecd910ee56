"""CHECKING a chain: every link, all contents that are there, the head's seal, and what was kept of it elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Max

from portal.consents.anchors import Anchor, anchors_of
from portal.consents.chain import link_hash, sha256
from portal.consents.heads import GENESIS, is_sealed
from portal.models import ConsentHead, ConsentRecord, Tenant

CHUNK = 2_000


class ChainBroken(Exception):
    """What is wrong, and with which record, in words for whoever runs the check."""


@dataclass(frozen=True)
class Sound:
    """A chain in order."""

    head: ConsentHead | None  # None: nothing was ever recorded
    emptied: int  # records without contents


def check(tenant: Tenant, kept: Sequence[Anchor] = ()) -> Sound:
    """Reads the whole chain, while others may add to it. `kept`: heads kept elsewhere. Raises ChainBroken."""
    # The head last: what was read before it is never ahead of it, since they move in one transaction.
    anchors = [*kept, *anchors_of(tenant.pk)]
    last: int = ConsentRecord.objects.filter(tenant=tenant).aggregate(last=Max("number"))["last"] or 0
    head = ConsentHead.objects.filter(tenant=tenant).first()
    if head is None:
        if last or anchors:
            raise ChainBroken("The head is gone.")
        return Sound(None, 0)
    ends_with, emptied = _walk(tenant, head.number, anchors)
    if last > head.number:
        raise ChainBroken(f"Record {head.number + 1} stands behind the head, which knows {head.number} only.")
    if head.hash != ends_with:
        raise ChainBroken(f"The head has another fingerprint than record {head.number}, with which it ends.")
    if beyond := next((each for each in anchors if each.number > head.number), None):
        raise ChainBroken(
            f"Records {head.number + 1} to {beyond.number} are missing at the end: {beyond.kept} knew them."
        )
    if not is_sealed(head):
        raise ChainBroken(
            f"The head at record {head.number} was not written by this portal, or with a key that is not in "
            "ENCRYPTION_KEYS any more."
        )
    return Sound(head, emptied)


def _walk(tenant: Tenant, upto: int, anchors: Iterable[Anchor]) -> tuple[str, int]:
    """The fingerprint that the records come to, and how many have no contents."""
    known: dict[int, list[Anchor]] = {}
    for anchor in anchors:
        known.setdefault(anchor.number, []).append(anchor)
    previous, expected, emptied = GENESIS, 1, 0
    records = ConsentRecord.objects.filter(tenant=tenant, number__lte=upto).order_by("number")
    for record in records.iterator(chunk_size=CHUNK):
        _check_link(record, expected, previous)
        for anchor in known.get(record.number, ()):
            if anchor.hash != record.hash:
                raise ChainBroken(f"Record {record.number} is another one than {anchor.kept} knew.")
        previous, expected = record.hash, expected + 1
        emptied += not record.contents_text
    if expected <= upto:
        raise ChainBroken(f"Record {expected} is missing.")
    return previous, emptied


def _check_link(record: ConsentRecord, expected: int, previous: str) -> None:
    if record.number != expected:
        raise ChainBroken(f"Record {expected} is missing.")
    if record.contents_text and sha256(record.contents_text) != record.content_hash:
        raise ChainBroken(f"The contents of record {record.number} were changed.")
    if not record.contents_text and record.emptied_at is None:
        raise ChainBroken(f"The contents of record {record.number} are gone, and the portal did not remove them.")
    if record.previous != previous:
        raise ChainBroken(f"Record {record.number} does not stand behind record {record.number - 1}.")
    if link_hash(record) != record.hash:
        raise ChainBroken(f"Record {record.number} was changed.")
