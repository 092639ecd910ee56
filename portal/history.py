"""The history of the configuration: who changed what, when, from what, to what. Secrets are masked before that.

A row and its parts (a template and its fields) are read as a document before and after; the difference is kept:

    {"": {"name": "Card"}, "passes.templatefield:7": {"": "points", "label": "Points"}}

A part that came or went is one entry with the whole part: {"part": "passes.templatefield", "row": "points",
"field": "", "before": None, "after": {"label": "Points"}}.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from django.db import models

from portal.models import Change
from portal.secrets import EncryptedTextField
from portal.tenancy import tenant_id_of

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

Document = dict[str, dict[str, Any]]
NAME = ""  # the member of a part that holds its name
TEXT_LIMIT = 2000
SECRET = {"secret": True}
_MASKED_NAMES = {"password"}


def document(row: models.Model, parts: Iterable[models.Model] = ()) -> Document:
    """The row as it stands, and its parts, by part and field. Values are JSON; a secret is a fingerprint only."""
    found: Document = {"": _values(row)}
    for part in parts:
        found[f"{part._meta.label_lower}:{part.pk}"] = {NAME: str(part), **_values(part, of=type(row))}
    return found


def difference(before: Document | None, after: Document | None) -> list[dict[str, Any]]:
    """What differs, for keeping: fields of the row, fields of its parts, parts that came or went. Secrets masked."""
    was, now = before or {"": {}}, after or {"": {}}
    found: list[dict[str, Any]] = []
    for key in [*now, *(key for key in was if key not in now)]:
        if key == "" or (key in was and key in now):
            found += _fields(key, was.get(key, {}), now.get(key, {}))
        else:
            part, there = now.get(key), was.get(key)
            named = part or there or {}
            found.append(_entry(key, named.get(NAME, ""), "", _whole(there), _whole(part)))
    return found


def record(
    row: models.Model,
    *,
    by: AbstractBaseUser | None,
    kind: Change.Kind,
    differences: list[dict[str, Any]] | None = None,
    sentence: str = "",
) -> Change:
    """Adds one entry. The name of a customer's row is not kept: the row itself shows it while it lives."""
    personal = getattr(row, "personal", False)
    return Change.objects.create(
        tenant_id=tenant_id_of(row),
        user_id=by.pk if by else None,
        who=by.get_username() if by else "",
        kind=kind,
        model=row._meta.label_lower,
        object_key=str(row.pk),
        name="" if personal else str(row)[:200],
        differences=differences or [],
        sentence=sentence,
    )


def of(row: models.Model) -> models.QuerySet[Change]:
    """The changes of one row, newest first."""
    return Change.objects.filter(model=row._meta.label_lower, object_key=str(row.pk)).order_by("-pk")


def forget(model: type[models.Model], keys: Iterable[Any]) -> None:
    """Takes out of the entries about these rows what they held of a person: that, by whom and when stays."""
    label, named = model._meta.label_lower, [str(key) for key in keys]
    entries: models.QuerySet[Change] = models.QuerySet(Change)  # its own refuses, since whatever happened stays written
    entries.filter(model=label, object_key__in=named).update(name="", differences=[])


def _fields(key: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> list[dict[str, Any]]:
    names = [*now, *(name for name in was if name not in now)]
    name_of_row = now.get(NAME, was.get(NAME, "")) if key else ""
    return [
        _entry(key, name_of_row, name, _kept(was.get(name)), _kept(now.get(name)))
        for name in names
        if name != NAME and was.get(name) != now.get(name)
    ]


def _entry(key: str, row: str, field: str, before: Any, after: Any) -> dict[str, Any]:
    return {"part": key.partition(":")[0], "row": row, "field": field, "before": before, "after": after}


def _whole(part: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if part is None:
        return None
    return {name: _kept(value) for name, value in part.items() if name != NAME and value not in ("", None)}


def _kept(value: Any) -> Any:
    """A secret is only said to be there."""
    return SECRET if isinstance(value, dict) and "fingerprint" in value else value


def _values(row: models.Model, of: type[models.Model] | None = None) -> dict[str, Any]:
    """By field; a part says nothing of the row that it is a part of."""
    told = [field for field in row._meta.concrete_fields if field.editable and not field.primary_key]
    return {
        field.name: _value(row, field)
        for field in told
        if field.name != "tenant" and (of is None or field.related_model is not of)
    }


def _value(row: models.Model, field: models.Field[Any, Any]) -> Any:
    if isinstance(field, EncryptedTextField) or field.name in _MASKED_NAMES:
        stored = row.__dict__.get(field.attname)
        return _fingerprint(str(stored).encode()) if stored else None
    if isinstance(field, models.ForeignKey):
        related = getattr(row, field.name)
        return None if related is None else str(related)
    return _as_json(field.value_from_object(row))


def _as_json(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, bytes | memoryview):
        data = bytes(value)
        return f"{len(data)} B, {hashlib.sha256(data).hexdigest()[:12]}" if data else ""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str, sort_keys=True)
    return text if len(text) <= TEXT_LIMIT else f"{text[:TEXT_LIMIT]}… ({_digest(text.encode())})"


def _fingerprint(data: bytes) -> dict[str, str]:
    return {"fingerprint": _digest(data)}


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:12]
