"""Problem details (RFC 9457) for DRF and for Django's own errors under /api/."""

from __future__ import annotations

import json
import logging
import sys
from http import HTTPStatus
from typing import Any

from django.db import InterfaceError, InternalError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.views.generic import View
from rest_framework.exceptions import APIException, ErrorDetail
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_exception_handler

from portal import refused
from portal.accept import preferred

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
# What a sender may ask for instead, by name; the body is the same JSON.
MEDIA_TYPES = (MEDIA_TYPE, "application/json", "text/json", "text/plain")
API_PATH = "/api/"


class BadBody(APIException):
    """400 with the errors of a body, keyed by JSON path: {"$.data.profileId": ["…"]}."""

    status_code = 400
    default_detail = "The body is not what this endpoint takes."

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__()
        self.errors = errors


class BadQuery(BadBody):
    """400 with the errors of a query, keyed by parameter: {"limit": ["…"]}."""

    default_detail = "The query is not what this endpoint takes."


class Conflict(APIException):
    """422: an Idempotency-Key that came before with another body."""

    status_code = 422
    default_detail = "This Idempotency-Key came before with another body. Nothing was done; send a new key."


class BodyTooLarge(APIException):
    status_code = 413
    default_detail = "The body is larger than 256 KiB."


def problem(status: int, detail: str, **members: Any) -> dict[str, Any]:
    return {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **members}


def content_type(accept: str) -> str:
    """The media type of a problem for a sender that accepts this."""
    chosen = preferred(accept, MEDIA_TYPES)
    return f"{chosen}; charset=utf-8" if chosen.startswith("text/") else chosen


class CannotStore(APIException):
    """503: the database is away, or its disk is full. Nothing was stored, and the sender may come again."""

    status_code = 503
    default_detail = "This cannot be stored right now. Send it again later."
    wait = 5  # DRF tells it as Retry-After: a database that was restarted is back by then


# What a database cannot do now, whoever asks; other errors of databases are faults of ours.
UNABLE = (OperationalError, InterfaceError, InternalError)


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    unable = isinstance(error, UNABLE)
    if unable:
        log.error("webhook=refused database=%s", type(error).__name__)
        error = CannotStore()
    response = drf_exception_handler(error, context)
    if response is None:
        return None
    errors = error.errors if isinstance(error, BadBody) else {}
    members = {"errors": errors} if errors else {}
    told = getattr(error, "detail", None)
    detail = _sentence(told)
    if not unable:
        refused.note(context["request"], response.status_code, _named(errors) or detail, getattr(told, "code", ""))
    response.data = problem(response.status_code, detail, **members)
    response.content_type = content_type(context["request"].headers.get("Accept", ""))
    patch_vary_headers(response, ["Accept"])
    return response


def _sentence(detail: Any) -> str:
    if isinstance(detail, ErrorDetail | str):
        return str(detail)
    return json.dumps(detail, default=str) if detail else ""


def _named(errors: dict[str, list[str]]) -> str:
    return " ".join(f"{path}: {' '.join(sentences)}" for path, sentences in errors.items())


def page(request: HttpRequest, status: int, detail: str) -> HttpResponse:
    if not request.path.startswith(API_PATH):
        return HttpResponse(f"<!doctype html><title>{HTTPStatus(status).phrase}</title><p>{detail}</p>", status=status)
    told = json.dumps(problem(status, detail), ensure_ascii=False)
    response = HttpResponse(told, status=status, content_type=content_type(request.headers.get("Accept", "")))
    patch_vary_headers(response, ["Accept"])
    return response


class PlainView(View):
    """A view of Django's own under /api/, whose 405 is a problem too."""

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        allowed = [name.upper() for name in self.http_method_names if hasattr(self, name)]
        response = page(request, 405, not_allowed(request.method, allowed))
        response.headers["Allow"] = ", ".join(allowed)
        return response


def not_allowed(method: str | None, allowed: list[str]) -> str:
    return f"{method} is not taken here. Use {' or '.join(allowed)}."


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return page(request, 400, "The request could not be understood.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return page(request, 403, "You may not do this.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    refused.note(request, 404, "There is nothing at this address.")
    return page(request, 404, "There is nothing at this address.")


def server_error(request: HttpRequest) -> HttpResponse:
    if isinstance(sys.exc_info()[1], UNABLE):
        response = page(request, 503, "The database cannot be reached right now. Try again later.")
        response.headers["Retry-After"] = str(CannotStore.wait)
        return response
    return page(request, 500, "Something went wrong here. It has been logged; try again later.")
