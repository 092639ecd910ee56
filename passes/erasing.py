"""What passes forget of an erased customer: cards are void and empty, on phones too. Part of the erasure."""

from __future__ import annotations

from passes.delivery import deliver
from passes.models import GoogleObject, PhoneNotice, Registration, WalletPass
from passes.refresh import locked_passes, pass_type_of, refresh
from portal import history
from portal.models import Customer, Event
from portal.sentences import Sentence, joined, say_many


def erase(customer: Customer, event: Event) -> Sentence:
    """A step of portal.erasure."""
    found = sorted(locked_passes(customer.tenant_id, customer=customer), key=pass_type_of)
    keys = [wallet_pass.pk for wallet_pass in found]
    # Google is then given the whole object anew: nothing of what it had needs to be known here any longer.
    GoogleObject.objects.filter(wallet_pass__in=keys).update(sent=None, sent_hash="", told={})
    PhoneNotice.objects.filter(wallet_pass__in=keys).delete()
    for wallet_pass in found:
        _make_empty(wallet_pass, event)
    history.forget(WalletPass, keys)
    return say_many("%(count)s pass is void and empty.", "%(count)s passes are void and empty.", count=len(found))


def preview(customer: Customer) -> Sentence:
    """A preview of portal.erasure."""
    iphones = Registration.objects.filter(wallet_pass__customer=customer).values("device").distinct().count()
    androids = GoogleObject.objects.filter(wallet_pass__customer=customer, installed_at__isnull=False).count()
    passes = WalletPass.objects.filter(customer=customer).count()
    return joined([
        say_many("%(count)s pass becomes void and empty.", "%(count)s passes become void and empty.", count=passes),
        say_many("%(count)s phone holds one.", "%(count)s phones hold one.", count=iphones + androids),
    ])  # fmt: skip


def _make_empty(wallet_pass: WalletPass, event: Event) -> None:
    """Phones that hold it keep asking with its token, and are given the empty card."""
    wallet_pass.values, wallet_pass.origins, wallet_pass.untold = {}, {}, None
    wallet_pass.voided, wallet_pass.voided_as_gone = True, False
    wallet_pass.save(update_fields=["values", "origins", "untold", "voided", "voided_as_gone"])
    if not refresh(wallet_pass, cause=event, silent=True):
        deliver(wallet_pass, cause=event)  # what was on its way has been ended with the customer's other work
