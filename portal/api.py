"""What integrators read: /api/schema/ for their tools, /api/docs/ for themselves. Public, since it tells of nobody.

A higher storey names its module in `ready()`: `describe("integrations.actito.openapi")`. Nothing of it is imported
before somebody asks, so that workers and webhooks never load it.
"""

from __future__ import annotations

import json
import secrets
from functools import lru_cache
from importlib import import_module
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.cache import patch_vary_headers
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt

from portal.accept import preferred
from portal.problems import PlainView

_JSON = ("application/json", "application/vnd.oai.openapi+json")
_YAML = ("application/yaml", "application/vnd.oai.openapi", "application/x-yaml", "text/yaml")
_described: list[str] = []


def describe(module: str) -> None:
    """Adds a module that describes views, by its dotted name."""
    if module not in _described:
        _described.append(module)


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """The description, made once per process."""
    from portal import openapi  # noqa: PLC0415 - see above

    return openapi.document([import_module(name) for name in _described])


@lru_cache(maxsize=2)
def _written(yaml: bool) -> bytes:
    if not yaml:
        return json.dumps(document(), ensure_ascii=False, indent=2).encode()
    from drf_spectacular.renderers import OpenApiYamlRenderer  # noqa: PLC0415

    return bytes(OpenApiYamlRenderer().render(document()))


# It takes nothing but GET; with the check, a POST would hear of a missing token instead of that.
@method_decorator(csrf_exempt, name="dispatch")
class SchemaView(PlainView):
    """JSON, or YAML for whoever asks for it: `?format=yaml` or the Accept header."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> HttpResponse:
        asked = request.GET.get("format")
        yaml = asked == "yaml" or (
            asked != "json" and preferred(request.headers.get("Accept", ""), (*_JSON, *_YAML)) in _YAML
        )
        response = HttpResponse(_written(yaml), content_type=(_YAML if yaml else _JSON)[0])
        patch_vary_headers(response, ["Accept"])
        return response


@method_decorator(csrf_exempt, name="dispatch")
class DocsView(PlainView):
    """The same for people: one page without scripts, which loads nothing."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> HttpResponse:
        from portal.api_page import context  # noqa: PLC0415

        nonce = secrets.token_urlsafe(16)
        response = render(request, "pages/api.html", {**context(document()), "nonce": nonce, "language": "en"})
        response["Content-Security-Policy"] = (
            f"default-src 'none'; style-src 'nonce-{nonce}'; img-src data:; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"
        )
        response["Content-Language"] = "en"
        return response


urlpatterns = [
    path("schema/", SchemaView.as_view(), name="api-schema"),
    path("docs/", DocsView.as_view(), name="api-docs"),
]
