"""Wallet news back to Actito: what the portal knows of a customer's wallets, kept in attributes of the profile.

News of passes leads to one coalescing Event per profile. Inside its lease the present state is read and compared with
what was written last; only a difference is written. So however much happens, the last state wins with few calls, and
what comes back of it finds nothing to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Exists, F, OuterRef, QuerySet

from integrations.actito.models import ActitoConnection, WalletNews, connections_of
from integrations.actito.naming import named, named_by
from integrations.actito.writeback import alike, send, written
from passes.issuing import Way, refusal
from passes.links import link, link_to_get
from passes.models import PassTemplate, WalletPass
from passes.wallets import APPLE, GOOGLE, WalletState, WalletStatus, state_of
from portal import jobs, ledger
from portal.http import ApiError
from portal.jobs import Row
from portal.ledger import Result, Work
from portal.ledger.failure import Decision
from portal.models import Customer, Event, Identity, Job
from portal.sentences import joined, say, say_many

ACTITO_WALLET, TELLING = "actito.wallet", "actito.telling"
# So many profiles refused one after the other: then it is the table or the key, not the profile.
REFUSALS_MOST = 3


# News of passes


def wanted(tenant_id: int) -> bool:
    """Whether news of passes are of any use to a connection of the tenant."""
    return WalletNews.objects.for_tenant(tenant_id).filter(active=True, stopped="").exists()


def tell(work: Work) -> Result | partial[Result]:
    """Handles news of passes: has each connection that knows the customer write what became of the wallets."""
    return partial(_tell, work.event)


def _tell(event: Event) -> Result:
    passes = WalletPass.objects.for_tenant(event.tenant_id).select_related("customer")
    wallet_pass = passes.filter(pk=event.payload["pass"]).first()
    if wallet_pass is None:
        return ledger.ignored(say("The pass is no longer there."))
    told = publish(wallet_pass.customer, cause=event)
    if not told:
        return ledger.ignored(say("No connection that writes wallet news knows the customer."))
    return ledger.done(say_many("For %(count)s profile.", "For %(count)s profiles.", count=told))


def publish(customer: Customer, *, cause: Event) -> int:
    """Has the profiles of the customer renewed. Returns how many. Part of the effects of `cause`."""
    connections = ActitoConnection.objects.for_tenant(customer.tenant_id)
    active = connections.filter(wallet_news__active=True, wallet_news__stopped="")
    known = [(each, name) for each in active if (name := named(each, customer))]
    for connection, name in known:
        payload = _payload(connection, customer.pk, name.profile)
        ledger.publish(ACTITO_WALLET, cause=cause, subject=name.subject, payload=payload, lane_id=connection.lane_id)
    return len(known)


def _payload(connection: ActitoConnection, customer_id: int, profile: str) -> dict[str, Any]:
    return {"connection": connection.pk, "customer": customer_id, "profile": profile}


# Writing


def write_wallet(work: Work) -> Result | partial[Result]:
    """Handles `actito.wallet`."""
    event = work.event
    connection = connections_of(event).select_related("wallet_news__template", "tenant").first()
    settings = getattr(connection, "wallet_news", None)
    if connection is None or settings is None or not settings.active:
        return ledger.ignored(say("Wallet news is not written to Actito any more."))
    if settings.stopped:
        return ledger.ignored(joined([say("Wallet news is stopped."), settings.stopped]))
    customer = Customer.objects.for_tenant(event.tenant_id).filter(pk=event.payload["customer"]).first()
    if customer is None:
        return ledger.ignored(say("The customer is no longer there."))
    due = _due(connection, settings, customer)
    if not due:
        return ledger.ignored(say("Actito has this already."))
    try:
        ended = send(work, connection, customer, event.payload["profile"], due)
    except ApiError as error:
        if error.decision is not Decision.DEAD:
            raise
        return partial(_refused, settings, error)
    return partial(_accepted, settings, ended)


def _due(connection: ActitoConnection, settings: WalletNews, customer: Customer) -> dict[str, Any]:
    """The attributes that differ from what was written last. Of somebody without any pass there is nothing to tell."""
    values = values_of(settings, customer)
    before = written(connection, customer)
    known = {name: each["value"] for name, each in before.attributes.items() if name in values} if before else {}
    if not known and all(value in {None, WalletStatus.NONE} for value in values.values()):
        return {}
    return {name: value for name, value in values.items() if name not in known or not alike(known[name], value)}


def values_of(settings: WalletNews, customer: Customer) -> dict[str, Any]:
    """Attribute -> value, of those that are named. Read at this moment."""
    state = state_of(customer)
    zone = ZoneInfo(settings.connection.tenant.time_zone)
    found = {
        settings.status: state.status,
        settings.apple_since: _moment(state.since.get(APPLE), settings, zone),
        settings.google_since: _moment(state.since.get(GOOGLE), settings, zone),
        **_last(settings, state, zone),
        settings.link: _link(settings, customer),
    }
    return {name: value for name, value in found.items() if name}


def _last(settings: WalletNews, state: WalletState, zone: ZoneInfo) -> dict[str, Any]:
    """What happened too long ago to be known stays as Actito has it."""
    if state.at is None:
        return {}
    return {settings.changed_at: _moment(state.at, settings, zone), settings.event: state.event}


def _moment(at: datetime | None, settings: WalletNews, zone: ZoneInfo) -> str | None:
    """In the tenant's zone, to the second: marketers read it."""
    if at is None:
        return None
    local = at.astimezone(zone).replace(microsecond=0)
    match settings.date_form:
        case WalletNews.DateForm.ISO:
            return local.isoformat()
        case WalletNews.DateForm.DAY:
            return f"{local:%d/%m/%Y}"
    return f"{local:%Y-%m-%d %H:%M:%S}"


def _link(settings: WalletNews, customer: Customer) -> str | None:
    """Of the newest valid pass, or of the chosen template's; of one that is made when its link is opened, that link."""
    passes = WalletPass.objects.filter(customer=customer, voided=False).select_related("template").defer("content")
    template = settings.template
    held = passes.filter(template=template) if template else passes
    if newest := held.order_by("-pk").first():
        return link(newest)
    return _offer(template, customer) if template and template.issue == PassTemplate.Issue.LINK else None


def _offer(template: PassTemplate, customer: Customer) -> str | None:
    """The link that makes the pass; none for whom it makes none, or whose pass is void."""
    has_one = WalletPass.objects.filter(customer=customer, template=template).exists()
    return None if has_one or refusal(template, customer, Way.LINK) else link_to_get(template, customer)


def _refused(settings: WalletNews, error: ApiError) -> Result:
    """A key without the right stops it at once; values that are not taken do when several profiles refuse them."""
    rows = WalletNews.objects.filter(pk=settings.pk)
    rows.update(refusals=F("refusals") + 1)
    stops = error.status == 403 or rows.filter(refusals__gte=REFUSALS_MOST).exists()
    if stops:
        rows.filter(stopped="").update(stopped=error.sentence)
    said = say("Wallet news is stopped until somebody switches it on again.") if stops else ""
    return Result(Event.Status.FAILED, joined([error.sentence, said]))


def _accepted(settings: WalletNews, ended: partial[Result]) -> Result:
    WalletNews.objects.filter(pk=settings.pk, refusals__gt=0).update(refusals=0)
    return ended()


# Those who are there already


def prepared(connection: ActitoConnection, rate: int = 0) -> Job:
    """The job, counted and not started."""
    title = say("Write the wallet news of %(connection)s", connection=connection)
    payload = {"connection": connection.pk}
    return jobs.prepared(TELLING, tenant_id=connection.tenant_id, payload=payload, title=title, rate=rate)


class Telling:
    """The rows: an `actito.wallet` for each profile, by its id."""

    def count(self, job: Job) -> int:
        connection = connections_of(job).first()
        return _profiles(connection).count() if connection else 0

    def rows(self, job: Job, after: Any, limit: int) -> Sequence[Row]:
        connection = connections_of(job).first()
        if connection is None:
            return []
        found = _profiles(connection).filter(value__gt=after or "").order_by("value")[:limit]
        return [_row(connection, identity) for identity in found]

    def lane_id(self, job: Job) -> int | None:
        connection = connections_of(job).first()
        return connection.lane_id if connection else None


def _row(connection: ActitoConnection, identity: Identity) -> Row:
    name = named_by(connection, identity)
    payload = _payload(connection, identity.customer_id, name.profile)
    return Row(identity.value, ACTITO_WALLET, name.subject, payload, connection.lane_id)


def _profiles(connection: ActitoConnection) -> QuerySet[Identity]:
    """Who has a pass; everybody, where a template makes passes for whoever opens a link."""
    found = connection.profiles().filter(gone_at=None)
    settings = WalletNews.objects.filter(connection=connection).select_related("template").first()
    if settings and settings.template and settings.link and settings.template.issue == PassTemplate.Issue.LINK:
        return found
    return found.filter(Exists(WalletPass.objects.filter(customer=OuterRef("customer"))))
