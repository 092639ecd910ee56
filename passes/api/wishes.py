"""What a body or a query asks for. Pure: either all of it can be used, or every error is told at once."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from passes.design import MESSAGE
from passes.update import Update
from passes.values import SUM_LIMIT, Write
from portal.problems import BadBody, BadQuery

VALUES_LIMIT, TEXT_LIMIT, MESSAGE_LIMIT, KEY_LIMIT = 100, 1000, 1000, 255
PAGE, PAGE_LIMIT = 50, 100
VALUE_NAME = "[a-z][a-z0-9_]{0,39}"
_NAME = re.compile(VALUE_NAME)
_LARGEST_NUMBER = 2**63 - 1

Errors = dict[str, list[str]]


@dataclass(frozen=True)
class Creation:
    template: int
    customer: str
    update: Update


@dataclass(frozen=True)
class Search:
    customer: str | None = None
    template: int | None = None
    voided: bool | None = None
    after: uuid.UUID | None = None  # the last pass of the page before
    limit: int = PAGE


@dataclass(frozen=True)
class LinkSearch:
    template: int
    customer: str | None = None
    after: int = 0  # the last customer's number of the page before
    limit: int = PAGE


def creation_of(body: Any) -> Creation:
    """Raises BadBody."""
    members, errors = _members(body, {"template", "customer", "values", "message", "silent"})
    template, customer = members.get("template"), members.get("customer")
    if not _is_number(template):
        errors["$.template"] = ["Send the template's number."]
    if not isinstance(customer, str) or not 0 < len(customer) <= KEY_LIMIT:
        errors["$.customer"] = [f"Send the customer's key: a text of at most {KEY_LIMIT} characters."]
    update = _update(members, errors)
    if errors:
        raise BadBody(errors)
    return Creation(int(template or 0), str(customer), update)


def change_of(body: Any) -> Update:
    """Raises BadBody."""
    members, errors = _members(body, {"values", "message", "template", "silent"})
    template = members.get("template")
    if "template" in members and not _is_number(template):
        errors["$.template"] = ["Send the number of the template to move to."]
    update = _update(members, errors)
    if not errors and not members.keys() - {"silent"}:
        errors["$"] = ["Send values, a message or a template."]
    if errors:
        raise BadBody(errors)
    return replace(update, template_id=template)


def search_of(query: Mapping[str, str]) -> Search:
    """Raises BadQuery."""
    return Search(**_filters(query, _READ))


def link_search_of(query: Mapping[str, str]) -> LinkSearch:
    """Raises BadQuery."""
    return LinkSearch(**_filters({"template": "", **query}, _READ_LINKS))


def _filters(query: Mapping[str, str], read: Mapping[str, Callable[[str], Any]]) -> dict[str, Any]:
    """Raises BadQuery, also for a filter that does not exist: leaving it out would find too much."""
    errors: Errors = {name: ["This filter does not exist."] for name in query if name not in read}
    found: dict[str, Any] = {}
    for name, text in query.items():
        try:
            found[name] = read[name](text) if name in read else text
        except ValueError as error:
            errors[name] = [str(error)]
    if errors:
        raise BadQuery(errors)
    return found


def _members(body: Any, known: set[str]) -> tuple[dict[str, Any], Errors]:
    if not isinstance(body, dict):
        raise BadBody({"$": ["Send one JSON object."]})
    errors = {f"$.{name}"[:200]: ["This member does not exist."] for name in body if name not in known}
    return body, errors


def _update(members: Mapping[str, Any], errors: Errors) -> Update:
    values, message = members.get("values", {}), members.get("message")
    if not isinstance(values, dict) or len(values) > VALUES_LIMIT:
        errors["$.values"] = [f"Send an object of at most {VALUES_LIMIT} values."]
        values = {}
    for name, value in values.items():
        if problem := _problem(name, value):
            errors[f"$.values.{name}"[:200]] = [problem]
    if "message" in members and (not isinstance(message, str) or len(message) > MESSAGE_LIMIT):
        errors["$.message"] = [f"Send a text of at most {MESSAGE_LIMIT} characters; an empty one takes the last back."]
    silent = members.get("silent", False)
    if not isinstance(silent, bool):
        errors["$.silent"] = ["Send true for a change without a line on the lock screen, or false."]
    return Update(tuple(Write(name, value) for name, value in values.items()), message, silent=silent is True)


def _problem(name: str, value: Any) -> str:
    if not _NAME.fullmatch(name):
        return "A value's name has small letters, digits and _ only, begins with a letter, and has at most 40 of them."
    if name == MESSAGE:
        return "Send the message beside the values."
    if isinstance(value, str) and len(value) > TEXT_LIMIT:
        return f"A text has at most {TEXT_LIMIT} characters."
    if isinstance(value, int | float) and abs(value) > SUM_LIMIT:
        return "The number is too large."
    if isinstance(value, dict | list):
        return "Send a text, a number, true, false or null."
    return ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _LARGEST_NUMBER


def _number(text: str, most: int, problem: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20 and 0 < int(text) <= most):
        raise ValueError(problem)
    return int(text)


def _limit(text: str) -> int:
    return _number(text, PAGE_LIMIT, f"Send a number from 1 to {PAGE_LIMIT}.")


def _template(text: str) -> int:
    return _number(text, _LARGEST_NUMBER, "Send the template's number.")


def _customer(text: str) -> str:
    if not 0 < len(text) <= KEY_LIMIT or "\0" in text:
        raise ValueError("Send the customer's key.")
    return text


def _bool(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError("Send true or false.")
    return text == "true"


def _serial(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise ValueError("Send the id of the last pass of the page before.") from None


def _after(text: str) -> int:
    return _number(text, _LARGEST_NUMBER, "Send the number from the address of the next page.")


_READ_LINKS: dict[str, Callable[[str], Any]] = {
    "limit": _limit, "template": _template, "customer": _customer, "after": _after,
}  # fmt: skip
_READ: dict[str, Callable[[str], Any]] = {
    "limit": _limit, "template": _template, "customer": _customer, "voided": _bool, "after": _serial,
}  # fmt: skip
