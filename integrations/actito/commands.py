"""What a custom action wants: whom it names, which pass, and what to put there. Pure.

Actito's own shape {"data": {"actionParameters": {…}, "profileAttributes": {…}}}, a flat object, and the shape of The
Wallet Crew's other connectors {"identifiers", "passType", "additionalData", "updateMetadata"} all become one Command.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from integrations.actito.pushes import Push, profile_number
from portal.sentences import Explained, say

# Reserved names of parameters, in small letters, and what each stands for. `docs/connect-actito.md` lists them.
PROFILE, KEY, SERIAL = "profile", "key", "serial"
_WHO = {
    "profileid": PROFILE,
    "businesskey": KEY,
    "emailaddress": KEY,
    "email": KEY,
    "serialnumber": SERIAL,
}
_WHAT = {"passtype": "pass_type", "message": "message", "movetotemplate": "move_to", "updatemetadata": ""}
_SILENT, _YES = "silent", frozenset({"true", "yes", "1"})
RESERVED = frozenset(_WHO) | frozenset(_WHAT) | {_SILENT}
_GROUPS = ("identifiers", "profileAttributes", "actionParameters", "additionalData")
NAME_LIMIT, MESSAGE_LIMIT = 255, 1000


@dataclass(frozen=True)
class Command:
    """`who` are pairs of what kind of name it is and the name: ("profile", "7"), ("card_number", "V10000").

    A message that was sent empty, or as null, takes the last one back; None: nothing was said about it.
    """

    who: tuple[tuple[str, str], ...]
    values: Mapping[str, Any]
    pass_type: str = ""
    message: str | None = None
    move_to: str = ""
    silent: bool = False


class Unclear(Explained, ValueError):
    """The action cannot be carried out as it was sent; the sentence is for the sender."""


def command_of(push: Push, identifiers: Iterable[str] = ()) -> Command:
    """`identifiers` are the connection's own names for customers. Raises Unclear when the push names nobody."""
    if push.problem:
        raise Unclear(push.problem)
    own = {name.lower(): name for name in identifiers}
    who: dict[tuple[str, str], None] = {}
    values: dict[str, Any] = {}
    what: dict[str, str] = {}
    silent = False
    for group, name, value in _members(push.data):
        plain = name.lower()
        if kind := _WHO.get(plain) or own.get(plain):
            if text := _name(kind, value):
                who[kind, text] = None
        elif plain in _WHAT:
            if not isinstance(value, bool | dict | list):
                what[_WHAT[plain]] = _text(plain, value)
        elif plain == _SILENT:
            silent = str(value).strip().lower() in _YES
        elif group in {"actionParameters", "additionalData", ""}:
            values[name] = value
    if not who:
        known = ["profileId", "businessKey", "emailAddress", "serialNumber", *own.values()]
        raise Unclear(say("Name a customer by one of: %(names)s.", names=known))
    return Command(tuple(who), values, what.get("pass_type", ""), what.get("message"), what.get("move_to", ""), silent)


def namespace_of(source: str, kind: str, identifiers: Mapping[str, str]) -> str:
    """Where the customers' names of this kind stand (portal.customers); `identifiers`: their own name -> the value."""
    if kind == PROFILE:
        return source
    return f"{source}:{kind if kind in {KEY, SERIAL} else identifiers[kind]}"


def _members(data: Mapping[str, Any]) -> Iterable[tuple[str, str, Any]]:
    """Every member with its group: grouped ones by the group's name, loose ones by none."""
    for name, value in data.items():
        if name in _GROUPS and isinstance(value, dict):
            yield from ((name, inner, each) for inner, each in value.items())
        elif not name.startswith("_") and name not in _GROUPS:
            yield "", name, value


def _name(kind: str, value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if kind == PROFILE:
        return profile_number(text) or ""
    return text if len(text) <= NAME_LIMIT else ""


def _text(name: str, value: Any) -> str:
    text = "" if value is None else str(value).strip()
    if len(text) > MESSAGE_LIMIT:
        raise Unclear(say("“%(name)s” is longer than %(limit)s characters.", name=name, limit=MESSAGE_LIMIT))
    return text
