"""PASS: which passes a change touches. Content is computed from the database under the pass's lock, then stored."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from django.db.models import F
from django.utils import timezone

from passes import delivery
from passes.content import render
from passes.models import PassTemplate, UpdateCounter, WalletPass
from portal import ledger
from portal.ledger import Result, Work
from portal.models import Customer, Event

PASS_REFRESH = "pass.refresh"
_DESIGN = ("template__fields", "template__texts", "template__images")


def refresh_customer(work: Work) -> partial[Result]:
    """Handles `customer.changed`: gives the customer the passes that are due, and renews those that changed."""
    return partial(_refresh_customer, work.event)


def refresh_pass(work: Work) -> partial[Result]:
    """Handles `pass.refresh`: renews one pass, after its template changed."""
    return partial(_refresh_pass, work.event)


def _refresh_customer(event: Event) -> Result:
    customer = Customer.objects.get(pk=event.payload["customer"])
    created = [issue(template, customer, cause=event) for template in _templates_due(customer)]
    changed = [one for one in _locked_passes(customer=customer) if refresh(one, cause=event)]
    return _summary([one for one in created if one], changed)


def _refresh_pass(event: Event) -> Result:
    passes = _locked_passes(pk=event.payload["pass"])
    return _summary([], [one for one in passes if refresh(one, cause=event)])


def _summary(created: list[WalletPass], changed: list[WalletPass]) -> Result:
    said = []
    if created:
        said.append(f"Made {_names(created)}.")
    if changed:
        said.append(f"New content for {_names(changed)}.")
    return ledger.done(" ".join(said)) if said else ledger.ignored("No pass shows anything that changed.")


def _names(passes: list[WalletPass]) -> str:
    return ", ".join(f"“{one.template.name}”" for one in passes)


def _templates_due(customer: Customer) -> list[PassTemplate]:
    templates = PassTemplate.objects.for_tenant(customer.tenant_id)
    due = templates.filter(active=True, issue=PassTemplate.Issue.EVERY_CUSTOMER).exclude(passes__customer=customer)
    return list(due.prefetch_related("fields", "texts", "images"))


def issue(template: PassTemplate, customer: Customer, *, cause: Event) -> WalletPass | None:
    """Makes the customer's pass of a template; None when there is one already. Call it in a transaction."""
    made, new = WalletPass.objects.get_or_create(
        template=template, customer=customer, defaults={"tenant_id": customer.tenant_id}
    )
    if not new:
        return None
    refresh(made, cause=cause)
    return made


def _locked_passes(**which: object) -> list[WalletPass]:
    # In the order of their pass types, so that two refreshes never wait for each other's counters.
    passes = WalletPass.objects.select_for_update(of=("self",)).filter(**which)
    passes = passes.select_related("template__apple", "customer").prefetch_related(*_DESIGN)
    return list(passes.order_by("template__apple__pass_type_identifier", "pk"))


def refresh(wallet_pass: WalletPass, *, cause: Event) -> bool:
    """Stores new content and sends it on its way. Equal content is left alone: no push, no new Last-Modified."""
    content = render(wallet_pass.template, wallet_pass.customer.values, voided=wallet_pass.voided)
    if content.hash == wallet_pass.content_hash:
        return False
    wallet_pass.content, wallet_pass.content_hash = content.data, content.hash
    wallet_pass.changed_at = _next_change(wallet_pass.changed_at, timezone.now())
    wallet_pass.changed_by, wallet_pass.fetched_at = cause, None
    apple = wallet_pass.template.apple
    if apple:
        wallet_pass.update_tag = _next_tag(apple.pass_type_identifier)
    wallet_pass.save()
    delivery.deliver(wallet_pass, cause=cause)
    return True


def _next_change(previous: datetime | None, now: datetime) -> datetime:
    """A whole second, later than the previous change: If-Modified-Since would miss two changes within one second."""
    now = now.replace(microsecond=0)
    return max(now, previous + timedelta(seconds=1)) if previous else now


def _next_tag(pass_type_identifier: str) -> int:
    """The next update tag. The counter's row stays locked until commit, so no phone can skip a tag committed late."""
    UpdateCounter.objects.get_or_create(pass_type_identifier=pass_type_identifier)
    counter = UpdateCounter.objects.filter(pass_type_identifier=pass_type_identifier)
    counter.update(value=F("value") + 1)
    return counter.get().value


def refresh_all(template: PassTemplate, *, cause: Event, batch: int = 1000) -> int:
    """Publishes one `pass.refresh` per pass of the template. Returns how many."""
    lane_id = ledger.lane_id_for(template.tenant_id)
    keys = template.passes.order_by("pk").values_list("pk", flat=True)
    for key in keys.iterator(batch):
        ledger.publish(PASS_REFRESH, cause=cause, subject=f"pass:{key}", payload={"pass": key}, lane_id=lane_id)
    return keys.count()
