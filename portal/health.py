"""For probes."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse

from portal import __version__


def live(request: HttpRequest) -> JsonResponse:
    """The process serves. It asks nothing of the database: a restart would not bring that back."""
    return JsonResponse({"status": "ok", "version": __version__})
