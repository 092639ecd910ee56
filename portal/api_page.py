"""The description of the API as what a page shows: pure, from the OpenAPI document alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

Document = dict[str, Any]
FORM = "application/x-www-form-urlencoded"
PROBLEMS = ("ProblemDetails", "HttpValidationProblemDetails")


@dataclass(frozen=True)
class Member:
    name: str
    kind: SafeString
    text: SafeString
    required: bool


@dataclass(frozen=True)
class Component:
    name: str
    kind: SafeString
    text: SafeString
    members: list[Member]


@dataclass(frozen=True)
class Answer:
    status: str
    phrase: str
    text: SafeString
    kind: SafeString
    headers: list[str]


@dataclass(frozen=True)
class Operation:
    name: str
    method: str
    path: str
    summary: str
    paragraphs: list[SafeString]
    parameters: list[Member]
    media_types: list[str]
    body: SafeString
    components: list[Component]
    examples: list[tuple[str, str]]
    curl: str
    answers: list[Answer]


def context(document: Document) -> dict[str, Any]:
    components = document["components"]
    schemes = components["securitySchemes"]
    shown: set[str] = set()
    return {
        "title": document["info"]["title"],
        "paragraphs": _paragraphs(document["info"]["description"]),
        "server": document["servers"][0]["url"],
        "schemes": [(_how(scheme), name, _inline(scheme["description"])) for name, scheme in schemes.items()],
        "groups": [(tag, _operations(document, tag["name"], shown)) for tag in document["tags"]],
        "problems": [_component(name, components["schemas"][name]) for name in PROBLEMS],
    }


def _how(scheme: dict[str, Any]) -> str:
    return f"{scheme['name']}: …" if scheme["type"] == "apiKey" else "Authorization: Bearer …"


def _operations(document: Document, tag: str, shown: set[str]) -> list[Operation]:
    return [
        _operation(document, path, method, described, shown)
        for path, methods in document["paths"].items()
        for method, described in methods.items()
        if tag in described["tags"]
    ]


def _operation(document: Document, path: str, method: str, described: dict[str, Any], shown: set[str]) -> Operation:
    """`shown` are the components that stand on the page already: each stands there once."""
    content = described.get("requestBody", {}).get("content", {})
    media_type, body = next(iter(content.items()), ("", {"schema": {}}))
    examples: dict[str, Any] = body.get("examples", {})
    schemas = document["components"]["schemas"]
    parameters = [each["schema"] for each in described.get("parameters", [])]
    told = [_told(answer) for answer in described["responses"].values()]
    named = _referred(schemas, [body["schema"], *parameters, *told])
    new = [name for name in named if name not in shown and name not in PROBLEMS]  # those stand at the end
    shown.update(new)
    return Operation(
        name=described["operationId"],
        method=method.upper(),
        path=path,
        summary=described["summary"],
        paragraphs=_paragraphs(described["description"]),
        parameters=[_parameter(each) for each in described.get("parameters", [])],
        media_types=list(content),
        body=_kind(body["schema"]),
        components=[_component(name, schemas[name]) for name in new],
        examples=[(each.get("summary", name), _pretty(each["value"])) for name, each in examples.items()],
        curl=_curl(method, document["servers"][0]["url"] + path, media_type, next(iter(examples.values()), None)),
        answers=[_answer(status, answer) for status, answer in sorted(described["responses"].items())],
    )


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _curl(method: str, url: str, media_type: str, example: dict[str, Any] | None) -> str:
    start = f'curl -i -X {method.upper()} "{url}"'
    if example and media_type == FORM:
        return " \\\n  ".join(
            [start, *(f"--data-urlencode '{name}={text}'" for name, text in example["value"].items())]
        )
    lines = [start, '-H "X-API-KEY: $KEY"', '-H "Accept: application/json"']
    if example:
        sent = json.dumps(example["value"], ensure_ascii=False).replace("'", "'\\''")
        lines += [f'-H "Content-Type: {media_type}"', f"-d '{sent}'"]
    return " \\\n  ".join(lines)


def _parameter(described: dict[str, Any]) -> Member:
    kind, place = _kind(described["schema"]), {"query": "in the query", "header": "header"}.get(described.get("in", ""))
    shown = mark_safe(f"{kind}, {place}") if place else kind  # noqa: S308 - escaped before
    return Member(described["name"], shown, _inline(described.get("description", "")), True)


def _answer(status: str, described: dict[str, Any]) -> Answer:
    phrase = HTTPStatus(int(status)).phrase
    kind = _kind(_told(described)) if status < "300" else SafeString()
    return Answer(status, phrase, _inline(described["description"]), kind, list(described.get("headers", {})))


def _told(answer: dict[str, Any]) -> dict[str, Any]:
    """The schema of what an answer holds; an empty one where it holds nothing."""
    content: dict[str, Any] = next(iter(answer.get("content", {}).values()), {})
    return dict(content.get("schema", {}))


def _referred(schemas: dict[str, Any], schema: Any, found: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The names of the components that a schema is made of, those of its own first."""
    own = tuple(dict.fromkeys(name for name in _references(schema) if name not in found))
    found = (*found, *own)
    for name in own:
        found = _referred(schemas, schemas[name], found)
    return found


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        for each in schema:
            yield from _references(each)
    elif isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].rsplit("/", 1)[-1]
        for each in schema.values():
            yield from _references(each)


def _component(name: str, schema: dict[str, Any]) -> Component:
    members = {member.name: member for member in _members(schema)}
    return Component(name, _kind({**schema, "$ref": None}), _inline(schema.get("description", "")), [*members.values()])


def _members(schema: dict[str, Any]) -> Iterator[Member]:
    """Also those that only some of the alternatives have. Names with dots stand for members of groups."""
    for name, member in schema.get("properties", {}).items():
        if member is not False and "." not in name:
            required = name in schema.get("required", []) and "type" in schema
            yield Member(name, _kind(member), _inline(member.get("description", "")), required)
    for each in (*schema.get("allOf", []), *schema.get("anyOf", [])):
        yield from _members(each)


def _kind(schema: dict[str, Any]) -> SafeString:
    """The type in a few words, none where anything goes; names of components are links."""
    if reference := schema.get("$ref"):
        name = escape(reference.rsplit("/", 1)[-1])
        return mark_safe(f'<a href="#{name}">{name}</a>')  # noqa: S308 - escaped
    if "enum" in schema:
        return escape(" or ".join(schema["enum"]))
    alternatives = schema.get("anyOf") or schema.get("allOf")
    if alternatives and "properties" not in schema:
        kinds = dict.fromkeys(kind for each in alternatives if (kind := _kind(each)))
        return SafeString(" or ".join(kinds))
    kind = schema.get("type", "")
    return escape(" or ".join(kind) if isinstance(kind, list) else kind)


def _paragraphs(text: str) -> list[SafeString]:
    return [_inline(paragraph) for paragraph in text.split("\n\n")]


def _inline(text: str) -> SafeString:
    """`code` is all of Markdown that the descriptions use."""
    return mark_safe(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S308 - escaped before
