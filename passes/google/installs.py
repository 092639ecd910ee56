"""Whether somebody has the pass in Google Wallet: told by callbacks, and confirmed by what Google says of the object.

Callbacks come more than once, late and out of order, one for each holder; `hasUsers` says how it is now.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from passes.happenings import PASS_INSTALLED, PASS_REMOVED, announce
from passes.models import GoogleObject
from passes.wallets import GOOGLE
from portal.models import Event
from portal.sentences import Sentence, say


def users_of(echo: Mapping[str, Any]) -> bool | None:
    """None where Google does not say."""
    found = echo.get("hasUsers")
    return found if isinstance(found, bool) else None


def seen(held: GoogleObject, echo: Mapping[str, Any], *, cause: Event) -> bool:
    """Takes a locked row, and what Google answered about it. Whether that was news."""
    now_held = users_of(echo)
    if now_held is None or now_held == held.installed:
        return False
    if now_held:
        installed(held, say("The pass was added to Google Wallet."), cause=cause)
    else:
        removed(held, say("The pass was removed from Google Wallet."), cause=cause)
    return True


def known(held: GoogleObject, echo: Mapping[str, Any]) -> None:
    """Takes a locked row of a card that another vendor gave out: that somebody has it is no news."""
    if users_of(echo):
        held.installed_at = timezone.now()
        held.save(update_fields=["installed_at"])


def installed(held: GoogleObject, said: Sentence, *, cause: Event) -> None:
    held.installed_at, held.removed_at = timezone.now(), None
    held.save(update_fields=["installed_at", "removed_at"])
    announce(PASS_INSTALLED, held.wallet_pass, said, cause=cause, wallet=GOOGLE)


def removed(held: GoogleObject, said: Sentence, *, cause: Event) -> None:
    held.installed_at, held.removed_at = None, timezone.now()
    held.save(update_fields=["installed_at", "removed_at"])
    announce(PASS_REMOVED, held.wallet_pass, said, cause=cause, wallet=GOOGLE)
