"""What happens to a pass, as news: noted in the trace, and told to whoever subscribed to it."""

from __future__ import annotations

from passes.models import WalletPass
from portal import ledger
from portal.models import Event
from portal.sentences import Sentence

PASS_INSTALLED, PASS_REMOVED, PASS_FETCHED = "pass.installed", "pass.removed", "pass.fetched"
PASS_VOIDED, PASS_REVIVED = "pass.voided", "pass.revived"
# Of a new pass, for subscribers alone: what made it is in the trace already.
PASS_ISSUED = "pass.issued"
# What changes in which wallets a valid pass is.
OF_WALLETS = (PASS_INSTALLED, PASS_REMOVED, PASS_VOIDED, PASS_REVIVED)


def subject_of(wallet_pass_id: int) -> str:
    return f"pass:{wallet_pass_id}"


def announce(
    kind: str, wallet_pass: WalletPass, sentence: Sentence, *, cause: Event | None = None, wallet: str = ""
) -> Event:
    """Part of the transaction of what it tells. `wallet`: in which one it happened, "apple" or "google"."""
    payload = {"pass": wallet_pass.pk, **({"wallet": wallet} if wallet else {"customer": wallet_pass.customer_id})}
    return ledger.news(
        kind, tenant_id=wallet_pass.tenant_id, subject=subject_of(wallet_pass.pk), payload=payload,
        result=ledger.done(sentence), cause=cause,
    )  # fmt: skip


def issued(wallet_pass: WalletPass, cause: Event) -> None:
    ledger.publish(PASS_ISSUED, cause=cause, subject=subject_of(wallet_pass.pk), payload={"pass": wallet_pass.pk})
