"""A connection as JSON: given out without its secrets, and taken back, in the shape that Didomi's users have.

    {"type_id": "actito", "authentication": {…}, "properties": {"entity_id", "table_name", "user_unique_key"},
     "mappings": [{"id", "value"}], "upsert_mode", "enable_webhooks", "enable_emailing", "portal": {…}}

`portal` holds what only this portal knows. Without it, Didomi's mappings become mappings of the connection: the field
in Actito fills a customer value of its name. https://developers.didomi.io/integrations/third-party-apps
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction

from integrations.actito.models import ActitoConnection, AttributeMapping, ParameterMapping
from integrations.mapping import ValueType
from integrations.pairing.connector import connector_of
from portal import text
from portal.sentences import Explained, Sentence, joined, say

SIZE_LIMIT, LINES_LIMIT = 200_000, 200
EXCERPT = 40
FLAGS = ("upsert_mode", "enable_webhooks", "enable_emailing")
_PROPERTIES = {"entity_id": "entity", "table_name": "table", "user_unique_key": "unique_key"}
_OWN = ("name", "licence", "language_attribute", "custom_action", "answer_already_reported",
        "void_when_gone")  # fmt: skip
_ADDRESS = ("host", "path_style", "account")
_LINES: dict[str, tuple[type[models.Model], str]] = {
    "mappings": (AttributeMapping, "value_name"), "parameters": (ParameterMapping, "parameter"),
}  # fmt: skip


class Malformed(Explained):
    """What was given is no such document; the sentence says where."""


@dataclass(frozen=True)
class Document:
    """`values` are fields of the connection, `lines` its mappings and parameters; `secret` an API key, if any."""

    values: dict[str, Any]
    connector: dict[str, Any]
    lines: dict[str, list[dict[str, Any]]]
    secret: str = field(default="", repr=False)


def _column(name: str) -> models.Field[Any, Any]:
    return next(each for each in ActitoConnection._meta.concrete_fields if each.name == name)


# Out


def document_of(connection: ActitoConnection) -> dict[str, Any]:
    kept = {**connection.connector, **_paired(connection)}
    return {
        "type_id": "actito",
        "authentication": {name: getattr(connection, name) for name in _ADDRESS},
        "properties": {name: getattr(connection, own) for name, own in _PROPERTIES.items()},
        "mappings": kept.get("mappings", []),
        **{flag: bool(kept.get(flag, False)) for flag in FLAGS},
        "portal": {
            **{name: getattr(connection, name) for name in _OWN},
            **{
                part: [_line_of(row) for row in getattr(connection, part).all()]
                for part in _LINES
            },
        },
    }  # fmt: skip


def _paired(connection: ActitoConnection) -> dict[str, Any]:
    """What Didomi's connector would be configured with, where a pairing does its work."""
    return connector_of(connection.tenant_id, connection.source) if connection.pk else {}


def _line_of(row: models.Model) -> dict[str, Any]:
    return {each.name: each.value_from_object(row) for each in _columns(type(row))}


def _columns(model: type[models.Model]) -> list[models.Field[Any, Any]]:
    return [each for each in model._meta.concrete_fields if each.name not in {"id", "connection"}]


# In


def parse(given: str) -> Document:
    """Raises Malformed with the line and column of what is no JSON, or with all that is wrong in its members."""
    body = _decoded(given)
    if not isinstance(body, dict):
        raise Malformed(say("Send a JSON object, as the export gives it."))
    problems: list[Sentence] = []
    if body.get("type_id", "actito") != "actito":
        problems.append(say("%(path)s: this is not a connection of Actito.", path="$.type_id"))
    values = {own: _text(body, ("properties", name), own, problems) for name, own in _PROPERTIES.items()}
    authentication, portal = _part(body, "authentication", problems), _part(body, "portal", problems)
    for source, names in ((("authentication", authentication), _ADDRESS), (("portal", portal), _OWN)):
        values |= {name: _value(source, name, problems) for name in names if name in source[1]}
    pairs = _didomi_lines(body, problems)
    connector = {"mappings": pairs, **{flag: _flag(body, flag, problems) for flag in FLAGS}}
    own = {part: _own_lines(portal, part, problems) for part in _LINES if part in portal}
    secret = authentication.get("private_api_key") or authentication.get("api_key") or ""
    if problems:
        raise Malformed(joined(problems))
    lines = own if portal else {"mappings": _translated(pairs)}
    return Document(values, connector, lines, secret if isinstance(secret, str) else "")


def _decoded(given: str) -> Any:
    if len(given) > SIZE_LIMIT:
        raise Malformed(say("The document has more than %(limit)s characters.", limit=SIZE_LIMIT))
    try:
        return text.loads(given)
    except json.JSONDecodeError as error:
        lines = given.splitlines() or [""]
        shown = lines[min(error.lineno, len(lines)) - 1][max(0, error.colno - EXCERPT) : error.colno + EXCERPT].strip()
        said = say("This is not valid JSON: line %(line)s, column %(column)s, near “%(near)s”.", line=error.lineno,
                   column=error.colno, near=_masked(shown))  # fmt: skip
        raise Malformed(said) from error
    except ValueError as error:
        raise Malformed(say("This is not valid JSON.")) from error


def _masked(shown: str) -> str:
    """Near the broken place a key may stand."""
    return "•••" if re.search(r"key|secret|passw|token", shown, re.IGNORECASE) else shown


def _part(body: Mapping[str, Any], name: str, problems: list[Sentence]) -> dict[str, Any]:
    found = body.get(name, {})
    if isinstance(found, dict):
        return found
    problems.append(say("%(path)s: send an object.", path=f"$.{name}"))
    return {}


def _text(body: Mapping[str, Any], path: tuple[str, str], name: str, problems: list[Sentence]) -> str:
    part = body.get(path[0])
    found = part.get(path[1]) if isinstance(part, dict) else None
    shown = isinstance(found, int) and not isinstance(found, bool)  # ids of tables may be numbers
    value = str(found).strip() if shown or isinstance(found, str) else ""
    limit = _column(name).max_length or 0
    if not 0 < len(value) <= limit:
        problems.append(say("%(path)s: send a text of 1 to %(limit)s characters.", path=f"$.{'.'.join(path)}",
                            limit=limit))  # fmt: skip
    return value


def _value(source: tuple[str, Mapping[str, Any]], name: str, problems: list[Sentence]) -> Any:
    try:
        return _column(name).clean(source[1][name], None)
    except ValidationError as error:
        problems.append(joined([Sentence(f"$.{source[0]}.{name}:"), *error.messages]))
        return ""


def _flag(body: Mapping[str, Any], name: str, problems: list[Sentence]) -> bool:
    found = body.get(name, False)
    if not isinstance(found, bool):
        problems.append(say("%(path)s: send true or false.", path=f"$.{name}"))
    return found is True


def _list(holder: Mapping[str, Any], name: str, path: str, problems: list[Sentence]) -> list[Any]:
    found = holder.get(name, [])
    if not isinstance(found, list) or len(found) > LINES_LIMIT or not all(isinstance(each, dict) for each in found):
        problems.append(say("%(path)s: send an array of at most %(limit)s objects.", path=path, limit=LINES_LIMIT))
        return []
    return found


def _didomi_lines(body: Mapping[str, Any], problems: list[Sentence]) -> list[dict[str, str]]:
    lines = []
    for number, each in enumerate(_list(body, "mappings", "$.mappings", problems)):
        pair = {name: each.get(name) for name in ("id", "value")}
        if not all(isinstance(value, str) and 0 < len(value) <= 300 for value in pair.values()):
            problems.append(say("%(path)s: send texts as id and value.", path=f"$.mappings[{number}]"))
        lines.append({name: str(value) for name, value in pair.items()})
    return lines


def _own_lines(portal: Mapping[str, Any], part: str, problems: list[Sentence]) -> list[dict[str, Any]]:
    model, key = _LINES[part]
    known = {each.name for each in _columns(model)}
    lines: list[dict[str, Any]] = []
    for number, each in enumerate(_list(portal, part, f"$.portal.{part}", problems)):
        path = f"$.portal.{part}[{number}]"
        line = {name: value for name, value in each.items() if name in known}
        try:
            made = model(**line)
            made.full_clean(exclude=["connection"], validate_constraints=False)
            line = {name: getattr(made, name) for name in line}  # as the fields take it: "2" is 2
        except (ValidationError, TypeError, ValueError) as error:
            said = error.messages if isinstance(error, ValidationError) else []
            problems.append(joined([Sentence(f"{path}:"), *said]))
        if any(line.get(key) == other.get(key) for other in lines):
            problems.append(say("%(path)s: a line above has the same name.", path=path))
        lines.append(line)
    return lines


def _translated(pairs: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Didomi's lines as mappings: what says whether something is enabled is a subscription, all else an attribute."""
    lines: dict[str, dict[str, Any]] = {}
    for pair in pairs:
        consent = pair["value"].endswith(("_enabled", ".enabled"))
        name = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", pair["id"]).lower()).strip("_")
        name = (name if name[:1].isalpha() else f"value_{name}")[:40]
        lines.setdefault(name, {
            "part": AttributeMapping.Part.SUBSCRIPTION if consent else AttributeMapping.Part.ATTRIBUTE,
            "attribute": pair["id"][:100], "value_name": name,
            "value_type": ValueType.YES_NO if consent else ValueType.TEXT,
        })  # fmt: skip
    return list(lines.values())


@dataclass(frozen=True)
class Difference:
    name: str
    before: str
    after: str


def differences(connection: ActitoConnection, document: Document) -> list[Difference]:
    """What `apply` would change, for people: fields first, then lines that come or change."""
    found = [
        Difference(str(_column(name).verbose_name), str(getattr(connection, name)), str(value))
        for name, value in document.values.items() if str(getattr(connection, name)) != str(value)
    ]  # fmt: skip
    for part, lines in document.lines.items():
        model, key = _LINES[part]
        there = {getattr(row, key): row for row in getattr(connection, part).all()} if connection.pk else {}
        for line in lines:
            before, after = there.get(line.get(key)), _filled(model, line, there.get(line.get(key)))
            if before is None or _line_of(before) != _line_of(after):
                found.append(Difference(str(model._meta.verbose_name), _shown(before), _shown(after)))
    return found


def _filled(model: type[models.Model], line: dict[str, Any], row: models.Model | None) -> models.Model:
    return model(**{**(_line_of(row) if row else {}), **line})


def _shown(row: models.Model | None) -> str:
    """“loyaltyPoints → points (Attribute, Number, keep if empty)”"""
    if row is None:
        return ""
    said = filter(
        None, (_told(row, each) for each in _columns(type(row)) if str(each.value_from_object(row)) not in str(row))
    )
    return f"{row} ({', '.join(said)})"


def _told(row: models.Model, column: models.Field[Any, Any]) -> str:
    value = column.value_from_object(row)
    if isinstance(value, bool):
        return str(column.verbose_name) if value else ""
    if column.choices:
        return str(getattr(row, f"get_{column.name}_display")())
    return "" if value in {None, ""} else f"{column.verbose_name}: {value}"


def apply(connection: ActitoConnection, document: Document) -> None:
    """Stores the connection with the document in it, whole or not at all. Lines that it does not name stay.

    Raises ValidationError.
    """
    for name, value in document.values.items():
        setattr(connection, name, value)
    connection.connector = document.connector
    connection.full_clean(exclude=["lane"])
    with transaction.atomic():
        connection.save()
        for part, lines in document.lines.items():
            model, key = _LINES[part]
            there = {getattr(row, key): row for row in getattr(connection, part).all()}
            for line in lines:
                row = there.get(line.get(key)) or model(connection=connection)
                for name, value in line.items():
                    setattr(row, name, value)
                row.full_clean(exclude=["connection"])
                row.save()
