"""Filled-in JSON as the types that Google's API expects. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from passes import conversions
from passes.google.schema import SCHEMAS

Wanted = Mapping[str, Any]


def fitted(schema: str, document: Any) -> Any:
    """Numbers in text become numbers, and numbers where text is wanted become text.

    What cannot be made to fit stays as it is, for `passes.google.schema.findings` to tell.
    """
    return _fitted(document, {"ref": schema})


def _fitted(value: Any, wanted: Wanted) -> Any:
    if "list" in wanted:
        return [_fitted(each, wanted["list"]) for each in value] if isinstance(value, list) else value
    if "ref" in wanted:
        return _object(value, SCHEMAS[wanted["ref"]]["properties"]) if isinstance(value, Mapping) else value
    form = wanted.get("format", wanted.get("type"))
    if form in {"int32", "double"} and isinstance(value, str):
        number = conversions.number(value)
        return value if number is None else number
    number_as_text = form in {"string", "int64"} and isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if number_as_text else value


def _object(value: Mapping[str, Any], known: Mapping[str, Wanted]) -> dict[str, Any]:
    return {key: _fitted(each, known[key]) if key in known else each for key, each in value.items()}
