"""Two tenants with everything in them, and people who look at them through the admin."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from integrations.actito.models import ActitoConnection, ActitoScenario
from integrations.didomi.models import DidomiConnection
from passes.models import PassTemplate
from portal.models import ApiKey, Customer, Event, Pruning, Tenant
from portal.tenancy import Role
from tests import factories as make


@dataclass
class World:
    """A tenant, one row of every model in it, and its owner. Every name in it carries the mark."""

    mark: str
    tenant: Tenant
    owner: User
    rows: dict[type[Model], Any] = field(default_factory=dict)

    def add(self, row: Any) -> Any:
        self.rows[type(row)] = row
        return row

    @property
    def marks(self) -> tuple[str, ...]:
        """What tells that a row of this world is shown: its mark, and what nobody could guess."""
        names = [str(row.serial_number) for row in self.rows.values() if hasattr(row, "serial_number")]
        pictures = [b64encode(bytes(row.data)).decode() for row in self.rows.values() if hasattr(row, "sha1")]
        return (self.mark, *names, *pictures)


def make_world(mark: str) -> World:
    tenant = make.TenantFactory.make(slug=f"{mark.lower()}-brand", name=f"{mark} brand")
    owner = make.UserFactory.make(username=f"{mark}-owner@example.com")
    world = World(mark, tenant, owner, {Tenant: tenant, User: owner})
    world.add(make.MembershipFactory.make(tenant=tenant, user=owner, role=Role.OWNER))
    world.add(make.WatcherFactory.make(tenant=tenant, user=owner, told={f"{mark} trouble": 0}))
    world.add(make.TenantDayFactory.make(tenant=tenant, numbers={f"{mark} figure": 1}))
    connection = world.add(make.ConnectionFactory.make(tenant=tenant, name=f"{mark} connection", entity=f"{mark}-e",
                                                   licence=f"{mark}-licence"))  # fmt: skip
    world.add(connection.lane)
    world.add(connection.lane.proofs.get())
    world.add(make.MappingFactory.make(connection=connection, attribute=f"{mark}Points"))
    world.add(make.ParameterFactory.make(connection=connection, parameter=f"{mark}Bonus"))
    gone = {"what": "gone", "part": "attributes", "name": f"{mark}Points", "was": "INTEGER", "now": "", "event": 0,
            "at": "2026-01-31T10:00:00+00:00"}  # fmt: skip
    world.add(make.WebhooksFactory.make(
        connection=connection,
        lines=[{"event_type": "CREATE", "url": "", "state": "good", "remote_id": "7", "prefix": mark}],
    ))  # fmt: skip
    world.add(make.StructureFactory.make(
        connection=connection, parts={"attributes": [{"name": f"{mark}Shoe", "type": "INTEGER"}]}, changes=[gone],
    ))  # fmt: skip
    world.add(make.ScenarioFactory.make(connection=connection, display_name=f"{mark} welcome"))
    _add_access(world, connection)
    customer = world.add(make.CustomerFactory.make(tenant=tenant, key=f"{mark}@example.com",
                                                   values={"first_name": f"{mark} Anna", "points": 120}))  # fmt: skip
    world.add(make.IdentityFactory.make(customer=customer, namespace=connection.source, value=f"{mark}-147471"))
    apple = world.add(make.CredentialsFactory.make(tenant=tenant, name=f"{mark} certificate"))
    world.add(make.SpareCertificateFactory.make(apple=apple, certificate=f"{mark} spare"))
    world.add(make.CertificateRequestFactory.make(tenant=tenant, name=f"{mark} request", request=f"{mark} PEM"))
    template = world.add(make.TemplateFactory.make(tenant=tenant, apple=apple, name=f"{mark} card"))
    issuer = world.add(
        make.IssuerFactory.make(tenant=tenant, name=f"{mark} issuer", client_email=f"{mark}@example.com")
    )
    world.add(make.GoogleClassFactory.make(issuer=issuer, class_id=f"{issuer.issuer_id}.{mark}"))
    world.add(make.TemplateFieldFactory.make(template=template, label=f"{mark} points"))
    world.add(make.TemplateTextFactory.make(template=template, text=f"{mark} points", translation=f"{mark} punten"))
    world.add(
        make.TemplateImageFactory.make(
            template=template,
        )
    )
    world.add(make.TemplateConditionFactory.make(template=template, value=f"{mark} tier"))
    _add_message(world, customer)
    world.add(make.TemplateLocationFactory.make(template=template, text=f"{mark} shop"))
    world.add(make.TemplateBeaconFactory.make(template=template, text=f"{mark} door"))
    world.add(make.TemplateMomentFactory.make(template=template, starts=f"{{{{ {mark}_day }}}}"))
    world.add(make.TemplateActionFactory.make(template=template, target=f"https://{mark}.example/shop"))
    world.add(make.ScenarioEntryFactory.make(scenario=world.rows[ActitoScenario], customer=customer, who=f"{mark}",
                                             interaction=f"{mark}-df98b314"))  # fmt: skip
    _add_writing(world, connection, customer)
    wallet_pass = world.add(make.PassFactory.make(template=template, customer=customer))
    registration = world.add(
        make.RegistrationFactory.make(wallet_pass=wallet_pass, device__library_identifier=f"device-{mark}")
    )
    held = make.GoogleObjectFactory.make(
        wallet_pass=wallet_pass, issuer=issuer, object_id=f"{issuer.issuer_id}.o-{mark}"
    )
    world.add(make.GoogleNotificationFactory.make(google_object=world.add(held)))
    world.add(make.NoticeFactory.make(wallet_pass=wallet_pass, text=f"{mark} phone says"))
    world.add(registration.device)
    for add in (_add_imports, _add_didomi):
        add(world)
    _add_rules(world, template, customer)
    _add_consents(world, customer)
    _add_pairing(world, connection, customer)
    job = world.add(make.JobFactory.make(tenant=tenant, title=f"{mark} job", who=f"{mark}-owner@example.com"))
    event = world.add(
        make.EventFactory.make(
            tenant=tenant, job=job, status=Event.Status.FAILED, outcome=f"{mark} failed",
            subject=f"pass:{wallet_pass.pk}",
            payload={"pass": wallet_pass.pk, "customer": customer.pk, "note": f"{mark} note"}, kind="pass.refresh",
        )
    )  # fmt: skip
    world.add(
        make.ChangeFactory.make(
            tenant=tenant, who=f"{mark}-owner@example.com", object_key=str(template.pk), name=f"{mark} card",
            differences=[{"part": "", "row": "", "field": "name", "before": f"{mark} old", "after": f"{mark} card"}],
        )
    )  # fmt: skip
    world.add(Pruning.objects.create(name=f"{mark} class"))
    world.add(make.AttemptFactory.make(event=event, error=f"{mark} error", response_excerpt=f"{mark} body"))
    return world


def _add_access(world: World, connection: Any) -> None:
    """What lets other systems in."""
    mark, tenant = world.mark, world.tenant
    world.add(make.ApiKeyFactory.make(tenant=tenant, name=f"{mark} key", bound_to=connection.source))
    world.add(make.OAuthClientFactory.make(tenant=tenant, name=f"{mark} client", client_id=f"{mark}-client-id",
                                           bound_to=connection.source))  # fmt: skip
    world.add(make.TokenSigningKeyFactory.make(tenant=tenant, private_key=f"SECRET-{mark}"))
    world.add(make.RefusedCallFactory.make(key=world.rows[ApiKey], detail=f"{mark} detail", excerpt=f"{mark} body"))


def _add_message(world: World, customer: Customer) -> None:
    mark, template = world.mark, world.rows[PassTemplate]
    message = world.add(make.PassMessageFactory.make(tenant=world.tenant, template=template, name=f"{mark} spring",
                                                     text=f"{mark} double points"))  # fmt: skip
    world.add(make.MessageTextFactory.make(message=message, text=f"{mark} points doublés"))
    world.add(make.MessageValueFactory.make(message=message, value=f"{mark} gold"))
    world.add(make.MessageConditionFactory.make(message=message, value=f"{mark} gold"))
    world.add(make.MessageReceiptFactory.make(message=message, customer=customer))
    world.add(make.MessageLimitsFactory.make(tenant=world.tenant))


def _add_writing(world: World, connection: Any, customer: Any) -> None:
    """What is written back to the connection's profiles."""
    world.add(make.WalletNewsFactory.make(connection=connection, stopped=f"{world.mark} has no such attribute."))
    world.add(make.GoneQuestionFactory.make(connection=connection))
    written = {"tier": {"value": f"{world.mark} tier", "number": 1}}
    world.add(make.WrittenProfileFactory.make(connection=connection, customer=customer, attributes=written))


def _add_didomi(world: World) -> None:
    mark = world.mark
    didomi = world.add(
        make.DidomiFactory.make(tenant=world.tenant, name=f"{mark} Didomi", organization_id=f"{mark}-org")
    )
    asked = {"id": f"{mark}-news", "title": f"{mark} news", "type": "", "regulations": [], "preferences": []}
    world.add(make.DidomiCatalogueFactory.make(connection=didomi, purposes=[asked]))


def _add_consents(world: World, customer: Customer) -> None:
    told = {"title": f"{world.mark} letter", "who": f"{world.mark} Anna", "shown": f"{world.mark} may write to you."}
    record = world.add(make.ConsentRecordFactory.make(customer=customer, contents_text=json.dumps(told)))
    world.add(make.ConsentHeadFactory.make(tenant=world.tenant, number=record.number, seal=f"{world.mark}:"))


def _add_imports(world: World) -> None:
    mark, template, connection = world.mark, world.rows[PassTemplate], world.rows[ActitoConnection]
    cards = world.add(make.CardImportFactory.make(template=template, file_name=f"{mark} cards.csv",
                                                  who=f"{mark} owner", unused=[f"{mark} column"]))  # fmt: skip
    world.add(make.CardImportPartFactory.make(card_import=cards, cards=f'["{mark}"]'))
    world.add(
        make.CardImportProblemFactory.make(card_import=cards, serial=f"{mark}-1001", problem=f"{mark} is broken.")
    )
    people = world.add(make.CustomerImportFactory.make(
        connection=connection, file_name=f"{mark} profiles.csv", who=f"{mark} owner", unused=[f"{mark} shoe size"],
        missing=[f"{mark} tier"],
        differences=[{"customer": f"{mark}@example.com", "values_changed": [["points", f"{mark} 1", f"{mark} 2"]]}],
    ))  # fmt: skip
    world.add(make.CustomerImportChunkFactory.make(customer_import=people, data=f"{mark};1".encode()))
    world.add(make.CustomerImportPartFactory.make(customer_import=people, profiles=[[{}, mark, None, {}]]))
    world.add(make.CustomerImportProblemFactory.make(customer_import=people, problem=f"{mark} has no name."))


def _add_rules(world: World, template: Any, customer: Any) -> None:
    mark, tenant = world.mark, world.tenant
    rule = world.add(make.RuleFactory.make(tenant=tenant, name=f"{mark} rule", compared=f"{mark} Gold", template=None,
                                           params={"template": template.pk, "message": f"{mark} news"}))  # fmt: skip
    world.add(make.RuleConditionFactory.make(rule=rule, value=f"{mark} tier"))
    world.add(make.RuleFiringFactory.make(rule=rule, customer=customer, outcome=f"{mark} pass"))


def _add_pairing(world: World, connection: Any, customer: Any) -> None:
    mark = world.mark
    make.DidomiFactory.make(tenant=world.tenant, name=f"{mark} other Didomi")  # nobody has paired it yet
    sides = {"consents": world.rows[DidomiConnection].source, "profiles": connection.source}
    pairing = world.add(make.PairingFactory.make(tenant=world.tenant, name=f"{mark} pairing", **sides))
    world.add(make.ConsentMappingFactory.make(pairing=pairing, target=f"{mark}News"))
    held = {"state": True, "at": None, "by": f"{mark}", "sides": {}}
    world.add(make.PairedPersonFactory.make(pairing=pairing, customer=customer, standings={"newsletter": held}))
    claim = {"name": f"{mark.lower()}_news", "side": connection.source, "state": True, "at": None}
    world.add(make.ConsentReviewFactory.make(pairing=pairing, customer=customer, name=claim["name"], claims=[claim]))


def client_of(user: User, **options: Any) -> Client:
    client = Client(**options)
    client.force_login(user)
    return client


def member(world: World, role: Role) -> User:
    user = make.UserFactory.make()
    make.MembershipFactory.make(tenant=world.tenant, user=user, role=role)
    return user


def url(model: type[Model], page: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def action(model: type[Model], key: Any, name: str) -> str:
    """The address of a dialog: of a row, or of the list where there is no key."""
    return url(model, "changelist") + (f"{key}/{name}/" if key else f"{name}/")
