"""Lanes of one remote account share its budget of calls and its running calls, and nothing else (choice.py, limits.py).

Which lanes these are is never taken from a name that somebody entered: whoever wrote another's licence down could use
up what that one may call. It follows from the secrets by which accounts are reached. Who knows one can use the account
up without the portal, too, so that sharing takes nothing from anybody. An account that has several keys is one where
one lane is reached by them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django.db import connection, transaction
from django.db.models import Max, QuerySet

from portal.models import Lane, LaneProof, SharedBudget

_TURN = 7_201_001  # of PostgreSQL's advisory locks: two lanes that are proven at once see each other


def prove(lane_id: int, digests: Collection[str]) -> None:
    """Says by which secrets the lane's account is reached: their fingerprints, in place of what was said before."""
    kept = LaneProof.objects.filter(lane_id=lane_id)
    if set(kept.values_list("digest", flat=True)) == set(digests):
        return
    with transaction.atomic():
        _take_turns()
        kept.exclude(digest__in=digests).delete()
        LaneProof.objects.bulk_create(
            [LaneProof(lane_id=lane_id, digest=digest) for digest in digests], ignore_conflicts=True
        )
        _regroup(lane_id)


def _take_turns() -> None:
    """On SQLite, whoever writes is alone."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_TURN])


def _regroup(lane_id: int) -> None:
    lanes = _reached({lane_id})
    proofs: dict[int, set[str]] = {lane: set() for lane in lanes}
    for lane, digest in LaneProof.objects.filter(lane__in=lanes).values_list("lane", "digest"):
        proofs[lane].add(digest)
    before = dict(Lane.objects.filter(pk__in=lanes).values_list("pk", "shared"))
    unused = {shared for shared in before.values() if shared}
    for group in groups_of(proofs):
        mine = Lane.objects.filter(pk__in=group)
        if len(group) == 1:
            mine.update(shared=None)
            continue
        known = sorted({before[lane] for lane in group} & unused)
        unused -= set(known[:1])
        mine.update(shared=known[0] if known else _made(mine))
    SharedBudget.objects.filter(pk__in=unused).delete()


def _made(lanes: QuerySet[Lane]) -> int:
    """What was called before it was known that they share is not forgotten."""
    used = lanes.aggregate(until=Max("budget_until"))["until"] or 0.0
    return int(SharedBudget.objects.create(budget_until=used).pk)


def _reached(lanes: set[int]) -> set[int]:
    """All that share with these, or did, over however many others."""
    while True:
        digests = LaneProof.objects.filter(lane__in=lanes).values("digest")
        shared = Lane.objects.filter(pk__in=lanes, shared__isnull=False).values("shared")
        more = {
            *LaneProof.objects.filter(digest__in=digests).values_list("lane", flat=True),
            *Lane.objects.filter(shared__in=shared).values_list("pk", flat=True),
        }
        if more <= lanes:
            return lanes
        lanes = lanes | more


def groups_of(proofs: Mapping[int, Collection[str]]) -> list[set[int]]:
    """Lanes by account: two are of one where they have a proof in common, or each has one with a third. Pure."""
    groups: list[tuple[set[int], set[str]]] = []
    for lane, digests in proofs.items():
        lanes, all_digests = {lane}, set(digests)
        apart = []
        for group in groups:
            if group[1] & all_digests:
                lanes |= group[0]
                all_digests |= group[1]
            else:
                apart.append(group)
        groups = [*apart, (lanes, all_digests)]
    return [lanes for lanes, _digests in groups]
