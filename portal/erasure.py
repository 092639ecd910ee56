"""ERASING a customer: everything personal goes from the portal's tables in one transaction. What stays is in
docs/retention.md.

The row stays as a tombstone without a person, because passes on phones point to it. Each storey registers in
`AppConfig.ready()` what it forgets; wallets hear of it through Events that the transaction publishes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import urlsplit

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext_noop

from portal import history, ledger
from portal.admin.extend import extensions, named_subjects
from portal.ledger import Result, Work
from portal.ledger.registry import registry
from portal.ledger.text import fitting_subject
from portal.models import Attempt, Change, Customer, Event, Identity
from portal.sentences import Sentence, joined, say, say_many

CUSTOMER_ERASE = "customer.erase"
ASKED = gettext_noop("Had this customer erased.")
ERASED = say("Erased.")
# Work on the customer that runs is waited for: ended here, it could still tell a vendor the old after the new.
WAIT = timedelta(seconds=1)

# Takes the tombstone, and the Event that what it publishes follows from. Says what went.
Step = Callable[[Customer, Event], Sentence]

# What a step would do, for whoever decides.
Preview = Callable[[Customer], Sentence]

_steps: dict[str, str] = {}
_previews: dict[str, str] = {}


def erases(name: str, step: str, *, preview: str = "") -> None:
    """Registers what a storey forgets of a customer: dotted names of a Step and, where there is one, a Preview."""
    _steps[name] = step
    if preview:
        _previews[name] = preview


def going(customer: Customer) -> list[Sentence]:
    """What an erasure would take, a sentence each."""
    own = [
        say_many("%(count)s value.", "%(count)s values.", count=len(customer.values)),
        say_many("%(count)s name in other systems.", "%(count)s names in other systems.",
                 count=customer.identities.count()),
        say_many("The contents of %(count)s event.", "The contents of %(count)s events.",
                 count=events_about(customer).count()),
    ]  # fmt: skip
    previews: list[Preview] = [import_string(each) for each in _previews.values()]
    return [*(preview(customer) for preview in previews), *own]


def erase(customer: Customer, by: AbstractBaseUser) -> None:
    """Asks for it: a worker does it. Part of the caller's transaction."""
    ledger.record(
        tenant_id=customer.tenant_id, lane_id=ledger.lane_id_for(customer.tenant_id), kind=CUSTOMER_ERASE,
        subject=f"customer:{customer.pk}", payload={"customer": customer.pk}, source="portal",
    )  # fmt: skip
    history.record(customer, by=by, kind=Change.Kind.DONE, sentence=ASKED)


def being_erased(customer: Customer) -> bool:
    asked = Event.objects.filter(tenant_id=customer.tenant_id, subject=f"customer:{customer.pk}", kind=CUSTOMER_ERASE)
    return asked.filter(status__in=Event.PENDING).exists()


def asked_by(customer: Customer) -> Change | None:
    """Who had an erased customer erased."""
    return history.of(customer).filter(sentence=ASKED).first()


def carry_out(work: Work) -> Result | partial[Result]:
    """Handles `customer.erase`."""
    return partial(_erase, work.event)


def _erase(event: Event) -> Result:
    found = Customer.objects.for_tenant(event.tenant_id).filter(pk=event.payload["customer"])
    customer = found.select_for_update().first()
    if customer is None:
        return ledger.ignored(say("The customer is no longer there."))
    about, now = events_about(customer).exclude(pk=event.pk), timezone.now()
    about.filter(status__in=(Event.Status.WAITING, *Event.UNRESOLVED)).update(
        status=Event.Status.IGNORED, finished_at=now
    )
    if about.filter(status=Event.Status.LEASED).exists():
        return ledger.later(say("Other work on this customer ends first."), now + WAIT)
    events, names = _forget_events(customer, about), customer.identities.count()
    _make_tombstone(customer, now)
    said = [import_string(step)(customer, event) for step in _steps.values()]
    return ledger.done(joined([ERASED, *said, _counted(events, names)]))


def _counted(events: int, names: int) -> Sentence:
    return joined([
        say_many("%(count)s name.", "%(count)s names.", count=names),
        say_many("%(count)s event without contents.", "%(count)s events without contents.", count=events),
    ])  # fmt: skip


def events_about(customer: Customer) -> QuerySet[Event]:
    """Those of the subjects on the customer's page, and of whoever subscribed to news about them."""
    subjects = _also_heard(extensions.subjects_of(customer))
    return Event.objects.filter(tenant_id=customer.tenant_id, subject__in=subjects)


def _also_heard(subjects: Iterable[str]) -> set[str]:
    """These, and as those who subscribed to news of them have them."""
    kinds = [kind for subscribers in registry.subscribers.values() for kind in subscribers]
    own = list(subjects)
    return {fitting_subject(each) for each in (*own, *(f"{kind}:{subject}" for kind in kinds for subject in own))}


def _forget_events(customer: Customer, about: QuerySet[Event]) -> int:
    """Returns how many. Subjects that hold a name become the tombstone's, so that its page shows them."""
    keys = list(about.order_by().values_list("pk", flat=True))
    _forget_calls(Attempt.objects.filter(event__in=keys))
    events = Event.objects.filter(pk__in=keys)
    events.update(payload={}, body_hash="", outcome=ERASED)
    events.filter(subject__in=_also_heard(named_subjects(customer))).update(subject=f"customer:{customer.pk}")
    return len(keys)


def _forget_calls(calls: Iterable[Attempt]) -> None:
    changed = []
    for call in calls:
        call.url, call.request_excerpt, call.response_excerpt, call.error = host_of(call.url), "", "", ""
        changed.append(call)
    Attempt.objects.bulk_update(changed, ["url", "request_excerpt", "response_excerpt", "error"], batch_size=500)


def host_of(url: str) -> str:
    """Without path and query, which name profiles and addresses."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/" if parts.netloc else ""


def _make_tombstone(customer: Customer, now: datetime) -> None:
    Identity.objects.filter(customer=customer).delete()
    customer.key, customer.language = f"erased-{customer.pk}", ""
    customer.values, customer.origins = {}, {}
    customer.changed_at = customer.synced_at = None
    customer.erased_at = now
    customer.save()
    history.forget(Customer, [customer.pk])
