"""Home: is everything moving, how much there is, and what needs a person. Higher storeys add panels and figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.admin.about import people
from portal.admin.charted import charts
from portal.admin.checklist import checklist
from portal.admin.chips import midnight
from portal.admin.extend import Figure, Panel, extensions
from portal.admin.paging import AtLeast, by_tenant, keys_in_order, newest
from portal.admin.progress import endings
from portal.admin.rights import allowed_tenants, may_here
from portal.daily.reading import Month, month
from portal.daily.registry import Tally
from portal.daily.tallies import tally
from portal.ledger import kind_title
from portal.models import Customer, Event, Tenant
from portal.tenancy import Action
from portal.watch.trouble import Kind, Trouble, troubles_of
from portal.watch.verdict import verdict
from portal.watch.words import counted, spaced

TROUBLES_SHOWN, WRONG_SHOWN = 8, 20
# Counts have limits, so that the page takes the same time whatever the tables hold: what happened today is looked up
# among the newest events and rows, and larger numbers are those that were counted aside (portal.daily).
EVENTS_COUNTED = 5_000
COUNT_LIMIT = 10_000


def register_panel(panel: Callable[[HttpRequest], Panel | None]) -> None:
    extensions.home_panels.append(panel)


def register_figures(figures: Callable[[HttpRequest], Iterable[Figure]]) -> None:
    extensions.home_figures.append(figures)


def count_text(rows: QuerySet[Any], stored: int = 0) -> str:
    """How many, up to a limit; beyond it what was counted within the last hour or so, `stored`."""
    number = rows.order_by().values("pk")[: COUNT_LIMIT + 1].count()
    return spaced(stored) if stored > COUNT_LIMIT < number else counted(number, COUNT_LIMIT)


def home_context(request: HttpRequest) -> dict[str, Any]:
    tenants = allowed_tenants(request, Action.VIEW)
    wrong = troubles_of(tenants)
    connected = any(account.source for account in extensions.accounts_of(tenants))
    came = _came_today(tenants)
    found = month_of(request)
    panels = [panel for make in extensions.home_panels if (panel := make(request))]
    return {
        "verdict": verdict(wrong, connected=connected, suspended=_all_suspended(tenants)),
        "connected": connected,
        "first": checklist(request, tenants, connected=connected),
        "figures": _figures(request, tenants),
        "today": _today(came),
        **charts(tenants, found, came, complete=sum(came.values()) < EVENTS_COUNTED),
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
    customers = count_text(Customer.objects.filter(tenant_id__in=tenants), month_of(request).stocks["customers"])
    own = Figure(_("Customers"), customers, reverse("admin:portal_customer_changelist"), position=10)
    added = [figure for make in extensions.home_figures for figure in make(request)]
    return sorted([own, *added], key=lambda figure: figure.position)


def month_of(request: HttpRequest) -> Month:
    """The counted days of what is looked at. One query per request."""
    kept = request.__dict__
    if "_portal_month" not in kept:
        kept["_portal_month"] = month(allowed_tenants(request, Action.VIEW), midnight().date())
    return kept["_portal_month"]  # type: ignore[no-any-return]


def _came_today(tenants: Iterable[int]) -> Tally:
    """Events since midnight among the newest, by what they are."""
    newest_keys = keys_in_order(Event.objects.all(), by_tenant(tenants))[:EVENTS_COUNTED]
    return tally(Event.objects.filter(pk__in=newest_keys, created_at__gte=midnight()))


def _today(came: Tally) -> dict[str, Any]:
    """Events since midnight, by how they ended."""
    counts: Counter[str] = Counter()
    for (_kind, status, _outside), number in came.items():
        counts[status] += number
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
