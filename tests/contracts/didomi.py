"""A judge: whether a request to Didomi is of the shape that Didomi publishes. It knows nothing of the product.

What Didomi's pages add to the document is listed here by name; everything else that the document lacks is wrong.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from jsonschema import Draft202012Validator

DOCUMENT = json.loads((Path(__file__).parent / "didomi-consents.shapes.json").read_text(encoding="utf-8"))
BASE = urlsplit(DOCUMENT["server"]).path
# Of the same API, on pages of their own: /metadata/purposes and the library of preferences. Each lists.
CATALOGUE = ("/metadata/purposes", "/preferences")
LISTING = {"$cursor": {"type": "string"}, "$limit": {"type": "string"}, "$skip": {"type": "string"}}
# Members that the pages on consent events and users name, and the document does not.
OF_EVENTS = {"regulation": {"type": "string"}, "metadata": {"type": "object"}}
OF_USERS = {"organization_user_id_type": {"type": "string"}}
JSON_TYPES = ("application/json",)


def wrong(method: str, url: str, headers: dict[str, str], body: bytes | None) -> Iterator[str]:
    """A line for each thing that Didomi's document does not allow."""
    parts = urlsplit(url)
    operation, path = _operation(method, parts.path)
    if operation is None:
        yield f"{method} {parts.path} is none of Didomi's calls"
        return
    yield from _wrong_query(method, path, operation, parts.query)
    yield from _wrong_headers(operation, headers, body)
    schema = next((each["schema"] for each in operation["parameters"] if each["in"] == "body"), None)
    if schema is None:
        if body:
            yield f"{method} {path} takes no body"
        return
    yield from _wrong_body(schema, body)


def _operation(method: str, path: str) -> tuple[dict[str, Any] | None, str]:
    if not path.startswith(f"{BASE}/"):
        return None, path
    rest = path.removeprefix(BASE)
    if rest in CATALOGUE and method == "GET":
        organisation = {"name": "organization_id", "in": "query", "required": True, "schema": {"type": "string"}}
        return {"parameters": [organisation], "security": [{"bearer": []}]}, rest
    for known, methods in DOCUMENT["paths"].items():
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(known))
        if re.fullmatch(pattern, rest) and method.lower() in methods:
            return methods[method.lower()], known
    return None, rest


def _wrong_query(method: str, path: str, operation: dict[str, Any], query: str) -> Iterator[str]:
    known = {each["name"]: each for each in operation["parameters"] if each["in"] == "query"}
    lists = method == "GET" and not path.endswith("}")
    sent = parse_qsl(query, keep_blank_values=True)
    for name, value in sent:
        schema = known[name]["schema"] if name in known else LISTING.get(name) if lists else None
        if schema is None and "{filters}" not in known:
            yield f"{method} {path} takes no {name}"
        elif schema and schema["type"] == "boolean" and value not in {"true", "false"}:
            yield f"{name}={value} is no boolean"
        elif not value:
            yield f"{name} is empty"
    names = [name for name, _ in sent]
    yield from (f"{name} stands there twice" for name in sorted({name for name in names if names.count(name) > 1}))
    needed = [each["name"] for each in known.values() if each["required"] and each["name"] != "{filters}"]
    yield from (f"{method} {path} needs {name}" for name in needed if name not in names)


def _wrong_headers(operation: dict[str, Any], headers: dict[str, str], body: bytes | None) -> Iterator[str]:
    sent = {name.lower(): value for name, value in headers.items()}
    bearer = re.fullmatch(r"Bearer \S+", sent.get("authorization", ""))
    if operation["security"] and not bearer:
        yield "It has no bearer token"
    if not operation["security"] and "authorization" in sent:
        yield "It shows a credential where none is asked for"
    if body and sent.get("content-type") not in JSON_TYPES:
        yield f"Its body is {sent.get('content-type')}"


def _wrong_body(schema: dict[str, Any], body: bytes | None) -> Iterator[str]:
    try:
        decoded = json.loads(body or b"")
    except ValueError:
        yield "Its body is not JSON"
        return
    name = schema["$ref"].rpartition("/")[2]
    for error in Draft202012Validator(_strict(name)).iter_errors(decoded):
        yield f"{error.json_path}: {error.message}"
    if name == "consent-events-input":
        yield from _wrong_event(decoded)


def _strict(name: str) -> dict[str, Any]:
    """The named shape, in which nothing may stand that it does not name."""
    found = copy.deepcopy({**DOCUMENT["definitions"], **DOCUMENT["schemas"]}[name])
    if name.startswith("consent-events"):
        found["properties"] |= OF_EVENTS
        user = found["properties"].get("user")
        if user:
            user["properties"] |= OF_USERS
            # The guide: organisation_user_id or id. Who is new to Didomi has no id there yet.
            del user["required"]
            user["anyOf"] = [{"required": ["id"]}, {"required": ["organization_user_id"]}]
    _close(found)
    return dict(found)


def _close(schema: dict[str, Any]) -> None:
    properties = schema.get("properties")
    if properties is None:
        if "items" in schema:
            _close(schema["items"])
        return
    if "preferenceId1" in properties:  # stands for any id
        schema["additionalProperties"] = properties["preferenceId1"]
        schema["properties"] = {}
        _close(schema["additionalProperties"])
        return
    schema["additionalProperties"] = False
    for each in properties.values():
        _close(each)


def _wrong_event(event: Any) -> Iterator[str]:
    if not isinstance(event, dict) or not isinstance(event.get("created_at"), str):
        return
    try:
        at = datetime.fromisoformat(event["created_at"])
    except ValueError:
        yield f"$.created_at: {event['created_at']} is no ISO 8601 moment"
        return
    if at.tzinfo is None:
        yield f"$.created_at: {event['created_at']} has no zone"
