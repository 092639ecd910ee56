"""A brand with people in both sandboxes, and a pairing of the two that is about to be switched on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.utils import timezone

from integrations.actito.models import ActitoConnection
from integrations.actito.sandbox import ActitoSandbox
from integrations.didomi.models import DidomiConnection
from integrations.didomi.sandbox import DidomiSandbox
from integrations.pairing import switching
from integrations.pairing.models import ConsentMapping, PairedPerson, Pairing
from integrations.pairing.registry import Told
from portal import ledger
from portal.models import Customer, Event, Job, Tenant
from portal.sentences import say
from tests import factories as make
from tests.integrations.didomi.didomi_world import make_didomi
from tests.portal.jobs_world import Worker
from tests.world import ACTITO_KEY, ENTITY, TABLE, make_connection

LETTER, OFFERS = "newsletter", "promotions"
OF_LETTER, OF_OFFERS = "consents_purposes_newsletter_enabled", "consents_purposes_promotions_enabled"


@dataclass
class Brand:
    tenant: Tenant
    actito: ActitoSandbox
    didomi: DidomiSandbox
    system: ActitoConnection
    platform: DidomiConnection
    pairing: Pairing
    owner: object
    profiles: dict[str, str] = field(default_factory=dict)  # key -> profile id

    def person(self, name: str, *, didomi: dict[str, bool] | None = None, actito: dict[str, bool] | None = None,
               known: bool = True) -> Customer:  # fmt: skip
        """Somebody in both systems. `didomi` None: not known there. `known`: whether the portal has their key."""
        key = f"{name}@example.com"
        subscribed = {"Newsletter": False, "Promotions": False, **(actito or {})}
        seeded = self.actito.seed(entity=ENTITY, table=TABLE, api_key=ACTITO_KEY,
                                  subscriptions=("Newsletter", "Promotions"),
                                  profiles=[{"emailAddress": key, "firstName": name, **subscribed}])  # fmt: skip
        (self.profiles[key],) = map(str, seeded.profile_ids)
        if didomi is not None:
            self.didomi.say(key, muted=True, purposes=didomi)
        return self.customer(key, known=known)

    def customer(self, key: str, *, known: bool = True) -> Customer:
        """Whom the portal knows, as a reading of their profile leaves them."""
        customer = make.CustomerFactory.make(tenant=self.tenant, key=key)
        source = self.system.source
        make.IdentityFactory.make(customer=customer, namespace=source, value=self.profiles.get(key, "999999"))
        if known:
            make.IdentityFactory.make(customer=customer, namespace=f"{source}:key", value=key)
        return customer

    def subscribe(self, key: str, subscription: str) -> None:
        """In Actito, by somebody there."""
        wanted = {"subscriptions": [{"name": subscription, "subscribe": True}]}
        self.actito._change(ENTITY, TABLE, self.profiles[key], wanted)

    def told(self, key: str, leaves: dict[str, bool], at: datetime | None = None) -> Told:
        return Told(key, at or timezone.now(), leaves)

    def any_event(self) -> Event:
        return ledger.news("test.heard", tenant_id=self.tenant.pk, subject="test", result=ledger.done(say("Heard.")))

    def compare(self) -> Job:
        return Worker().until_ended(switching.compare(self.pairing, by=self.owner))

    def switch_on(self, choice: str) -> Worker:
        """With everything that follows from it done."""
        worker = Worker()
        job = switching.switch_on(self.pairing, choice, by=self.owner)
        if job is not None:
            worker.until_ended(job)
        for _ in range(40):
            if not self.waiting():
                return worker
            worker.turn()
        raise AssertionError(list(Event.objects.filter(tenant=self.tenant, status="waiting").values("kind", "outcome")))

    def waiting(self) -> bool:
        """Whether anything is still to be written to Actito."""
        kinds = ("actito.consents", "consents.changed/actito")
        return Event.objects.filter(tenant=self.tenant, status="waiting", kind__in=kinds).exists()

    def in_actito(self, key: str) -> dict[str, bool]:
        values = self.actito.values(ENTITY, TABLE, self.profiles[key])
        return {LETTER: bool(values["Newsletter"]), OFFERS: bool(values["Promotions"])}

    def in_didomi(self, key: str) -> dict[str, bool | None]:
        purposes = self.didomi.user(key)["consents"]["purposes"]
        return {each["id"]: each["enabled"] for each in purposes}

    def held(self, customer: Customer) -> PairedPerson:
        return PairedPerson.objects.get(pairing=self.pairing, customer=customer)

    def events(self, kind: str) -> list[Event]:
        return list(Event.objects.filter(tenant=self.tenant, kind=kind).order_by("pk"))


def a_brand(actito: ActitoSandbox, didomi: DidomiSandbox, **values: object) -> Brand:
    tenant = make.TenantFactory.make()
    system, platform = make_connection(tenant, actito.url), make_didomi(didomi.url, tenant)
    made = Pairing.objects.create(tenant=tenant, name="Web", consents=platform.source, profiles=system.source, **values)
    ConsentMapping.objects.create(pairing=made, target="Newsletter", path=OF_LETTER)
    ConsentMapping.objects.create(pairing=made, target="Promotions", path=OF_OFFERS)
    owner = make.UserFactory.make(username="anna@brand.example")
    return Brand(tenant, actito, didomi, system, platform, made, owner)
