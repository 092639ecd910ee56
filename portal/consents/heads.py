"""The head of a tenant's chain: locked while the chain grows, and sealed with a key that is not in the database."""

from __future__ import annotations

import logging
from collections import Counter

from django.db import transaction
from django.db.models import QuerySet

from portal.models import ConsentHead, ConsentRecord
from portal.secrets import newest_key_id, sign, verifies

log = logging.getLogger(__name__)

# What the first record of a chain stands behind.
GENESIS = "0" * 64


def locked_head(tenant_id: int) -> ConsentHead:
    """The tenant's head, made when there is none, until the transaction ends: who else adds to this chain waits."""
    heads: QuerySet[ConsentHead] = ConsentHead.objects.select_for_update().filter(tenant_id=tenant_id)
    head = heads.first()
    if head is None:
        ConsentHead.objects.bulk_create([_first(tenant_id)], ignore_conflicts=True)
        head = heads.get()
    return head


def _first(tenant_id: int) -> ConsentHead:
    """Where the head was lost, the chain goes on behind what is there, unsealed."""
    last = ConsentRecord.objects.filter(tenant_id=tenant_id).order_by("-number").first()
    if last is not None:
        return ConsentHead(tenant_id=tenant_id, number=last.number, hash=last.hash)
    head = ConsentHead(tenant_id=tenant_id, number=0, hash=GENESIS)
    seal(head)
    return head


def seal(head: ConsentHead) -> None:
    """Raises SecretError where the installation has no key."""
    head.seal = f"{newest_key_id()}:{sign(_sealed_text(head))}"


def is_sealed(head: ConsentHead) -> bool:
    """Whether the portal wrote this head as it stands. False, too, where the key of its seal is gone."""
    key_id, _, signature = head.seal.partition(":")
    return verifies(_sealed_text(head), key_id, signature)


def _sealed_text(head: ConsentHead) -> str:
    return f"consents\n{head.tenant_id}\n{head.number}\n{head.hash}"


def move_on(head: ConsentHead, last: ConsentRecord) -> None:
    """The chain ends with this record now. A head that was changed by others is not made good by going on from it."""
    sound = is_sealed(head)
    head.number, head.hash, head.seal = last.number, last.hash, ""
    if sound:
        seal(head)
    head.save()


def seal_anew(tenant_id: int) -> None:
    """Takes the head as it stands for good. For a person who knows why its seal was broken."""
    with transaction.atomic():
        head = ConsentHead.objects.select_for_update().filter(tenant_id=tenant_id).first()
        if head is not None:
            seal(head)
            head.save()
            log.warning("consents=sealed anew tenant=%s number=%s", tenant_id, head.number)


def key_ids() -> Counter[str]:
    """The keys of the seals there are, and how many of each."""
    seals = ConsentHead.objects.exclude(seal="").values_list("seal", flat=True)
    return Counter(each.partition(":")[0] for each in seals)


def reseal(*, dry_run: bool) -> Counter[str]:
    """Seals every head anew under the newest key, save those that cannot be verified. Counts by what was done."""
    newest, counts = newest_key_id(), Counter[str]()
    for key in list(ConsentHead.objects.order_by("pk").values_list("pk", flat=True)):
        with transaction.atomic():
            head = ConsentHead.objects.select_for_update().get(pk=key)
            counts[_resealed(head, newest, dry_run=dry_run)] += 1
    return counts


def _resealed(head: ConsentHead, newest: str, *, dry_run: bool) -> str:
    if not is_sealed(head):
        return "unreadable"
    if head.seal.startswith(f"{newest}:"):
        return "up to date"
    if dry_run:
        return "to rotate"
    seal(head)
    head.save()
    return "rotated"
