"""Which of a vendor's connections a caller speaks for: a key or client may be bound to one; else it is the only one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from django.db.models import Model
from rest_framework.exceptions import PermissionDenied

from portal.access import Caller
from portal.caching import BriefCache
from portal.models import RefusedCall

CONNECTION_SECONDS = 5.0
ConnectionT = TypeVar("ConnectionT", bound=Model)
SpeakerT = TypeVar("SpeakerT")


class Speakers(Generic[ConnectionT, SpeakerT]):
    """`prefix`: of the sources of `model`'s rows, which keys are bound to. `columns`: what `made` needs of a row."""

    def __init__(
        self,
        vendor: str,
        prefix: str,
        model: type[ConnectionT],
        columns: tuple[str, ...],
        made: Callable[[int, ConnectionT], SpeakerT],
    ) -> None:
        self._vendor, self._prefix, self._model = vendor, f"{prefix}:", model
        self._columns, self._made = columns, made
        self._kept: BriefCache[tuple[int, str], SpeakerT] = BriefCache(self._load, CONNECTION_SECONDS)

    def of(self, caller: Caller) -> SpeakerT:
        """Raises 403 when it is open which connection is speaking."""
        speaker = self._kept.get((caller.tenant_id, caller.bound_to))
        if speaker is not None:
            return speaker
        said = f"This key or client must be bound to one {self._vendor} connection: the tenant has none, or several."
        if caller.bound_to:
            said = f"The {self._vendor} connection of this key or client no longer exists. Use another one's."
        raise PermissionDenied(said, code=RefusedCall.Reason.CONNECTION)

    def _load(self, key: tuple[int, str]) -> SpeakerT | None:
        tenant_id, bound_to = key
        rows: Any = self._model._default_manager
        connections = rows.for_tenant(tenant_id).only(*self._columns)
        if bound_to:
            prefix, number = bound_to[: len(self._prefix)], bound_to[len(self._prefix) :]
            is_one = prefix == self._prefix and number.isdecimal()
            connections = connections.filter(pk=number) if is_one else connections.none()
        found = list(connections[:2])
        return self._made(tenant_id, found[0]) if len(found) == 1 else None
