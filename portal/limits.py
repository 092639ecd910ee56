"""How often somebody may try to sign in: the handler that django-axes asks before and after each try.

Three limits, each over its own time. All count names that exist and names that do not alike.

- One name from one address: 5 failures, then 15 minutes without a try.
- One address, whatever the names (one password tried on many people): 50 failures an hour.
- One name, from whatever addresses: 50 failures an hour. It does not hold where that person signed in lately, so that
  strangers who use it up do not lock a colleague out of their own office.

A try is written down before its password is looked at and taken back when it was right, so tries that come all at once
do not slip through together. What is refused is not counted: a lock ends on time, however often somebody knocks.
"""

from __future__ import annotations

import hashlib
import ipaddress
import logging
import math
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from axes.handlers.base import AxesHandler
from axes.models import AccessFailureLog, AccessLog
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

log = logging.getLogger(__name__)

PAIR_FAILURES, PAIR_TIME = 5, timedelta(minutes=15)
HOURLY_FAILURES, HOUR = 50, timedelta(hours=1)
MAILS_PER_NAME, MAILS_PER_ADDRESS = 3, 20  # links to a new password that may be asked for within an hour
# Invitations that go to one person from one team, and those that one person sends. Counted by team, so that nobody
# learns from a refusal where else somebody was invited.
INVITATION_PAUSE, INVITATIONS_TO_ONE, INVITATIONS_BY_ONE = timedelta(minutes=10), 3, 30
# Mails with a link to a card that strangers may ask for within an hour: to one mailbox, from one address (the guests of
# a shop share one), and of one template.
CARDS_TO_ONE, CARDS_FROM_ONE, CARDS_IN_ALL = 3, 100, 1000
KNOWN_ADDRESS = timedelta(days=30)
KEPT = timedelta(days=1)
NAME_LENGTH = 150
ASKED_FOR_MAIL = "mail"  # what the rows of those say instead of a path
INVITED, INVITING = "invited", "inviting"
ASKED_FOR_CARD, CARDS_ASKED_FOR = "card", "cards"


def plain_name(name: Any) -> str:
    """A sign-in name as it is compared: case, and different ways to write one letter, make no difference."""
    return unicodedata.normalize("NFKC", str(name or "")).casefold().strip()[:NAME_LENGTH]


def address_of(request: HttpRequest) -> str | None:
    """Whom a request came from. What X-Forwarded-For says counts only as far as our own proxies wrote it."""
    told = [each.strip() for each in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    proxies = settings.PROXY_COUNT
    if proxies and len(told) >= proxies and (found := _address(told[-proxies])):
        return found
    return _address(request.META.get("REMOTE_ADDR", ""))


def _address(text: str) -> str | None:
    """One IPv6 customer has a whole /64, so that counts as one address."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0].strip("[]"))
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False).network_address)


class SignInLimits(AxesHandler):  # type: ignore[misc] # axes has no types
    """AXES_HANDLER. Rows: one AccessFailureLog per try, one AccessLog per success."""

    def is_locked(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> bool:
        name, address, now = _name(credentials), request.axes_ip_address, timezone.now()  # type: ignore[attr-defined]
        tried = _note(name, address, "sign-in")
        others = _tries("sign-in").exclude(pk=tried.pk)
        ends = max(filter(None, _locks(others, name, address, now)), default=None)
        if ends is None:
            request.portal_try = tried  # type: ignore[attr-defined]
            return False
        tried.delete()
        request.axes_locked_out = True  # type: ignore[attr-defined]
        request.portal_locked_until = ends  # type: ignore[attr-defined]
        log.warning("A sign-in was refused: too many failures before it.")
        return True

    def user_login_failed(
        self, sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any
    ) -> None:
        """The try stays as it was written down."""
        if request is not None:
            request.axes_credentials = credentials  # type: ignore[attr-defined]
            tidy()

    def user_logged_in(self, sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
        """Ends the counting for this person here. The address's other failures stay: one good account among many
        stolen names must not wipe them out."""
        name, address = plain_name(user.get_username()), request.axes_ip_address  # type: ignore[attr-defined]
        _tries("sign-in").filter(username=name, ip_address=address).delete()
        AccessLog.objects.filter(username=name, ip_address=address).delete()
        AccessLog.objects.create(username=name, ip_address=address)
        tidy()

    def reset_attempts(
        self, *, ip_address: str | None = None, username: str | None = None, ip_or_username: bool = False
    ) -> int:
        """For axes' commands: `manage.py axes_reset_username NAME`."""
        wanted = [Q(ip_address=_address(ip_address))] if ip_address else []
        wanted += [Q(username=plain_name(username))] if username else []
        chosen = Q()
        for each in wanted:
            chosen = chosen | each if ip_or_username else chosen & each
        count, _rows = AccessFailureLog.objects.filter(chosen).delete()
        return int(count)


def _name(credentials: dict[str, Any] | None) -> str:
    return plain_name((credentials or {}).get("username"))


def _tries(what: str) -> QuerySet[Any]:
    found: QuerySet[Any] = AccessFailureLog.objects.filter(path_info=what)
    return found


def _note(name: str, address: str | None, what: str) -> Any:
    return AccessFailureLog.objects.create(username=name, ip_address=address, path_info=what)


def _locks(tries: QuerySet[Any], name: str, address: str | None, now: datetime) -> list[datetime | None]:
    """Until when each of the limits holds; None where it does not."""
    mine = tries.filter(username=name, ip_address=address)
    ends = [_pair_lock(_newest(mine, PAIR_FAILURES), now), _hour_lock(tries.filter(ip_address=address), now)]
    known = AccessLog.objects.filter(username=name, ip_address=address, attempt_time__gt=now - KNOWN_ADDRESS)
    if (by_name := _hour_lock(tries.filter(username=name), now)) and not known.exists():
        ends.append(by_name)
    return ends


def _newest(tries: QuerySet[Any], count: int) -> list[datetime]:
    return list(tries.order_by("-attempt_time").values_list("attempt_time", flat=True)[:count])


def _pair_lock(times: list[datetime], now: datetime) -> datetime | None:
    """Five failures close together lock for the whole time after the fifth."""
    if len(times) < PAIR_FAILURES or times[0] - times[-1] > PAIR_TIME or times[0] + PAIR_TIME <= now:
        return None
    return times[0] + PAIR_TIME


def _hour_lock(tries: QuerySet[Any], now: datetime) -> datetime | None:
    times = _newest(tries.filter(attempt_time__gt=now - HOUR), HOURLY_FAILURES)
    return times[-1] + HOUR if len(times) == HOURLY_FAILURES else None


def may_mail(request: HttpRequest, name: str) -> bool:
    """Whether a link to a new password may be sent once more; the asking is written down."""
    name, address, since = plain_name(name), address_of(request), timezone.now() - HOUR
    lately = _tries(ASKED_FOR_MAIL).filter(attempt_time__gt=since)
    allowed = (
        lately.filter(username=name).count() < MAILS_PER_NAME
        and lately.filter(ip_address=address).count() < MAILS_PER_ADDRESS
    )
    if allowed:
        _note(name, address, ASKED_FOR_MAIL)
    return allowed


class Asked(StrEnum):
    """What becomes of a stranger's wish for a card by mail."""

    SEND = "send"
    SILENT = "silent"  # that mailbox has had enough, which nobody else is to learn
    TOO_MANY = "too many"


def asked_for_card(request: HttpRequest, what: str, mailbox: str) -> Asked:
    """Notes the wish, where it counts. The mailbox is kept as a fingerprint only, until a day has passed."""
    tidy()
    address, since = address_of(request), timezone.now() - HOUR
    name = hashlib.sha256(f"{what} {plain_name(mailbox)}".encode()).hexdigest()
    of_one, of_all = (_tries(kind).filter(attempt_time__gt=since) for kind in (ASKED_FOR_CARD, CARDS_ASKED_FOR))
    if (
        of_one.filter(ip_address=address).count() >= CARDS_FROM_ONE
        or of_all.filter(username=what).count() >= CARDS_IN_ALL
    ):
        return Asked.TOO_MANY
    enough = of_one.filter(username=name).count() >= CARDS_TO_ONE
    _note(name, address, ASKED_FOR_CARD)
    if enough:
        return Asked.SILENT
    _note(what, None, CARDS_ASKED_FOR)
    return Asked.SEND


class TooMany(Exception):
    """Too many messages; it says what to do."""


@contextmanager
def one_invitation(by: str, tenant_id: int, to: str) -> Iterator[None]:
    """Around sending an invitation. Raises TooMany; what is not sent, because the block raises, does not count."""
    noted = [_note(f"{tenant_id} {plain_name(to)}", None, INVITED), _note(plain_name(by), None, INVITING)]
    try:
        _check_invitations(*noted)
        yield
    except Exception:
        for row in noted:
            row.delete()
        raise


def _check_invitations(invited: Any, inviting: Any) -> None:
    """Of several that were written down at once, the first one goes out."""
    since = timezone.now() - HOUR
    earlier, sent = (
        _tries(row.path_info).filter(username=row.username, attempt_time__gt=since, pk__lt=row.pk)
        for row in (invited, inviting)
    )
    if earlier.filter(attempt_time__gt=timezone.now() - INVITATION_PAUSE).exists():
        raise TooMany(_("They have got a message within ten minutes, so none was sent now."))
    if earlier.count() >= INVITATIONS_TO_ONE:
        raise TooMany(_("They have got three messages within the hour, so none was sent now."))
    if sent.count() >= INVITATIONS_BY_ONE:
        raise TooMany(_("You have sent many invitations within the hour, so none was sent now. Send it again later."))


def forgive(name: str) -> None:
    """Whoever has just set a new password through their mailbox need not wait."""
    _tries("sign-in").filter(username=plain_name(name)).delete()


def tidy() -> None:
    """Rows that no limit asks for any more, and sessions that are over, go with the next sign-in."""
    now = timezone.now()
    AccessFailureLog.objects.filter(attempt_time__lt=now - KEPT).delete()
    AccessLog.objects.filter(attempt_time__lt=now - KNOWN_ADDRESS).delete()
    Session.objects.filter(expire_date__lt=now).delete()


def sentence(request: HttpRequest) -> str:
    """What the sign-in page says to somebody who is locked."""
    until: datetime = request.portal_locked_until  # type: ignore[attr-defined]
    minutes = max(1, math.ceil((until - timezone.now()).total_seconds() / 60))
    wait = ngettext("Wait a minute, then try again.", "Wait %(count)d minutes, then try again.", minutes)
    return " ".join([_("Too many attempts to sign in."), wait % {"count": minutes}])


def locked_response(request: HttpRequest, response: HttpResponse, credentials: Any = None) -> HttpResponse:
    """AXES_LOCKOUT_CALLABLE: the sign-in page itself, which says why and for how long."""
    until: datetime = request.portal_locked_until  # type: ignore[attr-defined]
    response.status_code = 429
    response["Retry-After"] = str(max(1, math.ceil((until - timezone.now()).total_seconds())))
    return response
