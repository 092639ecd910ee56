"""Both systems of a pairing, what each has of somebody, and the portal's work between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from integrations.actito import structure
from integrations.actito.models import ActitoConnection
from integrations.actito.sandbox import ActitoSandbox
from integrations.actito.subscriptions import Subscriptions
from integrations.didomi import catalogue
from integrations.didomi.models import DidomiConnection
from integrations.didomi.sandbox import API_KEY, ORGANIZATION, SECRET, DidomiSandbox
from integrations.models import ConsentMapping, PairedPerson, Pairing
from portal import ledger
from portal.access import make_key
from portal.models import Event, Lane, Scope, Tenant
from tests.world import ENTITY, TABLE, make_connection, make_tenant

ANNA, NEWSLETTER = "anna@example.com", "newsletter"
PATH = "consents_purposes_newsletter_enabled"
ROUNDS_MOST = 300


@dataclass
class Both:
    tenant: Tenant
    actito: ActitoSandbox
    didomi: DidomiSandbox
    profiles: ActitoConnection
    consents: DidomiConnection
    pairing: Pairing

    def settle(self) -> None:
        """What the sandboxes tell arrives, and all that is due is done, until nothing happens any more."""
        for _ in range(ROUNDS_MOST):
            self.actito.drain()
            self.didomi.drain()
            if not _run_all():
                return
        raise AssertionError("It never comes to rest.")

    def in_actito(self, person: str = ANNA, subscription: str = "Newsletter") -> Any:
        return next(each for each in self.profiles_in_actito() if each["emailAddress"] == person).get(subscription)

    def profiles_in_actito(self) -> list[dict[str, Any]]:
        numbers = sorted(self.actito._table(ENTITY, TABLE).profiles)
        return [self.actito.values(ENTITY, TABLE, each) for each in numbers]

    def in_didomi(self, person: str = ANNA, purpose: str = "newsletter") -> Any:
        users = self.didomi.users(person)
        found = [each for user in users for each in user["consents"]["purposes"] if each["id"] == purpose]
        return found[-1].get("enabled") if found else None

    def subscribe(self, wanted: bool, profile: int = 1) -> None:
        """In Actito, as a form there would."""
        said = [{"name": "Newsletter", "subscribe": wanted}]
        self.actito._change(ENTITY, TABLE, str(profile), {"attributes": [], "subscriptions": said})

    def outcome(self, kind: str) -> Event:
        return Event.objects.filter(kind=kind).latest("pk")

    def held(self, person: str = ANNA) -> PairedPerson:
        return PairedPerson.objects.get(pairing=self.pairing, customer__key=person)


def make_both(portal: str, actito: ActitoSandbox, didomi: DidomiSandbox) -> Both:
    tenant = make_tenant()
    profiles = make_connection(tenant, actito.url)
    consents = DidomiConnection.objects.create(
        tenant=tenant, name="Didomi", host=didomi.url, organization_id=ORGANIZATION, api_key=API_KEY, api_secret=SECRET
    )
    pairing = Pairing.objects.create(
        tenant=tenant, name="Web", consents=consents.source, profiles=profiles.source, enable_webhooks=True,
        phase=Pairing.Phase.ON,
    )  # fmt: skip
    ConsentMapping.objects.create(pairing=pairing, target="Newsletter", path=PATH, value_name=NEWSLETTER)
    Lane.objects.update(calls_per_minute=0)  # a minute's budget would be waited for
    structure.ask(profiles)
    catalogue.ask(consents)
    both = Both(tenant, actito, didomi, profiles, consents, pairing)
    _, actito_key = make_key(tenant, "Actito", [Scope.ACTITO_LISTENER.value], bound_to=profiles.source)
    _, didomi_key = make_key(tenant, "Didomi", [Scope.DIDOMI_LISTENER.value], bound_to=consents.source)
    address = f"{portal}/api/{tenant.slug}/webhooks/listeners"
    for event_type in ("CREATE", "UPDATE", "UPDATED_SUBSCRIPTION"):
        _webhook(profiles, actito._table(ENTITY, TABLE).id, event_type, f"{address}/actito/profile/Update", actito_key)
    didomi.webhook_to(f"{address}/didomi/events", api_key=didomi_key)
    both.settle()
    return both


def _webhook(connection: ActitoConnection, table: str, event_type: str, url: str, key: str) -> None:
    client = Subscriptions(connection)
    client.create({
        "on": "PROFILE_TABLE", "onElementId": table, "eventType": event_type, "targetUrl": url, "isActive": True,
        "headers": {"X-API-KEY": key}, "webhookPushType": "ONE_BY_ONE",
    })  # fmt: skip


def _run_all() -> int:
    """Runs all that is due, and all whose time is near."""
    Event.objects.filter(status=Event.Status.WAITING).update(due_at=timezone.now())
    claimed = ledger.claim(32, "tests")
    for event in claimed:
        ledger.run(event)
    return len(claimed)
