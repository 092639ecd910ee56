"""For probes: answered before hosts and https are looked at, because a probe calls a process by its own address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal import __version__
from portal.metrics.page import metrics
from portal.readiness import Check, Verdict, checks_now, verdict


@never_cache
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """The process serves. It asks nothing of the database: a restart would not bring that back."""
    return JsonResponse({"status": "ok", "version": __version__})


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """200 when the process may get requests, 503 when it may not; anybody may ask."""
    checks = checks_now()
    found = verdict(checks)
    told = {"status": found.value, "checks": {check.name: _told(check) for check in checks}}
    return JsonResponse(told, status=503 if found is Verdict.UNREADY else 200)


def _told(check: Check) -> dict[str, Any]:
    members = {"status": check.state.value, "reason": check.reason or None, "age_seconds": check.age}
    return {name: value for name, value in members.items() if value is not None}


PROBES: dict[str, Callable[[HttpRequest], HttpResponse]] = {
    "/health/live": live,
    "/health/ready": ready,
    "/metrics": metrics,
}


def probes(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    def middleware(request: HttpRequest) -> HttpResponse:
        return PROBES.get(request.path_info, get_response)(request)

    return middleware
