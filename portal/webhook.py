"""What all that other systems call shares: method, media type, size and JSON, checked before anything is stored."""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from rest_framework.exceptions import MethodNotAllowed, UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.views import APIView

from portal import text
from portal.body import read_body
from portal.problems import BadBody, BodyTooLarge, not_allowed

_JSON_TYPE = re.compile(r"(application/([\w.!#$&^-]+\+)?json|text/json)\Z", re.IGNORECASE)
# Deeper than any vendor's payload, and far from where encoders run out of stack.
DEPTH_LIMIT = 64


class Endpoint(APIView):
    """Says which methods it takes before anybody is asked who they are: a 405 tells nothing about a tenant."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if request.method not in self.allowed_methods:
            raise MethodNotAllowed(str(request.method), not_allowed(request.method, self.allowed_methods))
        super().initial(request, *args, **kwargs)


class Webhook(Endpoint):
    """Takes POST alone."""

    http_method_names = ["post"]


def taken(status: int = 200) -> HttpResponse:
    """The empty answer to what was stored. Nothing is to be rendered, so nothing of DRF's renderers is asked."""
    response = HttpResponse(status=status)
    del response.headers["Content-Type"]
    return response


def read_json(request: Request) -> dict[str, Any] | list[Any]:
    """The JSON object or array of a request. Raises 413, 415, or 400 with the JSON path of what is wrong."""
    # `request.headers` would be made of the whole environment for two of its names.
    media_type = str(request.META.get("CONTENT_TYPE", "")).split(";")[0].strip()
    if not _JSON_TYPE.match(media_type):
        raise UnsupportedMediaType(media_type, f"Send application/json, not {media_type or 'a body without a type'}.")
    decoded = _decode(_read(request))
    if not isinstance(decoded, dict | list):
        raise BadBody({"$": ["Send one JSON object, or an array of them."]})
    return decoded


def _read(request: Request) -> bytes:
    limit = settings.WEBHOOK_BODY_LIMIT
    length = str(request.META.get("CONTENT_LENGTH", ""))
    declared = int(length) if length.isascii() and length.isdigit() else None
    if declared is not None and declared > limit:
        raise BodyTooLarge
    body = read_body(request._request, limit + 1)
    if len(body) > limit:
        raise BodyTooLarge
    if declared is not None and len(body) < declared:  # the sender hung up; half a body may still be whole JSON
        raise BadBody({"$": ["The body is shorter than its Content-Length."]})
    return body


def _decode(body: bytes) -> Any:
    try:
        decoded = text.loads(body)
    except ValueError as error:
        deep = isinstance(error.__cause__, RecursionError)
        raise BadBody({"$": ["The JSON is nested too deeply." if deep else "The body is not valid JSON."]}) from error
    # Hardly any body has as many brackets as would be needed, so hardly any is walked.
    if body.count(b"{") + body.count(b"[") > DEPTH_LIMIT and _is_deeper(decoded, DEPTH_LIMIT):
        raise BadBody({"$": ["The JSON is nested too deeply."]})
    return decoded


def _is_deeper(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [member for each in level for member in _members(each)]
        if not level:
            return False
    return True


def _members(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [member for member in value.values() if isinstance(member, dict | list)]
    return [member for member in value if isinstance(member, dict | list)] if isinstance(value, list) else []
