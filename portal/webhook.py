"""What all incoming webhooks share: media type, size and JSON, checked before anything is stored."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from django.conf import settings
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request

from portal.problems import BadBody, BodyTooLarge

_JSON_TYPE = re.compile(r"(application/([\w.!#$&^-]+\+)?json|text/json)\Z", re.IGNORECASE)


def read_object(request: Request) -> dict[str, Any]:
    """The JSON object of a request. Raises 413, 415, or 400 with the JSON path of what is wrong."""
    media_type = request.headers.get("Content-Type", "").split(";")[0].strip()
    if not _JSON_TYPE.match(media_type):
        raise UnsupportedMediaType(media_type or "nothing")
    decoded = _decode(_read(request))
    if not isinstance(decoded, dict):
        raise BadBody({"$": ["Send a JSON object."]})
    return decoded


def _read(request: Request) -> bytes:
    limit = settings.WEBHOOK_BODY_LIMIT
    length = request.headers.get("Content-Length", "")
    if length.isdigit() and int(length) > limit:
        raise BodyTooLarge
    body: bytes = request._request.read(limit + 1)
    if len(body) > limit:
        raise BodyTooLarge
    return body


def _decode(body: bytes) -> Any:
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise BadBody({"$": ["The JSON is nested too deeply."]}) from error
    except ValueError as error:
        raise BadBody({"$": ["The body is not valid JSON."]}) from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
