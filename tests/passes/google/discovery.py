"""Google's own description of its API as JSON Schema: an independent judge of what we send.

It shares no code and no table with the product: it reads the whole document that Google's client carries. The document
has no list of required keys; they are told in words, as "Required. …".
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import googleapiclient
from jsonschema import Draft202012Validator

DOCUMENT = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents" / "walletobjects.v1.json"


def complaints(name: str, body: Any) -> list[str]:
    """What is wrong with a body as Google's `name`, such as LoyaltyClass."""
    validator = Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": _schemas()})
    return sorted(f"{error.json_path}: {error.message}" for error in validator.iter_errors(body))


def partial_complaints(name: str, body: Any) -> list[str]:
    """What is wrong with a patch: nothing is required in it, and null takes a value away."""
    return [said for said in complaints(name, _without_nulls(body)) if "is a required property" not in said]


def _without_nulls(body: Any) -> Any:
    if isinstance(body, dict):
        return {key: _without_nulls(value) for key, value in body.items() if value is not None}
    return body


@cache
def _schemas() -> dict[str, Any]:
    document = json.loads(DOCUMENT.read_text())
    return {name: _schema(schema) for name, schema in document["schemas"].items()}


def _schema(told: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in told:
        return {"$ref": f"#/$defs/{told['$ref']}"}
    made: dict[str, Any] = {"type": told["type"]}
    if "enum" in told:
        made["enum"] = told["enum"]
    if told.get("format") == "int64":
        made["pattern"] = "^-?[0-9]+$"
    if told.get("format") == "int32":
        made |= {"minimum": -(2**31), "maximum": 2**31 - 1}
    if "items" in told:
        made["items"] = _schema(told["items"])
    if "properties" in told:
        made["properties"] = {name: _schema(each) for name, each in told["properties"].items()}
        made["additionalProperties"] = False
        made["required"] = [
            name for name, each in told["properties"].items() if each.get("description", "").startswith("Required.")
        ]
    return made
