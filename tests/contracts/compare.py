"""Differences between two OpenAPI documents by JSON path: what one has and the other lacks, what is not the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

# Words for people; two authors never write the same.
WORDS = {"description", "summary", "operationId", "examples", "info", "servers"}


def differences(known: Any, ours: Any, path: str = "$") -> Iterator[str]:
    """`-` what `known` has and `ours` lacks, `+` the other way round, `≠` where both say something else."""
    if isinstance(known, dict) and isinstance(ours, dict):
        for name in known:
            if name in WORDS and not isinstance(known[name], dict):
                continue
            if name not in ours:
                yield f"- {path}.{name}"
            elif name not in WORDS:
                yield from differences(known[name], ours[name], f"{path}.{name}")
        yield from (f"+ {path}.{name}" for name in ours if name not in known and name not in WORDS)
    elif _plain(known) != _plain(ours):
        yield f"≠ {path}"


def _plain(value: Any) -> Any:
    """Lists whose order says nothing are compared without it."""
    return sorted(map(str, value)) if isinstance(value, list) else value


def prepared(document: dict[str, Any]) -> dict[str, Any]:
    """Parameters by name, security at each operation, tags by name: the same said in the same place."""
    paths = {
        path: {method: _operation(document, operation) for method, operation in methods.items()}
        for path, methods in document["paths"].items()
    }
    return {"paths": paths, "components": document["components"], "tags": {tag["name"]: {} for tag in document["tags"]}}


def _operation(document: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    parameters = {f"{each['in']}:{each['name']}": each for each in operation.get("parameters", [])}
    security = {
        scheme: scopes
        for each in operation.get("security", document.get("security", []))
        for scheme, scopes in each.items()
    }
    return {**operation, "parameters": parameters, "security": security}
