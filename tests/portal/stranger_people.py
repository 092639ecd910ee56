"""Other people than a stranger: each role, members of two tenants, superusers, and those who may not enter."""

from __future__ import annotations

from collections.abc import Collection

from django.contrib.admin import AdminSite
from django.db.models import Model
from django.test import Client

from portal.admin.rights import CHOSEN_TENANT
from portal.models import Membership, Tenant
from tests.portal.admin_world import World
from tests.portal.stranger import ALLOWED, OPEN, REACHED, Looker, Report
from tests.portal.stranger_forms import BUTTONS, altered
from tests.portal.stranger_pages import Data, form_data, forms_of
from tests.portal.stranger_walk import PUBLIC, REFUSED, REFUSED_BY_DJANGO, is_login, walk_palette
from tests.portal.surfaces import Kind, Route, action_names, routes

ON_ROWS = {Kind.ADD, Kind.CHANGE, Kind.DELETE, Kind.ACTION, Kind.CUSTOM}


def walk_role(site: AdminSite, looker: Looker, owner: Looker, models: Collection[type[Model]] | None = None) -> Report:
    """Whatever changes a row of ours is sent, filled in as an owner would: the table of roles says who may."""
    known = [route for route in routes(site) if route.model is not None and (models is None or route.model in models)]
    for route in known:
        if route.kind not in ON_ROWS or not route.name:
            continue
        for address in route.addresses(looker.ours):
            response = looker.post(route.kind, address, _filled_by(owner, route, address))
            if response.status_code == 200 and not _may_change(site, looker, route):
                looker.report.add(ALLOWED, route.kind, f"POST {address}", "It takes a form.")
    for route in known:
        if route.kind == Kind.LIST and route.model in looker.ours.rows:
            for name in sorted({"delete_selected", *action_names(site._registry[route.model])}):
                data = {"action": name, "_selected_action": [looker.ours.rows[route.model].pk], "index": "0"}
                looker.post(Kind.BULK, next(route.addresses(looker.ours)), {**data, "post": "yes"})
    return looker.report


def _filled_by(owner: Looker, route: Route, address: str) -> Data:
    if route.kind == Kind.DELETE:
        return {"post": "yes"}
    page = owner.get(route.kind, address)
    data = {**form_data(page), **BUTTONS} if page.status_code == 200 else {**BUTTONS, "_form_submitted": "True"}
    return altered(data, page) if forms_of(page) else data


def _may_change(site: AdminSite, looker: Looker, route: Route) -> bool:
    """Dialogs may also look something up; forms are there to change the row or its lines."""
    if route.kind not in {Kind.ADD, Kind.CHANGE, Kind.DELETE} or route.model is None:
        return True
    lines = [inline.model for inline in site._registry[route.model].inlines]
    return any(looker.may_write(model) for model in [route.model, *lines])


def walk_pages(site: AdminSite, looker: Looker, models: Collection[type[Model]] | None = None) -> Report:
    """Every page once with our keys and once with theirs: for people whose forged forms nobody need try again."""
    for route in routes(site):
        unasked = route.model is not None and models is not None and route.model not in models
        if unasked or route.name in PUBLIC or not route.name:
            continue
        allowed = REFUSED.get(route.kind, REFUSED_BY_DJANGO)
        for address in route.addresses(looker.theirs) if route.takes_keys else ():
            response = looker.get(route.kind, address)
            if route.model and response.status_code not in allowed:
                looker.report.add(REACHED, route.kind, f"GET {address}", f"Status {response.status_code}.")
        for address in route.addresses(looker.ours):
            response = looker.get(route.kind, address)
            if route.model and response.status_code == 200 and not looker.may_read(route.model):
                looker.report.add(ALLOWED, route.kind, f"GET {address}", "It opens a page.")
    walk_palette(looker)
    return looker.report


def walk_after_leaving(client: Client, membership: Membership, worlds: tuple[World, World]) -> Report:
    """What a member of both tenants has searched for in theirs must not be found once the membership is gone."""
    choose(client, worlds[1].tenant)
    looker = Looker(client, *worlds)
    walk_palette(looker)
    membership.delete()
    looker.report = Report()
    walk_palette(looker)
    return looker.report


def walk_locked_out(site: AdminSite, looker: Looker) -> Report:
    """Every address leads to the sign-in page, whoever's keys are in it."""
    for route in routes(site):
        if route.name in PUBLIC:
            continue
        ours, theirs = (next(route.addresses(world), "") for world in (looker.ours, looker.theirs))
        if not ours or not theirs:
            continue
        posted = looker.post(route.kind, theirs, {"_form_submitted": "True", "post": "yes"})
        for address, response in ((ours, looker.get(route.kind, ours)), (theirs, posted)):
            if not is_login(response):
                looker.report.add(OPEN, route.kind, address, f"Status {response.status_code}.")
    return looker.report


def choose(client: Client, tenant: Tenant) -> None:
    """The person looks at this tenant, or tries to."""
    session = client.session
    session[CHOSEN_TENANT] = tenant.pk
    session.save()
