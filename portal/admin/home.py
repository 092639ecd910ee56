"""Home: is everything moving, how much there is, and what needs a person. Higher storeys add panels and figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from hashlib import sha256
from typing import Any

from django.core.cache import cache
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.admin.about import people
from portal.admin.chips import midnight
from portal.admin.extend import Figure, Panel, extensions
from portal.admin.paging import AtLeast, by_tenant, keys_in_order, newest
from portal.admin.progress import endings
from portal.admin.rights import allowed_tenants, may_here
from portal.ledger import kind_title
from portal.models import Customer, Event, Tenant
from portal.tenancy import Action
from portal.watch.trouble import Kind, Trouble, troubles_of
from portal.watch.verdict import verdict
from portal.watch.words import counted, spaced

TROUBLES_SHOWN, WRONG_SHOWN = 8, 20
# Counts have limits, so that the page takes the same time whatever the tables hold: what happened today is looked up
# among the newest events, and a large number of rows is counted every few minutes only.
EVENTS_COUNTED = 5_000
COUNT_LIMIT = 1_000_000
COUNT_KEPT_FROM, COUNT_KEPT_SECONDS = 10_000, 300


def register_panel(panel: Callable[[HttpRequest], Panel | None]) -> None:
    extensions.home_panels.append(panel)


def register_figures(figures: Callable[[HttpRequest], Iterable[Figure]]) -> None:
    extensions.home_figures.append(figures)


def count_text(rows: QuerySet[Any], limit: int = COUNT_LIMIT) -> str:
    """How many, up to a limit: an exact count of millions is worth no second of waiting."""
    bounded = rows.order_by().values("pk")[: limit + 1]
    key = f"portal.count:{sha256(str(bounded.query).encode()).hexdigest()}"
    number = cache.get(key)
    if number is None:
        number = bounded.count()
        if number > COUNT_KEPT_FROM:
            cache.set(key, number, COUNT_KEPT_SECONDS)
    return counted(number, limit)


def home_context(request: HttpRequest) -> dict[str, Any]:
    tenants = allowed_tenants(request, Action.VIEW)
    wrong = troubles_of(tenants)
    connected = any(account.source for account in extensions.accounts_of(tenants))
    panels = [panel for make in extensions.home_panels if (panel := make(request))]
    return {
        "verdict": verdict(wrong, connected=connected, suspended=_all_suspended(tenants)),
        "connected": connected,
        "steps": _steps(request),
        "figures": _figures(request, tenants),
        "today": _today(tenants),
        "wrong": [_shown(request, each) for each in wrong[:WRONG_SHOWN] if connected or each.kind is not Kind.WORKER],
        "more_wrong": max(0, len(wrong) - WRONG_SHOWN),
        "troubles": _troubles(tenants),
        "newest": _newest(tenants),
        "panels": sorted(panels, key=lambda panel: panel.position),
    }


def _all_suspended(tenants: Collection[int]) -> bool:
    return bool(tenants) and not Tenant.objects.filter(pk__in=tenants, suspended_at=None).exists()


def _shown(request: HttpRequest, trouble: Trouble) -> dict[str, Any]:
    """The trouble, and its button for those who may press it."""
    remedy = trouble.remedy
    allowed = remedy is not None and may_here(request, remedy.needs, trouble.tenant_id)
    return {"trouble": trouble, "remedy": remedy if allowed else None}


def _figures(request: HttpRequest, tenants: Iterable[int]) -> list[Figure]:
    customers = Customer.objects.filter(tenant_id__in=tenants)
    own = Figure(_("Customers"), count_text(customers), reverse("admin:portal_customer_changelist"), position=10)
    added = [figure for make in extensions.home_figures for figure in make(request)]
    return sorted([own, *added], key=lambda figure: figure.position)


def _today(tenants: Iterable[int]) -> dict[str, Any]:
    """Events since midnight, by how they ended, among the newest."""
    newest_keys = keys_in_order(Event.objects.all(), by_tenant(tenants))[:EVENTS_COUNTED]
    recent = Event.objects.filter(pk__in=newest_keys, created_at__gte=midnight())
    rows = recent.order_by().values_list("status").annotate(number=Count("pk"))
    counts = Counter(dict(rows))
    parts = endings(
        done=counts[Event.Status.DONE],
        nothing=counts[Event.Status.IGNORED] + counts[Event.Status.MERGED],
        pending=sum(counts[status] for status in Event.PENDING),
        failed=counts[Event.Status.FAILED],
        uncertain=counts[Event.Status.UNCERTAIN],
    )
    total = sum(counts.values())
    return {
        "total": str(AtLeast(EVENTS_COUNTED)) if total >= EVENTS_COUNTED else spaced(total),
        "parts": [(title, spaced(number), tone, status, round(100 * number / total, 2) if total else 0)
                  for title, number, tone, status in parts],
    }  # fmt: skip


def titled(events: list[Event]) -> list[Event]:
    said = people(events)
    for event in events:
        event.title, event.about_whom = kind_title(event.kind), said.get(event.pk, "")
    return events


def _troubles(tenants: Iterable[int]) -> list[Event]:
    wrong = Event.objects.filter(tenant_id__in=tenants, status__in=Event.UNRESOLVED)
    return titled(newest(wrong, by_tenant(tenants, [Q(status=status) for status in Event.UNRESOLVED]), TROUBLES_SHOWN))


def _newest(tenants: Iterable[int]) -> list[Event]:
    started = Event.objects.filter(tenant_id__in=tenants, parent=None)
    return titled(newest(started, by_tenant(tenants), TROUBLES_SHOWN))


def _steps(request: HttpRequest) -> list[dict[str, Any]]:
    steps = [step for step in extensions.first_steps if may_here(request, step.needs)]
    return [
        {"title": step.title, "sentence": step.sentence, "url": reverse(step.url_name)}
        for step in sorted(steps, key=lambda step: step.position)
    ]
