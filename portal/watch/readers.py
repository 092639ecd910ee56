"""Reads the troubles of tenants, of many in as few queries as of one, whatever the tables hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.admin.extend import RemoteAccount, extensions
from portal.ledger.due import first_due
from portal.ledger.groups import Group, grouped, newest_of
from portal.ledger.states import State, state_of
from portal.models import Event, Lane, Tenant, Watcher
from portal.sentences import told
from portal.tenancy import Action
from portal.watch import hearts, words
from portal.watch.pace import COUNTED, Pace, pace_of
from portal.watch.trouble import Kind, Remedy, Tone, Trouble

Accounts = dict[int, list[RemoteAccount]]  # by lane
LATE = timedelta(seconds=60)
# Accounts whose pace is measured at a time: those that have waited longest.
PACES = 8
PAUSED_COUNTED = 10_000
OPEN_COUNTED = 1_000  # of each tenant, newest first
MAIL_FAILURES = 3


def installation(tenants: Sequence[int]) -> Iterator[Trouble]:
    newest = hearts.newest_beat()
    if not hearts.is_alive(newest, timezone.now()):
        yield Trouble(
            Kind.WORKER, "worker", None, newest, _("Worker"), _("The worker is not running."),
            _("Start “manage.py worker”. What arrives is stored and waits; nothing is lost."), reverse("admin:index"),
        )  # fmt: skip
    if not settings.MAIL_SET_UP:
        yield _mail(_("E-mail is not set up, so nobody is told when something is wrong."),
                    _("The administrator of this installation sets EMAIL_URL."))  # fmt: skip
    elif Watcher.objects.filter(tries__gte=MAIL_FAILURES).exists():
        yield _mail(_("The mail server did not take the last messages."),
                    _("The administrator of this installation looks at EMAIL_URL and the worker's log."))  # fmt: skip


def _mail(wrong: str, to_do: str) -> Trouble:
    return Trouble(Kind.MAIL, "mail", None, None, _("E-mail"), wrong, to_do, reverse("admin:index"), tone=Tone.QUIET)


def work(tenants: Sequence[int]) -> Iterator[Trouble]:
    accounts = _accounts_by_lane(tenants)
    yield from _standing(list(_with_oldest(tenants)), accounts)
    yield from _open_ones(tenants, accounts)


def _standing(rows: Sequence[Lane], accounts: Accounts) -> Iterator[Trouble]:
    """What stands still or is late."""
    now = timezone.now()
    late: list[Lane] = []
    paused = [lane for lane in rows if lane.paused_at and lane.pk in accounts]
    waiting = _waiting(paused)
    yield from (_paused(lane, each, waiting.get(lane.pk, 0)) for lane in paused for each in accounts[lane.pk])
    for lane in rows:
        state = state_of(lane, now)
        if state is State.SILENT and lane.oldest_due:  # type: ignore[attr-defined]
            yield _silent(lane, accounts.get(lane.pk, []), now)
        elif state in {State.MOVING, State.OVER_BUDGET} and (lane.oldest_due or now) < now - LATE:  # type: ignore[attr-defined]
            late.append(lane)
    late.sort(key=lambda lane: lane.oldest_due)  # type: ignore[attr-defined]
    for place, lane in enumerate(late):
        pace = pace_of(lane, now) if place < PACES else None
        yield _late(lane, accounts.get(lane.pk, []), pace, now)


def _with_oldest(tenants: Sequence[int]) -> QuerySet[Lane]:
    lanes = Lane.objects.filter(tenant_id__in=tenants, tenant__suspended_at=None)
    return lanes.annotate(oldest_due=first_due()).order_by("pk")


def _accounts_by_lane(tenants: Sequence[int]) -> Accounts:
    found: Accounts = {}
    for account in extensions.accounts_of(tenants):
        found.setdefault(account.lane_id, []).append(account)
    return found


def _named(accounts: Sequence[RemoteAccount]) -> str:
    """Connections of one licence share a lane; what reaches nobody outside has none."""
    return ", ".join(account.title for account in accounts) or _("The portal's own work")


def _page(accounts: Sequence[RemoteAccount], status: str) -> str:
    return accounts[0].url if accounts else f"{reverse('admin:portal_event_changelist')}?status={status}"


def _waiting(paused: Sequence[Lane]) -> dict[int, int]:
    condition, ranges = "e.lane_id = %s AND e.status = 'waiting'", [(lane.pk,) for lane in paused]
    groups = grouped(condition, "e.due_at", ranges, PAUSED_COUNTED + 1, by="lane_id")
    return {group.lane_id: group.number for group in groups}


def _paused(lane: Lane, account: RemoteAccount, waiting: int) -> Trouble:
    said = _("Paused since %(since)s. Events waiting: %(n)s; none is lost. Mend the cause, then resume.")
    return Trouble(
        Kind.PAUSED, f"paused:{account.url}", lane.tenant_id, lane.paused_at, account.title,
        told(lane.pause_reason) or _("Paused."),
        said % {"since": words.since(lane.paused_at), "n": words.counted(waiting, PAUSED_COUNTED)}, account.url,
        remedy=Remedy(_("Resume"), account.resume_url, Action.OPERATE, dialog=True),
    )  # fmt: skip


def _silent(lane: Lane, accounts: Sequence[RemoteAccount], now: datetime) -> Trouble:
    wrong = _("It has not answered since %(since)s: %(n)d calls failed, one after the other.")
    again = words.length((lane.not_before - now).total_seconds()) if lane.not_before > now else ""
    to_do = (
        _("The next try is in %(time)s. Look at its status page if it lasts; what waits is done once it is back.")
        % {"time": again}
        if again
        else _("It is tried again now. Look at its status page if it lasts; what waits is done once it is back.")
    )
    return Trouble(
        Kind.SILENT, f"silent:{lane.pk}", lane.tenant_id, lane.failing_since, _named(accounts),
        wrong % {"since": words.since(lane.failing_since or now), "n": lane.failures}, to_do,
        _page(accounts, "waiting"),
    )  # fmt: skip


def _late(lane: Lane, accounts: Sequence[RemoteAccount], pace: Pace | None, now: datetime) -> Trouble:
    oldest: datetime = lane.oldest_due  # type: ignore[attr-defined]
    minutes = max(1, round((now - oldest).total_seconds() / 60))
    waits = ngettext("The oldest event has waited %(n)d minute.", "The oldest event has waited %(n)d minutes.", minutes)
    page = _page(accounts, "waiting")
    if pace and pace.seconds_left is not None:
        return Trouble(
            Kind.BACKLOG, f"backlog:{lane.pk}", lane.tenant_id, oldest, _named(accounts), _end(pace),
            _("Nothing needs to be done: it goes on by itself."), page, tone=Tone.BUSY,
        )  # fmt: skip
    return Trouble(
        Kind.STUCK, f"stuck:{lane.pk}", lane.tenant_id, oldest, _named(accounts), waits % {"n": minutes},
        _("Is the other side slow? If it lasts, ask the administrator of this installation for another worker."),
        page, tone=Tone.WARN,
    )  # fmt: skip


def _end(pace: Pace) -> str:
    """“50 000 profiles to read, about 8 h at 100 a minute.”"""
    what = words.backlog(pace.kind, pace.waiting, words.counted(pace.waiting, COUNTED))
    end = {"time": words.length(pace.seconds_left or 0), "n": words.spaced(max(1, round(pace.per_minute)))}
    return f"{what}, {_('about %(time)s at %(n)s a minute.') % end}"


def _open_ones(tenants: Sequence[int], accounts: Accounts) -> Iterator[Trouble]:
    """Dead letters, and calls that may have been carried out, by remote account."""
    rows = Tenant.objects.filter(pk__in=tenants)
    for group in newest_of(Event.Status.FAILED, rows, OPEN_COUNTED, by="lane_id"):
        said = ngettext("%(n)s event failed for good, the last one at %(at)s.",
                        "%(n)s events failed for good, the last one at %(at)s.", group.number)  # fmt: skip
        to_do = _("Open one: its trace says why. Mend the cause, then replay them, one or all.")
        yield _open(Kind.FAILED, group, accounts.get(group.lane_id, []), said, to_do)
    for group in newest_of(Event.Status.UNCERTAIN, rows, OPEN_COUNTED, by="lane_id"):
        said = ngettext("%(n)s call may have been carried out or not, the last one at %(at)s.",
                        "%(n)s calls may have been carried out or not, the last one at %(at)s.",
                        group.number)  # fmt: skip
        to_do = _("Look at the other side whether it was, then replay it or leave it.")
        yield _open(Kind.UNCERTAIN, group, accounts.get(group.lane_id, []), said, to_do)


def _open(kind: Kind, group: Group, accounts: Sequence[RemoteAccount], said: str, to_do: str) -> Trouble:
    status = Event.Status.FAILED if kind is Kind.FAILED else Event.Status.UNCERTAIN
    page = f"{reverse('admin:portal_event_changelist')}?status={status.value}"
    shown = {"n": words.counted(group.number, OPEN_COUNTED - 1), "at": words.since(group.ended_at)}
    return Trouble(
        kind, f"{kind}:{group.lane_id}", group.tenant_id, group.ended_at, _named(accounts), said % shown, to_do, page,
        mark=group.newest, tone=Tone.WARN, remedy=Remedy(_("Show them"), page),
    )  # fmt: skip
