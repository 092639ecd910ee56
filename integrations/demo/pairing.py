"""The demo's pairing: the newsletter in Didomi and in Actito, compared at the first start, and on ever after."""

from __future__ import annotations

from typing import TYPE_CHECKING

from integrations.actito.models import ActitoConnection
from integrations.demo.people import NEWSLETTER, PURPOSE
from integrations.didomi.models import DidomiConnection
from integrations.pairing import switching
from integrations.pairing.models import ConsentMapping, Pairing
from portal.models import Tenant

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

NAME = "Newsletter (sandbox)"
PATH = f"consents_purposes_{PURPOSE}_enabled"


def prepare(tenant: Tenant, profiles: ActitoConnection) -> Pairing:
    """Makes the pairing and its line; sets right what the tour stands on, where somebody changed it since."""
    consents = DidomiConnection.objects.for_tenant(tenant).order_by("pk")[0]
    pairing = Pairing.objects.for_tenant(tenant).filter(consents=consents.source, profiles=profiles.source).first()
    pairing = pairing or Pairing(tenant=tenant, name=NAME, consents=consents.source, profiles=profiles.source)
    pairing.enable_webhooks = True
    if pairing.phase == Pairing.Phase.PAUSED:
        pairing.phase = Pairing.Phase.ON
    pairing.save()
    ConsentMapping.objects.update_or_create(
        pairing=pairing, part=ConsentMapping.Part.SUBSCRIPTION, target=NEWSLETTER, defaults={"path": PATH}
    )
    return pairing


def compare(pairing: Pairing, by: AbstractBaseUser) -> None:
    """Begins to compare both systems, anew where an earlier start ended before that was done."""
    if pairing.phase == Pairing.Phase.COMPARING:
        switching.stop_comparing(pairing, by=by)
    switching.compare(pairing, by=by)


def is_compared(pairing: Pairing) -> bool:
    return not switching.unfinished(pairing)


def switch_on(pairing: Pairing, by: AbstractBaseUser) -> None:
    """Both sandboxes begin with the same people, who said the same in both."""
    switching.switch_on(pairing, Pairing.Differences.RESTRICTIVE, by=by)
