"""What Didomi's API answers, read into the portal's own types. Pure: the calls stand in client.py.

Didomi's pages show several shapes of one list, and its API grows: members that nobody knows are left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from portal.http import ApiError
from portal.ledger.failure import Decision
from portal.sentences import say

ID_LIMIT, TITLE_LIMIT = 200, 200


@dataclass(frozen=True)
class DidomiUser:
    """A person's status in Didomi: all their events, merged. Several, of one device each, may share our id."""

    id: str
    organization_user_id: str
    version: int  # 0 where the answer names none
    updated_at: datetime | None
    metadata: dict[str, Any]
    consents: dict[str, Any]  # as Didomi writes it: {"purposes": [{"id": "newsletter", "enabled": true}], …}
    regulation: str


@dataclass(frozen=True)
class Purpose:
    """What an organisation asks people for. A part is empty where the answer does not tell it."""

    id: str
    title: str
    type: str = ""
    regulations: tuple[str, ...] = ()
    preferences: tuple[str, ...] = ()  # their ids

    @staticmethod
    def of_json(kept: Mapping[str, Any]) -> Purpose:
        """What `asdict` made of one."""
        lists = {name: tuple(kept[name]) for name in ("regulations", "preferences")}
        return Purpose(**{**kept, **lists})


@dataclass(frozen=True)
class Value:
    id: str
    title: str


@dataclass(frozen=True)
class Preference:
    """What people choose among under a purpose: weekly or daily."""

    id: str
    title: str
    values: tuple[Value, ...] = ()
    purposes: tuple[str, ...] = ()  # their ids

    @staticmethod
    def of_json(kept: Mapping[str, Any]) -> Preference:
        """What `asdict` made of one."""
        values = tuple(Value(**each) for each in kept["values"])
        return Preference(**{**kept, "values": values, "purposes": tuple(kept["purposes"])})


@dataclass(frozen=True)
class Page:
    """One page of a list, and the query that asks for the next one; empty where there is none."""

    rows: list[Any]
    next: dict[str, str] = field(default_factory=dict)


def parse_page(body: Any) -> Page:
    """A bare array, {"data": […]} with or without `cursor`, or {"total", "limit", "skip", "data"}.

    Raises ApiError, to be retried, for anything else: taken for an empty list it would hide people's consents.
    """
    if isinstance(body, list):
        return Page(body)
    rows = body.get("data") if isinstance(body, dict) else None
    if not isinstance(rows, list):
        raise ApiError(say("Didomi sent an answer that is not a list."), Decision.RETRY)
    if cursor := name_of(body.get("cursor") or body.get("$cursor")):
        return Page(rows, {"$cursor": cursor})
    total, skip = number_of(body.get("total")), number_of(body.get("skip"))
    seen = skip + len(rows)
    return Page(rows, {"$skip": str(seen)} if rows and seen < total else {})


def parse_users(rows: Iterable[Any], asked: str, regulation: str) -> list[DidomiUser]:
    """The people in a list. One without an id, or with another one than was asked for, makes all of it doubtful."""
    users = [_user(each, asked, regulation) for each in rows]
    if any(user.organization_user_id.casefold() != asked.casefold() for user in users):
        raise ApiError(say("Didomi sent somebody else than it was asked for."), Decision.RETRY)
    return users


def _user(raw: Any, asked: str, regulation: str) -> DidomiUser:
    remote_id = name_of(raw.get("id")) if isinstance(raw, dict) else ""
    if not remote_id:
        raise ApiError(say("Didomi sent a user without an id."), Decision.RETRY)
    return DidomiUser(
        id=remote_id,
        organization_user_id=name_of(raw.get("organization_user_id", asked)),
        version=number_of(raw.get("version")),
        updated_at=moment_of(raw.get("updated_at")),
        metadata=_object(raw.get("metadata")),
        consents=_object(raw.get("consents")),
        regulation=name_of(raw.get("regulation")) or regulation,
    )


def parse_event(body: Any, event: str) -> dict[str, Any]:
    """A consent event as Didomi keeps it. Raises ApiError, to be retried, for what is not the event `event`."""
    found = body.get("data", body) if isinstance(body, dict) else None
    if not isinstance(found, dict) or name_of(found.get("id")) != event:
        raise ApiError(say("Didomi sent an answer that is not the event it was asked for."), Decision.RETRY)
    return found


def parse_purposes(rows: Iterable[Any]) -> list[Purpose]:
    """What has no id cannot be mapped, so it is left out."""
    return [
        Purpose(
            id=remote_id,
            title=_title(raw, remote_id),
            type=name_of(raw.get("type")),
            regulations=ids_of(raw.get("regulations_id", raw.get("regulations"))),
            preferences=ids_of(raw.get("preferences_id", raw.get("preferences"))),
        )
        for remote_id, raw in _with_id(rows)
    ]


def parse_preferences(rows: Iterable[Any]) -> list[Preference]:
    return [
        Preference(
            id=remote_id,
            title=_title(raw, remote_id),
            values=tuple(_values(raw.get("values"))),
            purposes=ids_of(raw.get("purposes_id", raw.get("purposes", raw.get("purpose_id")))),
        )
        for remote_id, raw in _with_id(rows)
    ]


def _values(found: Any) -> Iterable[Value]:
    """[{"id": "weekly", "name": {"en": "Weekly"}}], ["weekly"], or {"weekly": {…}}."""
    if isinstance(found, dict):
        found = [{"id": key, **(_object(each) or {"name": each})} for key, each in found.items()]
    for raw in found if isinstance(found, list) else []:
        remote_id = name_of(raw.get("id", raw.get("value"))) if isinstance(raw, dict) else name_of(raw)
        if remote_id:
            yield Value(remote_id, _title(raw, remote_id) if isinstance(raw, dict) else remote_id)


def _with_id(rows: Iterable[Any]) -> Iterable[tuple[str, dict[str, Any]]]:
    for raw in rows:
        if isinstance(raw, dict) and (remote_id := name_of(raw.get("id"))):
            yield remote_id, raw


def ids_of(found: Any) -> tuple[str, ...]:
    """["gdpr"], [{"id": "gdpr"}], or "gdpr" alone."""
    each = found if isinstance(found, list) else [found]
    names = (name_of(one.get("id")) if isinstance(one, dict) else name_of(one) for one in each)
    return tuple(name for name in names if name)


def _title(raw: Mapping[str, Any], remote_id: str) -> str:
    """What people call it: a text, or texts by language, of which English is taken, else any."""
    for member in ("name", "title", "label", "description"):
        told = raw.get(member)
        if isinstance(told, dict):
            told = told.get("en") or next((each for each in told.values() if isinstance(each, str) and each), "")
        if isinstance(told, str) and told.strip():
            return told.strip()[:TITLE_LIMIT]
    return remote_id


def name_of(found: Any) -> str:
    """A text, or a number spelt out; empty for anything else."""
    if isinstance(found, str):
        return found.strip() if len(found) <= ID_LIMIT else ""
    return str(found) if isinstance(found, int) and not isinstance(found, bool) else ""


def number_of(found: Any) -> int:
    """A whole number from 0, also as a text; 0 for anything else."""
    if isinstance(found, str) and found.isascii() and found.isdecimal() and len(found) < 16:
        return int(found)
    return found if type(found) is int and found > 0 else 0


def moment_of(found: Any) -> datetime | None:
    """An ISO moment; one without a zone is UTC. None for anything else."""
    try:
        at = datetime.fromisoformat(found) if isinstance(found, str) else None
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at and at.tzinfo is None else at


def _object(found: Any) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}
