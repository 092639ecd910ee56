"""Home: is everything moving, how much there is, and what needs a person. Higher storeys add panels and figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db.models import Count, Min, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.admin.about import people
from portal.admin.extend import Figure, Panel, RemoteAccount, extensions
from portal.admin.filters import OPEN
from portal.admin.paging import AtLeast, by_tenant, keys_in_order, newest
from portal.admin.refused import WHAT_TO_DO, connection_names, list_url
from portal.admin.rights import allowed_tenants, may_here
from portal.ledger import kind_title
from portal.models import Customer, Event, Heart, Lane, RefusedCall, Tenant
from portal.refused import not_heard_since
from portal.tenancy import Action

LATE = timedelta(seconds=60)
REFUSED_WITHIN = timedelta(hours=1)
TROUBLES_SHOWN = 8
# Counts have limits, so that the page takes the same time whatever the tables hold: what happened today is looked up
# among the newest events, and a large number of rows is counted every few minutes only.
EVENTS_COUNTED = 5_000
COUNT_LIMIT = 1_000_000
COUNT_KEPT_FROM, COUNT_KEPT_SECONDS = 10_000, 300


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


@dataclass(frozen=True)
class Refused:
    """A connection whose calls are refused, and of which nothing was accepted since."""

    name: str
    call: RefusedCall
    to_do: Any
    url: str


def count_text(rows: QuerySet[Any], limit: int = COUNT_LIMIT) -> str:
    """How many, up to a limit: an exact count of millions is worth no second of waiting."""
    bounded = rows.order_by().values("pk")[: limit + 1]
    key = f"portal.count:{sha256(str(bounded.query).encode()).hexdigest()}"
    number = cache.get(key)
    if number is None:
        number = bounded.count()
        if number > COUNT_KEPT_FROM:
            cache.set(key, number, COUNT_KEPT_SECONDS)
    return str(AtLeast(limit)) if number > limit else _spaced(number)


def _spaced(number: int) -> str:
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def home_context(request: HttpRequest) -> dict[str, Any]:
    tenants = allowed_tenants(request, Action.VIEW)
    accounts = extensions.accounts_of(tenants)
    paused, refused = _paused(request, accounts), _refused(tenants)
    panels = [panel for make in extensions.home_panels if (panel := make(request))]
    return {
        "verdict": _verdict(accounts, paused, refused, tenants),
        "connected": any(account.source for account in accounts),
        "steps": _steps(request),
        "figures": _figures(request, tenants),
        "today": _today(tenants),
        "paused": paused,
        "refused": refused,
        "troubles": _troubles(tenants),
        "newest": _newest(tenants),
        "panels": sorted(panels, key=lambda panel: panel.position),
    }


def _verdict(
    accounts: list[RemoteAccount], paused: list[Paused], refused: list[Refused], tenants: Iterable[int]
) -> Verdict:
    if not any(account.source for account in accounts):
        return Verdict(
            "quiet", "cable", _("Nothing is connected yet"), _("Follow the steps below to bring in customers.")
        )
    if trouble := _standstill(paused, refused, tenants):
        return trouble
    due_at = _oldest_due(tenants)
    if due_at and due_at < timezone.now() - LATE:
        minutes = max(1, round((timezone.now() - due_at).total_seconds() / 60))
        said = ngettext(
            "The oldest event has waited %(n)d minute.", "The oldest event has waited %(n)d minutes.", minutes
        )
        return Verdict("warn", "hourglass_top", _("Running behind"), said % {"n": minutes})
    return Verdict("good", "check_circle", _("Everything is moving"), _("Changes reach the phones as they come in."))


def _standstill(paused: list[Paused], refused: list[Refused], tenants: Iterable[int]) -> Verdict | None:
    if tenants and not Tenant.objects.filter(pk__in=tenants, suspended_at=None).exists():
        said = _("Calls are refused and all work waits until the suspension is lifted.")
        return Verdict("bad", "block", _("Suspended"), said)
    if paused:
        names = ", ".join(each.account.title for each in paused)
        return Verdict("bad", "pause_circle", _("Something stands still"), _("Paused: %(names)s.") % {"names": names})
    if not _worker_lives():
        return Verdict(
            "bad", "error", _("Nothing is moving"), _("The worker is not running. Start “manage.py worker”.")
        )
    if refused:
        names = ", ".join(each.name for each in refused)
        said = _("Nothing has been accepted since: %(names)s.") % {"names": names}
        return Verdict("bad", "do_not_disturb_on", _("Calls are refused"), said)
    return None


def _oldest_due(tenants: Iterable[int]) -> datetime | None:
    """Asked lane by lane, as the index of what waits is."""
    first = Event.objects.filter(lane=OuterRef("pk"), status=Event.Status.WAITING).order_by("due_at")
    lanes = Lane.objects.filter(tenant_id__in=tenants, tenant__suspended_at=None, paused_at=None)
    found = lanes.annotate(first=Subquery(first.values("due_at")[:1])).aggregate(oldest=Min("first"))
    oldest: datetime | None = found["oldest"]
    return oldest


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


def _refused(tenants: Iterable[int]) -> list[Refused]:
    calls = not_heard_since(tenants, timezone.now() - REFUSED_WITHIN)
    names = connection_names((call.tenant_id, call.source) for call in calls)
    return [
        Refused(names[call.tenant_id, call.source], call, WHAT_TO_DO.get(call.reason, ""), list_url(key=call.key_id))
        for call in calls
    ]


def _figures(request: HttpRequest, tenants: Iterable[int]) -> list[Figure]:
    customers = Customer.objects.filter(tenant_id__in=tenants)
    own = Figure(_("Customers"), count_text(customers), reverse("admin:portal_customer_changelist"), position=10)
    added = [figure for make in extensions.home_figures for figure in make(request)]
    return sorted([own, *added], key=lambda figure: figure.position)


def _today(tenants: Iterable[int]) -> dict[str, Any]:
    """Events since midnight, by how they ended, among the newest."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    newest_keys = keys_in_order(Event.objects.all(), by_tenant(tenants))[:EVENTS_COUNTED]
    recent = Event.objects.filter(pk__in=newest_keys, created_at__gte=midnight)
    rows = recent.order_by().values_list("status").annotate(number=Count("pk"))
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
        "total": str(AtLeast(EVENTS_COUNTED)) if total >= EVENTS_COUNTED else _spaced(total),
        "parts": [(title, _spaced(number), tone, status, round(100 * number / total, 2) if total else 0)
                  for title, number, tone, status in parts],
    }  # fmt: skip


def _titled(events: list[Event]) -> list[Event]:
    said = people(events)
    for event in events:
        event.title, event.about_whom = kind_title(event.kind), said.get(event.pk, "")
    return events


def _troubles(tenants: Iterable[int]) -> list[Event]:
    wrong = Event.objects.filter(tenant_id__in=tenants, status__in=OPEN)
    return _titled(newest(wrong, by_tenant(tenants, [Q(status=status) for status in OPEN]), TROUBLES_SHOWN))


def _newest(tenants: Iterable[int]) -> list[Event]:
    started = Event.objects.filter(tenant_id__in=tenants, parent=None)
    return _titled(newest(started, by_tenant(tenants), TROUBLES_SHOWN))


def _steps(request: HttpRequest) -> list[dict[str, Any]]:
    steps = [step for step in extensions.first_steps if may_here(request, step.needs)]
    return [
        {"title": step.title, "sentence": step.sentence, "url": reverse(step.url_name)}
        for step in sorted(steps, key=lambda step: step.position)
    ]
