"""The walk: every surface of an admin is found and visited, and what leaks is noted.

`walk()` takes any site, so that it can be shown to find leaks (test_admin_stranger_catches.py).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.urls import reverse

from tests.portal.stranger import ALLOWED, CROSSED, REACHED, UNSEEN, Looker, Report
from tests.portal.stranger_forms import walk_forms
from tests.portal.stranger_lists import cut, walk_lists
from tests.portal.stranger_pages import Data, form_data
from tests.portal.stranger_rows import crossings, tenant_models
from tests.portal.surfaces import Kind, Route, autocompletes, relations, routes

# Anybody may ask for these, before signing in or after.
PUBLIC = {"login", "logout", "password_reset", "password_reset_done", "password_reset_complete",
          "password_reset_confirm"}  # fmt: skip
# Where a row of somebody else must be as if it did not exist. Django's own pages say so with a redirect.
REFUSED = {Kind.ACTION: {403, 404, 405}, Kind.CUSTOM: {403, 404, 405}}
SEEN_ANYWAY = {Kind.ADD, Kind.CHANGE, Kind.HISTORY, Kind.DELETE}  # plainly too: as a form, or the query changes nothing
REFUSED_BY_DJANGO = {302, 403, 404, 405}


def walk(
    site: AdminSite, looker: Looker, models: Collection[type[Model]] | None = None, *, site_pages: bool = True
) -> Report:
    """Visits everything of these models' admins (of all, when none are named) and the pages of the site itself."""
    for said in crossings():
        looker.report.add(CROSSED, Kind.ROWS, "", said)
    known = routes(site)
    for model, admin in site._registry.items():
        if models is not None and model not in models:
            continue
        if model not in looker.theirs.rows:
            looker.report.add(UNSEEN, Kind.ROWS, model._meta.label)
        own = [route for route in known if route.model is model]
        walk_addresses(looker, own)
        walk_lists(looker, admin, own)
        walk_forms(looker, admin, own)
        walk_autocompletes(looker, [model, *(inline.model for inline in admin.inlines)])
    if site_pages:
        walk_site(site, looker, [route for route in known if route.model is None])
    return looker.report


# Addresses


def walk_addresses(looker: Looker, known: list[Route]) -> None:
    for route in known:
        if route.takes_keys:
            _visit_theirs(looker, route)
        if route.kind != Kind.LIST:
            _visit_ours(looker, route)


def _visit_theirs(looker: Looker, route: Route) -> None:
    """Whatever is asked about their row, with or without a form, must be answered as if there were none."""
    allowed = REFUSED.get(route.kind, REFUSED_BY_DJANGO)
    data = sent_to(looker, route)
    for address in route.addresses(looker.theirs):
        given = [looker.get(route.kind, address), looker.post(route.kind, address, data)]
        for method, response in zip(("GET", "POST"), given, strict=True):
            if route.model and response.status_code not in allowed and not is_login(response):
                looker.report.add(REACHED, route.kind, f"{method} {address}", f"Status {response.status_code}.")


def sent_to(looker: Looker, route: Route) -> Data:
    """What a forged form for their row would hold: what the form of our own row holds, and every button pressed."""
    buttons = {"_form_submitted": "True", "post": "yes", "_save": "Save"}
    ours = next(route.addresses(looker.ours), "")
    if route.kind not in {Kind.CHANGE, Kind.ACTION, Kind.CUSTOM} or not route.name or not ours:
        return buttons
    return {**form_data(looker.get(route.kind, ours)), **buttons}


def _visit_ours(looker: Looker, route: Route) -> None:
    """Our own pages, plainly and with their keys in the query: choices, inlines and sentences name nobody of theirs."""
    plainly = [] if route.kind in SEEN_ANYWAY else [{}]
    for address in route.addresses(looker.ours):
        for query in [*plainly, query_of_theirs(looker, route.model)]:
            response = looker.get(route.kind, address, query)
            if route.model and response.status_code == 200 and not looker.may_read(route.model):
                looker.report.add(ALLOWED, route.kind, f"GET {address}", "It opens a page.")


def query_of_theirs(looker: Looker, model: type[Model] | None) -> Data:
    """Their keys under every name that a page might read, the presets of an add form among them."""
    theirs = looker.theirs
    query: Data = {"tenant": theirs.tenant.pk, "tenant_id": theirs.tenant.pk, "id": theirs.owner.pk}
    if model is None:
        return query
    query |= {"id": theirs.rows[model].pk} if model in theirs.rows else {}
    return query | {field.name: theirs.rows[field.related_model].pk for field in relations(model)
                    if field.related_model in theirs.rows}  # fmt: skip


# The site's own pages


def walk_autocompletes(looker: Looker, models: Collection[type[Model]]) -> None:
    for asked in autocompletes(models):
        for term in (cut(looker), ""):
            looker.get(Kind.AUTOCOMPLETE, reverse("admin:autocomplete"), {**asked, "term": term})


def walk_palette(looker: Looker) -> None:
    for more in ({}, {"extended": "1"}):
        looker.get(Kind.PALETTE, reverse("admin:search"), {"s": cut(looker), **more})


def walk_site(site: AdminSite, looker: Looker, known: list[Route]) -> None:
    walk_palette(looker)
    walk_autocompletes(looker, [model for model in tenant_models() if model not in site._registry])
    for route in known:
        if "content_type_id" in route.names:
            _visit_by_content_type(looker, route)
        if route.takes_keys:
            _visit_theirs(looker, route)
        else:
            for address in route.addresses(looker.theirs):
                looker.post(route.kind, address, {"tenant": looker.theirs.tenant.pk, "next": "/admin/"})
        _visit_ours(looker, route)


def _visit_by_content_type(looker: Looker, route: Route) -> None:
    """Django's “view on site” finds any row by the number of its type: it must not be there at all."""
    for model, row in looker.theirs.rows.items():
        values = {"content_type_id": ContentType.objects.get_for_model(model).pk, "object_id": row.pk}
        looker.get(Kind.SITE, reverse("admin:index") + route.text % values)
    looker.report.add(REACHED, Kind.SITE, route.text, "Any row is opened by the number of its type.")


def is_login(response: Any) -> bool:
    return response.status_code == 302 and response["Location"].startswith(reverse("admin:login"))
