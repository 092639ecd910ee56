"""Home: is everything moving, how much there is, and what needs a person. Higher storeys add panels and figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.admin.about import people
from portal.admin.extend import Figure, Panel, RemoteAccount, extensions
from portal.admin.rights import allowed_tenants, may_here
from portal.ledger import kind_title
from portal.models import Customer, Event, Heart, Lane
from portal.tenancy import Action

# Counts look at the newest events only, so that the page takes the same time whatever the ledger holds.
EVENTS_SEARCHED = 200_000
LATE = timedelta(seconds=60)
TROUBLES_SHOWN = 8
COUNT_LIMIT = 100_000


def register_panel(panel: Callable[[HttpRequest], Panel | None]) -> None:
    extensions.home_panels.append(panel)


def register_figures(figures: Callable[[HttpRequest], Iterable[Figure]]) -> None:
    extensions.home_figures.append(figures)


@dataclass(frozen=True)
class Verdict:
    """Is everything moving, in one sentence."""

    tone: str
    icon: str
    title: str
    sentence: str


@dataclass(frozen=True)
class Paused:
    account: RemoteAccount
    lane: Lane
    waiting: str
    may_resume: bool


def count_text(rows: QuerySet[Any], limit: int = COUNT_LIMIT) -> str:
    """How many, up to a limit: an exact count of millions is worth no second of waiting."""
    number = rows.order_by().values("pk")[: limit + 1].count()
    return f"{limit:,}+".replace(",", "\N{NARROW NO-BREAK SPACE}") if number > limit else _spaced(number)


def _spaced(number: int) -> str:
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def home_context(request: HttpRequest) -> dict[str, Any]:
    tenants = allowed_tenants(request, Action.VIEW)
    accounts = extensions.accounts_of(tenants)
    recent = _recent(tenants)
    paused = _paused(request, accounts)
    panels = [panel for make in extensions.home_panels if (panel := make(request))]
    return {
        "verdict": _verdict(accounts, paused, tenants),
        "connected": any(account.source for account in accounts),
        "steps": _steps(request),
        "figures": _figures(request, tenants),
        "today": _today(recent),
        "paused": paused,
        "troubles": _troubles(recent),
        "newest": _newest(recent),
        "panels": sorted(panels, key=lambda panel: panel.position),
    }


def _recent(tenants: Iterable[int]) -> QuerySet[Event]:
    newest = Event.objects.aggregate(newest=Max("pk"))["newest"] or 0
    return Event.objects.filter(tenant_id__in=tenants, pk__gt=newest - EVENTS_SEARCHED)


def _verdict(accounts: list[RemoteAccount], paused: list[Paused], tenants: Iterable[int]) -> Verdict:
    if not any(account.source for account in accounts):
        return Verdict(
            "quiet", "cable", _("Nothing is connected yet"), _("Follow the steps below to bring in customers.")
        )
    if paused:
        names = ", ".join(each.account.title for each in paused)
        return Verdict("bad", "pause_circle", _("Something stands still"), _("Paused: %(names)s.") % {"names": names})
    if not _worker_lives():
        return Verdict(
            "bad", "error", _("Nothing is moving"), _("The worker is not running. Start “manage.py worker”.")
        )
    due = Event.objects.filter(tenant_id__in=tenants, status=Event.Status.WAITING, due_at__lt=timezone.now() - LATE)
    late = due.filter(lane__paused_at=None).order_by("due_at").first()
    if late:
        minutes = max(1, round((timezone.now() - late.due_at).total_seconds() / 60))
        said = ngettext(
            "The oldest event has waited %(n)d minute.", "The oldest event has waited %(n)d minutes.", minutes
        )
        return Verdict("warn", "hourglass_top", _("Running behind"), said % {"n": minutes})
    return Verdict("good", "check_circle", _("Everything is moving"), _("Changes reach the phones as they come in."))


def _worker_lives() -> bool:
    limit = timezone.now() - timedelta(seconds=settings.HEART_LIMIT_SECONDS + settings.HEART_SECONDS)
    return Heart.objects.filter(beat_at__gte=limit).exists()


def _paused(request: HttpRequest, accounts: list[RemoteAccount]) -> list[Paused]:
    lanes = Lane.objects.filter(pk__in=[account.lane_id for account in accounts]).exclude(paused_at=None).in_bulk()
    return [
        Paused(
            account,
            lanes[account.lane_id],
            count_text(Event.objects.filter(lane_id=account.lane_id, status=Event.Status.WAITING), 10_000),
            may_here(request, Action.OPERATE, account.tenant_id),
        )
        for account in accounts
        if account.lane_id in lanes
    ]


def _figures(request: HttpRequest, tenants: Iterable[int]) -> list[Figure]:
    customers = Customer.objects.filter(tenant_id__in=tenants)
    own = Figure(_("Customers"), count_text(customers), reverse("admin:portal_customer_changelist"), position=10)
    added = [figure for make in extensions.home_figures for figure in make(request)]
    return sorted([own, *added], key=lambda figure: figure.position)


def _today(recent: QuerySet[Event]) -> dict[str, Any]:
    """Events since midnight, by how they ended."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    rows = recent.filter(created_at__gte=midnight).order_by().values_list("status").annotate(number=Count("pk"))
    counts: dict[str, int] = dict(rows)
    open_now = counts.get(Event.Status.WAITING, 0) + counts.get(Event.Status.LEASED, 0)
    quiet = counts.get(Event.Status.IGNORED, 0) + counts.get(Event.Status.MERGED, 0)
    parts = [
        (_("Done"), counts.get(Event.Status.DONE, 0), "good", Event.Status.DONE),
        (_("Nothing to do"), quiet, "quiet", Event.Status.IGNORED),
        (_("On the way"), open_now, "busy", Event.Status.WAITING),
        (_("Failed"), counts.get(Event.Status.FAILED, 0), "bad", Event.Status.FAILED),
        (_("Uncertain"), counts.get(Event.Status.UNCERTAIN, 0), "warn", Event.Status.UNCERTAIN),
    ]  # fmt: skip
    total = sum(counts.values())
    return {
        "total": _spaced(total),
        "parts": [(title, _spaced(number), tone, status, round(100 * number / total, 2) if total else 0)
                  for title, number, tone, status in parts],
    }  # fmt: skip


def _titled(events: list[Event]) -> list[Event]:
    said = people(events)
    for event in events:
        event.title, event.about_whom = kind_title(event.kind), said.get(event.pk, "")
    return events


def _troubles(recent: QuerySet[Event]) -> list[Event]:
    wrong = recent.filter(status__in=[Event.Status.FAILED, Event.Status.UNCERTAIN]).order_by("-pk")
    return _titled(list(wrong[:TROUBLES_SHOWN]))


def _newest(recent: QuerySet[Event]) -> list[Event]:
    return _titled(list(recent.filter(parent=None).order_by("-pk")[:TROUBLES_SHOWN]))


def _steps(request: HttpRequest) -> list[dict[str, Any]]:
    steps = [step for step in extensions.first_steps if may_here(request, step.needs)]
    return [
        {"title": step.title, "sentence": step.sentence, "url": reverse(step.url_name)}
        for step in sorted(steps, key=lambda step: step.position)
    ]
