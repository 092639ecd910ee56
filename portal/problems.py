"""Problem details (RFC 9457) for DRF and for Django's own errors under /api/."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from rest_framework.exceptions import APIException, ErrorDetail
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_exception_handler

from portal import refused

MEDIA_TYPE = "application/problem+json"


class BadBody(APIException):
    """400 with the errors of a body, keyed by JSON path: {"$.data.profileId": ["…"]}."""

    status_code = 400
    default_detail = "The body is not what this endpoint takes."

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__()
        self.errors = errors


class BodyTooLarge(APIException):
    status_code = 413
    default_detail = "The body is larger than 256 KiB."


class OneFormat(BaseContentNegotiation):
    """JSON whatever the Accept header says: a sender that accepts less must still hear what was wrong (RFC 9110,
    12.5.1 lets a server disregard the header)."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]


def problem(status: int, detail: str, **members: Any) -> dict[str, Any]:
    return {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **members}


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    response = drf_exception_handler(error, context)
    if response is None:
        return None
    errors = error.errors if isinstance(error, BadBody) else {}
    members = {"errors": errors} if errors else {}
    told = getattr(error, "detail", None)
    detail = _sentence(told)
    refused.note(context["request"], response.status_code, _named(errors) or detail, getattr(told, "code", ""))
    response.data = problem(response.status_code, detail, **members)
    response.content_type = MEDIA_TYPE
    return response


def _sentence(detail: Any) -> str:
    if isinstance(detail, ErrorDetail | str):
        return str(detail)
    return json.dumps(detail, default=str) if detail else ""


def _named(errors: dict[str, list[str]]) -> str:
    return " ".join(f"{path}: {' '.join(sentences)}" for path, sentences in errors.items())


def page(request: HttpRequest, status: int, detail: str) -> HttpResponse:
    if request.path.startswith("/api/"):
        return JsonResponse(problem(status, detail), status=status, content_type=MEDIA_TYPE)
    return HttpResponse(f"<!doctype html><title>{HTTPStatus(status).phrase}</title><p>{detail}</p>", status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return page(request, 400, "The request could not be understood.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return page(request, 403, "You may not do this.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    refused.note(request, 404, "There is nothing at this address.")
    return page(request, 404, "There is nothing at this address.")


def server_error(request: HttpRequest) -> HttpResponse:
    return page(request, 500, "Something went wrong here. It has been logged; try again later.")
