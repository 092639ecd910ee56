"""The bytes of a webhook's body: read once, and remembered for the note of a refusal."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

_KEPT = "portal.body"
BEGINNING = 4096  # of a body: more than an excerpt shows


def stream_of(request: HttpRequest) -> Any:
    """Django reads nothing of a body without a declared length; a server that ends its input itself can be read."""
    environ = request.META
    chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
    if chunked and environ.get("wsgi.input_terminated"):
        return environ["wsgi.input"]
    return request


def read_body(request: HttpRequest, most: int) -> bytes:
    body: bytes = stream_of(request).read(most)
    request.META[_KEPT] = body
    return body


def beginning_of(request: HttpRequest) -> bytes:
    """What was read of the body, or its first bytes if nobody has read it yet."""
    kept = request.META.get(_KEPT)
    return (kept if kept is not None else read_body(request, BEGINNING))[:BEGINNING]
