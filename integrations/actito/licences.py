"""Which lanes are one licence of Actito's, also of several tenants: those that one secret reaches at one address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.apps import apps

from portal import ledger
from portal.models import LaneProof
from portal.secrets import SecretError, fingerprint

if TYPE_CHECKING:
    from integrations.actito.models import ActitoConnection


def prove(lane_id: int) -> None:
    """Takes the secrets of the connections that use the lane as its proofs."""
    ledger.prove(lane_id, _proofs(lane_id).get(lane_id, set()))


def prove_all(tenants: Sequence[int]) -> None:
    """Once a day, for what no save tells of: a connection that was deleted, a new key of ENCRYPTION_KEYS."""
    wanted = _proofs()
    kept: dict[int, set[str]] = {}
    for lane_id, digest in LaneProof.objects.values_list("lane", "digest"):
        kept.setdefault(lane_id, set()).add(digest)
    for lane_id in wanted.keys() | kept.keys():
        if wanted.get(lane_id) != kept.get(lane_id):
            ledger.prove(lane_id, wanted.get(lane_id, set()))


def _proofs(lane_id: int | None = None) -> dict[int, set[str]]:
    connections = apps.get_model("actito", "ActitoConnection").objects.defer("connector")  # models.py imports this
    found: dict[int, set[str]] = {}
    for connection in connections.filter(lane=lane_id) if lane_id else connections.all():
        if proof := _proof(connection):
            found.setdefault(connection.lane_id, set()).add(proof)
    return found


def _proof(connection: ActitoConnection) -> str:
    """Empty for a connection whose secret is missing, or cannot be read: it reaches nothing either."""
    try:
        secret = connection.api_key.strip()
    except SecretError:
        return ""
    if not secret:
        return ""
    return fingerprint("\n".join([connection.host.lower().rstrip("/"), connection.account, secret]))
