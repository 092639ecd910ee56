"""For probes: answered before hosts and https are looked at, because a probe calls a process by its own address."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal import __version__


@never_cache
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """The process serves. It asks nothing of the database: a restart would not bring that back."""
    return JsonResponse({"status": "ok", "version": __version__})


PROBES: dict[str, Callable[[HttpRequest], HttpResponse]] = {"/health/live": live}


def probes(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    def middleware(request: HttpRequest) -> HttpResponse:
        return PROBES.get(request.path_info, get_response)(request)

    return middleware
