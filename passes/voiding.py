"""Voiding passes: phones that hold one show it as no longer valid. Part of the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from passes.content import ContentError
from passes.happenings import PASS_REVIVED, PASS_VOIDED, announce
from passes.models import WalletPass
from passes.refresh import locked_passes, pass_type_of, refresh
from portal.models import Customer, Event
from portal.sentences import Sentence, say


def void(wallet_pass: WalletPass, said: Sentence, *, cause: Event | None = None, as_gone: bool = False) -> None:
    """Takes a locked pass. `as_gone`: because its customer is gone, so that it comes back with them.

    Raises ContentError when its phones cannot be shown that.
    """
    noted = announce(PASS_VOIDED, wallet_pass, said, cause=cause)
    wallet_pass.voided, wallet_pass.voided_as_gone = True, as_gone
    wallet_pass.save(update_fields=["voided", "voided_as_gone"])
    refresh(wallet_pass, cause=noted)


def void_all(customer: Customer, *, cause: Event) -> int:
    """Voids the valid passes of a customer who is gone. Returns how many."""

    def one(wallet_pass: WalletPass) -> None:
        said = say("“%(template)s” of %(customer)s is void: the customer is gone.", template=wallet_pass.template,
                   customer=customer)  # fmt: skip
        void(wallet_pass, said, cause=cause, as_gone=True)

    return _each(customer, one, voided=False)


def revive_all(customer: Customer, *, cause: Event) -> int:
    """Makes the passes valid again that were voided because their customer was gone. Returns how many."""

    def one(wallet_pass: WalletPass) -> None:
        said = say("“%(template)s” of %(customer)s is valid again: the customer is back.",
                   template=wallet_pass.template, customer=customer)  # fmt: skip
        noted = announce(PASS_REVIVED, wallet_pass, said, cause=cause)
        wallet_pass.voided = wallet_pass.voided_as_gone = False
        wallet_pass.save(update_fields=["voided", "voided_as_gone"])
        refresh(wallet_pass, cause=noted)

    return _each(customer, one, voided=True, voided_as_gone=True)


def _each(customer: Customer, change: Callable[[WalletPass], None], **which: bool) -> int:
    found = locked_passes(customer.tenant_id, customer=customer, **which)
    for wallet_pass in sorted(found, key=pass_type_of):
        with suppress(ContentError):  # its row says so all the same; its phones keep what they show
            change(wallet_pass)
    return len(found)
