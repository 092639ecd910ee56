"""PASS: which passes a change touches. Content is computed from the database under the pass's lock, then stored."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from passes import delivery
from passes.conditions import matches
from passes.content import Content, ContentError, content_hash, render, render_empty
from passes.design import design_of
from passes.happenings import issued
from passes.hush import hushed
from passes.models import PassTemplate, UpdateCounter, WalletPass
from passes.values import Held, shown
from portal import ledger
from portal.ledger import Result, Work
from portal.models import Customer, Event
from portal.sentences import Sentence, joined, say

PASS_REFRESH, PASS_DUE = "pass.refresh", "pass.due"
# When passes are made without anybody asking.
BY_ITSELF = (PassTemplate.Issue.EVERY_CUSTOMER, PassTemplate.Issue.CONDITION)
_CHANGING = ("content", "content_hash", "changed_at", "changed_by", "update_tag", "fetched_at", "untold", "voided")


def refresh_customer(work: Work) -> partial[Result]:
    """Handles `customer.changed`: gives the customer the passes that are due, and renews those that changed."""
    return partial(_refresh_customer, work.event)


def refresh_pass(work: Work) -> partial[Result]:
    """Handles `pass.refresh`: renews one pass, after its template changed; `silent`: without a line on phones."""
    return partial(_refresh_pass, work.event)


def _refresh_customer(event: Event) -> Result:
    passes = locked_passes(event.tenant_id, customer=event.payload["customer"])
    customer = Customer.objects.for_tenant(event.tenant_id).filter(pk=event.payload["customer"]).first()
    if customer is None:
        return ledger.ignored(say("The customer is no longer there."))
    due = [_new_pass(template, customer) for template in _templates_due(customer)]
    return _renew([*passes, *due], event)


def _refresh_pass(event: Event) -> Result:
    passes = locked_passes(event.tenant_id, pk=event.payload["pass"])
    return _renew(passes, event, silent=bool(event.payload.get("silent")))


def _renew(passes: Iterable[WalletPass], cause: Event, *, silent: bool = False) -> Result:
    """Renews each pass on its own: a template that cannot be worked out does not hold up the customer's others."""
    told = _Told()
    for one in sorted(passes, key=pass_type_of):
        new = one._state.adding
        try:
            with transaction.atomic():
                changed = refresh(one, cause=cause, silent=silent)
        except ContentError as error:
            told.kept.append(_kept(one, new, error))
        except IntegrityError:
            if not new:
                raise
            # It was made meanwhile, from the same values or newer ones.
        else:
            if changed:
                (told.made if new else told.changed).append(str(one.template))
    return told.result()


def _kept(wallet_pass: WalletPass, new: bool, error: ContentError) -> Sentence:
    named = {"template": wallet_pass.template, "reason": error.sentence}
    if new:
        return say("%(template)s was not made: %(reason)s", **named)
    return say("%(template)s keeps its old content: %(reason)s", **named)


@dataclass
class _Told:
    """What became of the passes, by the names of their templates; `kept` are sentences."""

    made: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    kept: list[Sentence] = field(default_factory=list)

    def result(self) -> Result:
        """Failed when a pass could not be renewed: trying again cannot help, mending the template and a replay do."""
        made = say("Made %(templates)s.", templates=sorted(self.made)) if self.made else Sentence()
        new = say("New content for %(templates)s.", templates=sorted(self.changed)) if self.changed else Sentence()
        said = joined([made, new, *self.kept])
        if self.kept:
            return Result(Event.Status.FAILED, said)
        return ledger.done(said) if said else ledger.ignored(say("No pass shows anything that changed."))


def _templates_due(customer: Customer) -> list[PassTemplate]:
    templates = PassTemplate.objects.for_tenant(customer.tenant_id).select_related("apple")
    due = templates.filter(active=True, issue__in=BY_ITSELF, published__isnull=False)
    return [template for template in due.exclude(passes__customer=customer) if suits(template, customer)]


def suits(template: PassTemplate, customer: Customer) -> bool:
    """Whether the customer matches the published conditions, where the template has any."""
    asks = template.issue == PassTemplate.Issue.CONDITION
    return not asks or matches((template.published or {}).get("conditions", {}), customer.values)


def _new_pass(template: PassTemplate, customer: Customer) -> WalletPass:
    if template.tenant_id != customer.tenant_id:
        raise ValueError("The template and the customer belong to different tenants.")
    return WalletPass(tenant_id=customer.tenant_id, template=template, customer=customer)


def issue(template: PassTemplate, customer: Customer, *, cause: Event) -> WalletPass | None:
    """Makes the customer's pass of a template; None when there is one already. Call it in a transaction.

    Raises ContentError when the template makes no content for this customer.
    """
    made = _new_pass(template, customer)
    if template.passes.filter(customer=customer).exists():
        return None
    try:
        with transaction.atomic():
            refresh(made, cause=cause)
    except IntegrityError:
        return None
    return made


def locked_passes(tenant_id: int, **which: object) -> list[WalletPass]:
    """Locked first and read in a second statement: one that waits for a lock would see the values of before.

    The lock leaves phones free to register meanwhile, whose rows only point to the pass.
    """
    passes = WalletPass.objects.for_tenant(tenant_id)
    keys = list(passes.select_for_update(no_key=True).filter(**which).order_by("pk").values_list("pk", flat=True))
    found = passes.filter(pk__in=keys).select_related("template__apple", "customer")
    return list(found)


def pass_type_of(wallet_pass: WalletPass) -> tuple[str, int]:
    """The order in which several passes are refreshed, so that no two refreshes wait for each other's counters."""
    apple = wallet_pass.template.apple
    return (apple.pass_type_identifier if apple else "", wallet_pass.template_id)


def refresh(wallet_pass: WalletPass, *, cause: Event, silent: bool = False) -> bool:
    """Stores new content and sends it on its way. Equal content is left alone: no push, no new Last-Modified.

    `silent`: phones show the change without a line on the lock screen. Raises ContentError, and changes nothing, when
    the template makes no content for this customer.
    """
    content, untold = _next_content(wallet_pass, silent=silent)
    if content.hash == wallet_pass.content_hash:
        return False
    wallet_pass.content, wallet_pass.content_hash, wallet_pass.untold = content.data, content.hash, untold
    wallet_pass.changed_at = _next_change(wallet_pass.changed_at, timezone.now())
    wallet_pass.changed_by, wallet_pass.fetched_at = cause, None
    apple = wallet_pass.template.apple
    if apple:
        wallet_pass.update_tag = next_tag(apple.pass_type_identifier)
    if wallet_pass._state.adding:
        wallet_pass.save(force_insert=True)
        _check_not_erased(wallet_pass)
        issued(wallet_pass, cause)
        return True  # nobody can hold a pass that was not there before
    wallet_pass.save(update_fields=_CHANGING)
    delivery.deliver(wallet_pass, cause=cause)
    return True


def _check_not_erased(wallet_pass: WalletPass) -> None:
    """Asked once the row is there: it points to the customer's, so an erasure came before it or waits for it."""
    if not Customer.objects.filter(pk=wallet_pass.customer_id).exists():
        raise ContentError(say("The customer was erased."))


def _next_content(wallet_pass: WalletPass, *, silent: bool) -> tuple[Content, list[str]]:
    """The new content with what is not to be announced, and what its owner has not heard of."""
    new, before = content_of(wallet_pass), wallet_pass.content
    untold = wallet_pass.untold if wallet_pass.untold and not wallet_pass.fetched_at else []
    quiet = wallet_pass.template.quiet
    if quiet and before and wallet_pass.update_tag < quiet["tag"]:
        # The design changes silently; the customer's values may have changed aloud since.
        with suppress(ContentError):
            values_alone = render(quiet["before"], values_of(wallet_pass), voided=wallet_pass.voided)
            before, untold = hushed(before, values_alone.data, untold, silent=silent)
        silent = True
    data, untold = hushed(before, new.data, untold, silent=silent)
    return Content(data, content_hash(data)), untold


def content_of(wallet_pass: WalletPass) -> Content:
    try:
        template = wallet_pass.template
        # A pass made by hand before the first publication shows the saved design.
        design = template.published or design_of(template)
        if wallet_pass.customer.erased_at:
            return render_empty(design)
        return render(design, values_of(wallet_pass), voided=wallet_pass.voided)
    except ContentError:
        # Whether a card is valid must not hang on its template: what it shows stays, the word “void” comes or goes.
        if not wallet_pass.content or wallet_pass.content.get("voided") == wallet_pass.voided:
            raise
        data = {**wallet_pass.content, "voided": wallet_pass.voided}
        return Content(data, content_hash(data))


def values_of(wallet_pass: WalletPass) -> dict[str, Any]:
    """What the pass is worked out from: its customer's values, and its own where they are newer."""
    customer = wallet_pass.customer
    return shown(Held(customer.values, customer.origins), Held(wallet_pass.values, wallet_pass.origins))


def _next_change(previous: datetime | None, now: datetime) -> datetime:
    """A whole second, later than the previous change: If-Modified-Since would miss two changes within one second."""
    now = now.replace(microsecond=0)
    return max(now, previous.replace(microsecond=0) + timedelta(seconds=1)) if previous else now


def next_tag(pass_type_identifier: str) -> int:
    """The next update tag. The counter's row stays locked until commit, so no phone can skip a tag committed late."""
    counter = UpdateCounter.objects.filter(pass_type_identifier=pass_type_identifier)
    if not counter.update(value=F("value") + 1):
        UpdateCounter.objects.get_or_create(pass_type_identifier=pass_type_identifier)
        counter.update(value=F("value") + 1)
    return counter.get().value
