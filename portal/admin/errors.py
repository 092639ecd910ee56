"""Refusals inside the admin: pages of the portal that say what is wrong and what to do. Elsewhere: portal.problems."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from portal import problems


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    said = _("Your role does not allow this, or no longer does. Ask an owner of your team. Nothing was changed.")
    return _page(request, HTTPStatus.FORBIDDEN, _("You may not do this"), said) or problems.forbidden(
        request, exception
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    said = _("Perhaps it was removed, or it belongs to another tenant.")
    return _page(request, HTTPStatus.NOT_FOUND, _("There is nothing here"), said) or problems.not_found(
        request, exception
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """CSRF_FAILURE_VIEW: mostly a page that stayed open while its owner signed in anew."""
    said = _("This page was open for too long, or you signed in again elsewhere. Go back, reload it and try once more.")
    answer = _page(request, HTTPStatus.FORBIDDEN, _("Nothing was changed"), said)
    return answer or problems.page(request, HTTPStatus.FORBIDDEN, said)


def _page(request: HttpRequest, status: HTTPStatus, title: str, sentence: str) -> HttpResponse | None:
    """None outside the admin, and for people who are not signed in."""
    from portal.admin.site import site, zone_of  # noqa: PLC0415 - the site is made of admins, which import much

    inside = request.path_info.startswith("/admin/") and hasattr(request, "user")
    if not inside or not site.has_permission(request):
        return None
    context: dict[str, Any] = {**site.each_context(request), "title": title, "sentence": sentence}
    with timezone.override(zone_of(request)):
        return render(request, "admin/portal/error.html", context, status=status)
