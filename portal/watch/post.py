"""Tells people what is wrong: looks every minute, once over all workers, and sends each message once.

A mail is not idempotent. So what a message says is written to its person's row and committed before it is sent, by a
compare-and-set that one process wins; the row is settled after it. A message that the server refused is decided anew,
later; one whose end nobody saw is taken for sent, because it may have arrived. What changes after it is told all the
same. Mails are sent by a thread of the supervisor: neither in a transaction nor by the workers it watches.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import groupby
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connections, transaction
from django.db.models import Q
from django.utils import timezone, translation

from portal.accounts import mailbox_of
from portal.models import Membership, Tenant, Watcher
from portal.watch.digest import Memory, decide, is_lost, marks_of, next_try, wanted_by
from portal.watch.letter import Sent, letter, send
from portal.watch.trouble import Trouble, troubles_of

log = logging.getLogger(__name__)

_sender = ThreadPoolExecutor(max_workers=1, thread_name_prefix="watch")
_at_work = threading.Lock()
Troubles = Mapping[int | None, Sequence[Trouble]]  # by tenant; None: of the installation


@dataclass(frozen=True)
class Person:
    user: User
    tenant: Tenant | None
    role: str | None
    watcher: Watcher | None

    @property
    def language(self) -> str:
        chosen = self.watcher.language if self.watcher else ""
        return chosen or (self.tenant.language if self.tenant else settings.LANGUAGE_CODE)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.tenant.time_zone if self.tenant else settings.TIME_ZONE)


def look(tenants: Sequence[int]) -> None:
    """The periodic task: the sending begins once its turn is committed."""
    if settings.MAIL_SET_UP:
        transaction.on_commit(partial(_begin, list(tenants)))


def _begin(tenants: list[int]) -> None:
    _sender.submit(_tell_all, tenants)


def _tell_all(tenants: list[int]) -> None:
    if not _at_work.acquire(blocking=False):  # the one before talks to a slow mail server
        return
    try:
        tell_all(tenants)
    except Exception as error:
        log.error("watch=broken_off (%s)", type(error).__name__)
    finally:
        _at_work.release()
        connections.close_all()  # this thread's own


def tell_all(tenants: Sequence[int]) -> int:
    """Sends what is due to the people of these tenants and to superusers. Returns how many messages went out."""
    sent = 0
    people = sorted(_people(tenants), key=lambda each: each.language)
    for language, group in groupby(people, key=lambda each: each.language):
        with translation.override(language):
            troubles = _by_tenant(troubles_of(tenants))
            for person in group:
                if not threading.main_thread().is_alive():  # the process ends: others look in a minute
                    return sent
                sent += tell(person, troubles)
    return sent


def _by_tenant(found: Sequence[Trouble]) -> Troubles:
    by_tenant: dict[int | None, list[Trouble]] = {}
    for trouble in found:
        by_tenant.setdefault(trouble.tenant_id, []).append(trouble)
    return by_tenant


def _people(tenants: Sequence[int]) -> Iterator[Person]:
    watchers = {(row.user_id, row.tenant_id): row
                for row in Watcher.objects.filter(Q(tenant_id__in=tenants) | Q(tenant=None))}  # fmt: skip
    members = Membership.objects.filter(tenant_id__in=tenants, tenant__suspended_at=None, user__is_active=True)
    for each in members.select_related("user", "tenant").order_by("pk"):
        yield Person(each.user, each.tenant, each.role, watchers.get((each.user_id, each.tenant_id)))
    for user in User.objects.filter(is_superuser=True, is_active=True).order_by("pk"):
        yield Person(user, None, None, watchers.get((user.pk, None)))


def tell(person: Person, troubles: Troubles) -> bool:
    """Whether a message went out. Everything is decided by the row as it was read, and nothing done if it changed."""
    watcher, now = person.watcher, timezone.now()
    if watcher and watcher.sending_at:
        if is_lost(watcher.sending_at, now):
            log.warning("watch=unknown_end watcher=%s", watcher.pk)
            _settle(watcher, watcher.sending_at)
        return False
    if "@" not in mailbox_of(person.user) or (watcher and watcher.not_before and watcher.not_before > now):
        return False
    found = troubles.get(person.tenant.pk if person.tenant else None, [])
    memory = _memory(watcher)
    wanted = wanted_by(person.role, watcher.wanted if watcher else "")
    seen, digest = decide(memory, marks_of(found), wanted, now, person.zone)
    if watcher is None:
        if not seen:
            return False
        watcher, _made = Watcher.objects.get_or_create(user=person.user, tenant=person.tenant)
    if digest is None:
        if dict(seen) != watcher.seen:
            _change(watcher, seen=dict(seen))
        return False
    told = {"told": dict(digest.told), "alarm": not digest.all_is_well}
    if not _change(watcher, seen=dict(seen), sending=told, sending_at=now):
        return False
    with timezone.override(person.zone):
        return _send(person, watcher, *letter(person.tenant, found, digest))


def _send(person: Person, watcher: Watcher, subject: str, body: str) -> bool:
    ended = send(subject, body, mailbox_of(person.user))
    now = timezone.now()
    if ended is Sent.NO:
        tries = watcher.tries + 1
        log.error("watch=not_sent watcher=%s try=%s", watcher.pk, tries)
        _change(watcher, sending=None, sending_at=None, tries=tries, not_before=next_try(tries, now))
        return False
    if ended is Sent.PERHAPS:
        log.warning("watch=unknown_end watcher=%s", watcher.pk)
    _settle(watcher, now)
    log.info("watch=told watcher=%s", watcher.pk)
    return True


def _memory(watcher: Watcher | None) -> Memory:
    return Memory(watcher.told, watcher.seen, watcher.told_at, watcher.alarmed_at) if watcher else Memory()


def _settle(watcher: Watcher, at: datetime) -> None:
    """Takes what was being sent for told."""
    going = watcher.sending or {}
    told = going.get("told", {})
    left = {key: since for key, since in watcher.seen.items() if _is_left(key, told, watcher.told)}
    alarmed_at = at if going.get("alarm") else None
    _change(watcher, told=told, told_at=at, alarmed_at=alarmed_at, seen=left, sending=None, sending_at=None, tries=0,
            not_before=None)  # fmt: skip


def _is_left(key: str, told: Mapping[str, int], before: Mapping[str, int]) -> bool:
    """Whether a change that was seen is still untold: nothing of it stands in the message."""
    return told.get(key) == before.get(key)


def _change(watcher: Watcher, **columns: object) -> bool:
    """False when somebody else changed the row since it was read."""
    rows = Watcher.objects.filter(pk=watcher.pk, turn=watcher.turn)
    if not rows.update(turn=watcher.turn + 1, **columns):
        return False
    watcher.turn += 1
    for name, value in columns.items():
        setattr(watcher, name, value)
    return True
