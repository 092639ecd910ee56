"""The published description of the API, OpenAPI 3.1, made from the views that describe themselves (portal/api.py).

A module that describes views holds an OpenApiViewExtension for each of them, `COMPONENTS` (schemas by name) and `TAG`.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from django.utils import translation
from drf_spectacular.extensions import OpenApiViewExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiRequest,
    OpenApiResponse,
    extend_schema_view,
)

from portal.problems import MEDIA_TYPES

# In the addresses that senders know.
_PATH_NAMES = {"tenant": "tenantId", "event_type": "eventType", "serial": "passId"}


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


_PROBLEM, _VALIDATION = ref("ProblemDetails"), ref("HttpValidationProblemDetails")


def _nullable(kind: str, text: str, **more: Any) -> dict[str, Any]:
    return {"type": ["null", kind], "description": text, **more}


SCHEMAS: dict[str, dict[str, Any]] = {
    "ProblemDetails": {
        "type": "object",
        "description": "What was wrong (RFC 9457).",
        "properties": {
            "type": _nullable("string", "Always `about:blank`: the status says what kind of problem it is."),
            "title": _nullable("string", "The status in words."),
            "status": _nullable("integer", "The HTTP status.", format="int32"),
            "detail": _nullable("string", "What was wrong, in a sentence for people."),
            "instance": _nullable("string", "Not used."),
        },
        "additionalProperties": {},
    },
    "HttpValidationProblemDetails": {
        "type": "object",
        "description": "What was wrong with the body.",
        "allOf": [_PROBLEM],
        "properties": {
            "errors": {
                "type": "object",
                "description": "Sentences by the JSON path of what they speak of, such as `$.data.profileId`.",
                "additionalProperties": {"type": "array", "items": {"type": "string"}},
            },
        },
        "additionalProperties": {},
    },
}
SECURITY_SCHEMES: dict[str, dict[str, Any]] = {
    "apiKey": {
        "type": "apiKey",
        "name": "X-API-KEY",
        "in": "header",
        "description": "A key made in the portal under Team → API keys. It belongs to one tenant.",
    },
    "admin-bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token (JWT), where the installation trusts an issuer of tokens. Its client must be "
        "registered with the tenant.",
    },
}


# What bodies may call themselves (portal/webhook.py).
MEDIA_TYPES_OF_BODIES = ("application/json", "text/json", "application/*+json")
TENANT = OpenApiParameter(
    "tenantId", str, OpenApiParameter.PATH, description="The tenant's short name, as in the portal's address."
)


def body(schema: dict[str, Any], examples: dict[str, tuple[str, Any]]) -> dict[str, OpenApiRequest]:
    """A body under each of its media types; `examples`: name -> (title, value)."""
    shown = [OpenApiExample(name, value=value, summary=summary) for name, (summary, value) in examples.items()]
    return {media_type: OpenApiRequest(schema, examples=shown) for media_type in MEDIA_TYPES_OF_BODIES}


def described(view: Any, **words: Any) -> Any:
    """The view with what `extend_schema` says of its methods; the view itself stays as it is."""
    return extend_schema_view(**words)(type(view.__name__, (view,), {}))


def secured(scope: str) -> Any:
    """The `auth` of an operation: either scheme, with the scope."""
    return [{name: [scope]} for name in SECURITY_SCHEMES]


def refusal(description: str, *, validation: bool = False) -> OpenApiResponse:
    """A problem, under each of the names that a sender may ask for."""
    return OpenApiResponse({"anyOf": [_VALIDATION, _PROBLEM]} if validation else _PROBLEM, description)


def refusals(described: dict[int, OpenApiResponse]) -> dict[Any, OpenApiResponse]:
    return {(status, *MEDIA_TYPES): response for status, response in described.items()}


def answer_header(name: str, statuses: list[int], text: str, kind: type = str) -> OpenApiParameter:
    return OpenApiParameter(name, kind, OpenApiParameter.HEADER, description=text, response=statuses)


class Schema(AutoSchema):
    """Every operation that takes a body needs one."""

    def _get_request_body(self, direction: str = "request") -> Any:
        body = super()._get_request_body(direction)
        return {"required": True, **body} if body else body


class _Generator(SchemaGenerator):
    def __init__(self, modules: list[ModuleType]) -> None:
        super().__init__()
        found = {name: schema for module in modules for name, schema in module.COMPONENTS.items()}
        for kind, components in (("schemas", {**SCHEMAS, **found}), ("securitySchemes", SECURITY_SCHEMES)):
            for name, component in components.items():
                self.registry.register(ResolvedComponent(name, kind, component, object=name))

    def _initialise_endpoints(self) -> None:
        super()._initialise_endpoints()
        found: Any = self.endpoints
        self.endpoints = [each for each in found if OpenApiViewExtension.get_match(each[-1])]

    def coerce_path(self, path: str, method: str, view: Any) -> str:
        for ours, known in _PATH_NAMES.items():
            path = path.replace(f"{{{ours}}}", f"{{{known}}}")
        return path


def document(modules: list[ModuleType]) -> dict[str, Any]:
    """The whole description. Its texts are English, like those of the answers."""
    with translation.override("en"):
        found: dict[str, Any] = _Generator(modules).get_schema(public=True)
    return {**found, "tags": [module.TAG for module in modules]}
