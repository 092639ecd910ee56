"""In which wallets a customer has a valid pass, since when, and what happened there last. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Min
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from passes.happenings import OF_WALLETS, PASS_INSTALLED, PASS_ISSUED, subject_of
from passes.models import GoogleObject, Registration, WalletPass, in_google
from portal.models import Customer, Event

APPLE, GOOGLE = "apple", "google"
PASSES_LOOKED_AT = 20


class WalletStatus(models.TextChoices):
    NONE = "none", _("None")
    APPLE = APPLE, "Apple Wallet"
    GOOGLE = GOOGLE, "Google Wallet"
    BOTH = "both", _("Both")


@dataclass(frozen=True)
class WalletState:
    status: str
    since: Mapping[str, datetime]  # wallet -> since when it holds a valid pass
    event: str  # "issued", "installed", "removed", "voided", "revived"; empty when that is too long ago to be known
    at: datetime | None


def status_of(wallets: Collection[str]) -> WalletStatus:
    """Pure: of the wallets that hold a valid pass."""
    if APPLE in wallets and GOOGLE in wallets:
        return WalletStatus.BOTH
    return WalletStatus(next(iter(wallets), WalletStatus.NONE))


def state_of(customer: Customer) -> WalletState:
    since = _since(customer)
    happened = max(_happenings(customer), default=None)
    at, event = happened or (None, "")
    return WalletState(status_of(since.keys()), since, event, at)


def _since(customer: Customer) -> dict[str, datetime]:
    """A phone's registration is what tells that a card lies in Apple Wallet, and Google that it lies in its own."""
    valid = {"wallet_pass__customer": customer, "wallet_pass__voided": False}
    first = {
        APPLE: Registration.objects.filter(**valid).aggregate(first=Min("created_at"))["first"],
        GOOGLE: GoogleObject.objects.filter(**valid).aggregate(first=Min("installed_at"))["first"],
    }
    return {wallet: since for wallet, since in first.items() if since}


def _happenings(customer: Customer) -> list[tuple[datetime, str]]:
    """What is known to have happened last to each of the passes. Events are removed for their age."""
    passes = WalletPass.objects.filter(customer=customer).order_by("-pk").values_list("pk", "created_at")
    return [found for key, made in passes[:PASSES_LOOKED_AT] if (found := _last(customer, key, made))]


def _last(customer: Customer, wallet_pass_id: int, made: datetime) -> tuple[datetime, str] | None:
    events = Event.objects.filter(tenant_id=customer.tenant_id, subject=subject_of(wallet_pass_id))
    found = events.filter(kind__in=OF_WALLETS).order_by("-pk").values_list("created_at", "kind").first()
    if found:
        return found[0], word(found[1])
    held = Registration.objects.filter(wallet_pass=wallet_pass_id).order_by("-created_at")
    if added := held.values_list("created_at", flat=True).first():
        return added, word(PASS_INSTALLED)
    kept = in_google().filter(wallet_pass=wallet_pass_id).values_list("installed_at", flat=True)
    if since := kept.first():
        return since, word(PASS_INSTALLED)
    days = settings.RETENTION_EVENTS_DAYS
    if days and made < timezone.now() - timedelta(days=days):
        return None
    return made, word(PASS_ISSUED)


def word(kind: str) -> str:
    """`pass.installed` is installed."""
    return kind.partition(".")[2]
