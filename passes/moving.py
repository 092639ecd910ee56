"""Moving a pass to another template: the card on the phone stays and changes its design. Part of a transaction."""

from __future__ import annotations

from django.db.models import QuerySet

from passes.happenings import subject_of
from passes.models import PassTemplate, WalletPass
from passes.refresh import refresh
from portal import ledger
from portal.sentences import Explained, Sentence, say

PASS_MOVED = "pass.moved"


class CannotMove(Explained, ValueError):
    """The pass stays with its template."""


def templates_for(wallet_pass: WalletPass) -> QuerySet[PassTemplate]:
    """Where the pass may go. Apple never changes the type of a pass on a phone, so both templates must share it."""
    templates = PassTemplate.objects.for_tenant(wallet_pass.tenant_id).filter(active=True, published__isnull=False)
    apple = wallet_pass.template.apple_id
    found: QuerySet[PassTemplate] = templates.filter(apple=apple) if apple else templates.filter(apple=None)
    return found.exclude(passes__customer=wallet_pass.customer_id).select_related("apple")


def reason_against(wallet_pass: WalletPass, template: PassTemplate) -> Sentence:
    """Why the pass cannot move there; empty when it can."""
    if not template.published:
        return say("“%(template)s” is not published, so no pass moves there.", template=template)
    if not template.active:
        return say("“%(template)s” is not active, so no pass moves there.", template=template)
    if template.apple_id != wallet_pass.template.apple_id:
        return say("“%(template)s” has another Apple certificate, so a pass cannot move there.", template=template)
    if WalletPass.objects.filter(template=template, customer_id=wallet_pass.customer_id).exists():
        return say("The customer has a pass of “%(template)s” already.", template=template)
    return Sentence()


def move(wallet_pass: WalletPass, template: PassTemplate, said: Sentence) -> None:
    """Takes a locked pass. Raises CannotMove, and ContentError when the template makes no content for the customer.

    At Google the card may become another object, which its owner adds anew: passes.google.delivery.
    """
    if reason := reason_against(wallet_pass, template):
        raise CannotMove(reason)
    noted = ledger.news(
        PASS_MOVED, tenant_id=wallet_pass.tenant_id, subject=subject_of(wallet_pass.pk), result=ledger.done(said),
        payload={"pass": wallet_pass.pk, "customer": wallet_pass.customer_id},
    )  # fmt: skip
    wallet_pass.template = template
    wallet_pass.save(update_fields=["template"])
    refresh(wallet_pass, cause=noted)
