"""Rows for tests. Every text of a row carries its tenant's mark, so that a leak can be seen."""

from __future__ import annotations

import uuid
from datetime import timedelta
from functools import lru_cache
from typing import Any, Generic, TypeVar

import factory
from django.contrib.auth.models import User
from django.db.models import Model
from django.utils import timezone
from factory.django import DjangoModelFactory

from integrations.actito.models import (
    ActitoConnection,
    ActitoScenario,
    AttributeMapping,
    ConnectionWebhooks,
    CustomerImport,
    CustomerImportChunk,
    CustomerImportPart,
    CustomerImportProblem,
    GoneQuestion,
    ParameterMapping,
    ScenarioEntry,
    TableStructure,
    WalletNews,
    WrittenProfile,
)
from integrations.demo.artwork import images
from integrations.didomi.models import DidomiCatalogue, DidomiConnection
from integrations.mapping import ValueType
from integrations.models import (
    ConsentMapping,
    ConsentReview,
    PairedPerson,
    Pairing,
    Rule,
    RuleCondition,
    RuleFiring,
)
from passes.content import render
from passes.design import design_of
from passes.models import (
    AppleCredentials,
    CardImport,
    CardImportPart,
    CardImportProblem,
    CertificateRequest,
    Device,
    GoogleClass,
    GoogleIssuer,
    GoogleNotification,
    GoogleObject,
    MessageCondition,
    MessageLimits,
    MessageReceipt,
    MessageText,
    MessageValue,
    PassMessage,
    PassTemplate,
    PhoneNotice,
    Registration,
    SpareCertificate,
    TemplateAction,
    TemplateBeacon,
    TemplateCondition,
    TemplateField,
    TemplateImage,
    TemplateLocation,
    TemplateMoment,
    TemplateText,
    WalletPass,
)
from portal.ledger import lane_id_for
from portal.models import (
    ApiKey,
    Attempt,
    Change,
    ConsentHead,
    ConsentRecord,
    Customer,
    Event,
    Identity,
    Job,
    Lane,
    Membership,
    OAuthClient,
    RefusedCall,
    Scope,
    Tenant,
    TenantDay,
    TokenSigningKey,
    Watcher,
)
from portal.tenancy import Role

ModelT = TypeVar("ModelT", bound=Model)
API_KEY = "SECRET-actito-api-key"
PEM_KEY = "SECRET-private-key"
KEY_FILE = '{"type": "service_account", "private_key": "SECRET-private-key"}'


@lru_cache(maxsize=1)
def picture() -> bytes:
    return next(iter(images().values()))


class Factory(DjangoModelFactory, Generic[ModelT]):
    """`Factory.make()` with the row's type."""

    class Meta:
        abstract = True

    @classmethod
    def make(cls, **values: Any) -> ModelT:
        made: ModelT = cls.create(**values)
        return made


class TenantFactory(Factory[Tenant]):
    class Meta:
        model = Tenant

    slug = factory.Sequence(lambda n: f"tenant-{n}")
    name = factory.LazyAttribute(lambda tenant: f"Brand {tenant.slug}")


class UserFactory(Factory[User]):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"person{n}@example.com")
    password = "!"  # nobody signs in with it; hashing one takes longer than the rest of a test


class MembershipFactory(Factory[Membership]):
    class Meta:
        model = Membership

    tenant = factory.SubFactory(TenantFactory)
    user = factory.SubFactory(UserFactory)
    role = Role.OWNER


class LaneFactory(Factory[Lane]):
    class Meta:
        model = Lane

    tenant = factory.SubFactory(TenantFactory)
    key = factory.Sequence(lambda n: f"lane-{n}")


class CustomerFactory(Factory[Customer]):
    class Meta:
        model = Customer

    tenant = factory.SubFactory(TenantFactory)
    key = factory.Sequence(lambda n: f"customer{n}@example.com")
    language = "en"
    values = factory.LazyFunction(lambda: {"first_name": "Anna", "points": 120})


class IdentityFactory(Factory[Identity]):
    class Meta:
        model = Identity

    customer = factory.SubFactory(CustomerFactory)
    tenant = factory.SelfAttribute("customer.tenant")
    namespace = "actito:1"
    value = factory.Sequence(str)


class EventFactory(Factory[Event]):
    class Meta:
        model = Event

    tenant = factory.SubFactory(TenantFactory)
    lane_id = factory.LazyAttribute(lambda event: lane_id_for(event.tenant.pk))
    kind = "pass.refresh"
    subject = factory.Sequence(lambda n: f"pass:{n}")
    source = "portal"
    status = Event.Status.DONE
    outcome = "New content."
    finished_at = factory.LazyFunction(timezone.now)


class JobFactory(Factory[Job]):
    class Meta:
        model = Job

    tenant = factory.SubFactory(TenantFactory)
    kind = "events.replay"
    title = "Replay 3 chosen events"
    payload = factory.LazyFunction(lambda: {"events": []})
    total = fed = 3
    who = "anna@example.com"
    all_fed = True


class AttemptFactory(Factory[Attempt]):
    class Meta:
        model = Attempt

    event = factory.SubFactory(EventFactory)
    number = 1
    target = "Actito"
    method = "GET"
    url = "https://api3.actito.com/profiles/1"
    status = 200
    milliseconds = 12
    finished_at = factory.LazyFunction(timezone.now)


class ApiKeyFactory(Factory[ApiKey]):
    class Meta:
        model = ApiKey

    tenant = factory.SubFactory(TenantFactory)
    name = "Actito production"
    prefix = factory.Sequence(lambda n: f"{n:08d}")
    digest = "0" * 64
    scopes = factory.LazyFunction(lambda: [Scope.ACTITO_LISTENER.value])


class OAuthClientFactory(Factory[OAuthClient]):
    class Meta:
        model = OAuthClient

    tenant = factory.SubFactory(TenantFactory)
    name = "Actito production"
    client_id = factory.Sequence(lambda n: f"client-{n}")
    scopes = factory.LazyFunction(lambda: [Scope.ACTITO_LISTENER.value])


class TokenSigningKeyFactory(Factory[TokenSigningKey]):
    class Meta:
        model = TokenSigningKey

    tenant = factory.SubFactory(TenantFactory)
    private_key = PEM_KEY


class ChangeFactory(Factory[Change]):
    class Meta:
        model = Change

    tenant = factory.SubFactory(TenantFactory)
    who = "anna@example.com"
    kind = Change.Kind.CHANGED
    model = "passes.passtemplate"
    object_key = "1"


class ConsentRecordFactory(Factory[ConsentRecord]):
    """A record that looks like one of a chain; a real one is added by portal.consents."""

    class Meta:
        model = ConsentRecord

    customer = factory.SubFactory(CustomerFactory)
    tenant = factory.SelfAttribute("customer.tenant")
    number = factory.Sequence(lambda number: number + 1)
    kind = ConsentRecord.Kind.GIVEN
    name = "newsletter"
    source = "didomi:1"
    contents_text = "{}"
    content_hash = previous = hash = "0" * 64


class ConsentHeadFactory(Factory[ConsentHead]):
    class Meta:
        model = ConsentHead

    tenant = factory.SubFactory(TenantFactory)
    number = 1
    hash = "0" * 64


class TenantDayFactory(Factory[TenantDay]):
    class Meta:
        model = TenantDay

    tenant = factory.SubFactory(TenantFactory)
    date = factory.LazyFunction(timezone.localdate)


class WatcherFactory(Factory[Watcher]):
    class Meta:
        model = Watcher

    user = factory.SubFactory(UserFactory)
    tenant = factory.SubFactory(TenantFactory)


class RefusedCallFactory(Factory[RefusedCall]):
    class Meta:
        model = RefusedCall

    key = factory.SubFactory(ApiKeyFactory)
    tenant = factory.SelfAttribute("key.tenant")
    source = factory.SelfAttribute("key.bound_to")
    reason = RefusedCall.Reason.REVOKED
    status = 401
    method = "POST"
    path = "/api/verdi/webhooks/listeners/actito/profile/Update"
    at = factory.LazyFunction(lambda: timezone.now() - timedelta(hours=2))
    last_at = factory.SelfAttribute("at")


class ConnectionFactory(Factory[ActitoConnection]):
    class Meta:
        model = ActitoConnection

    tenant = factory.SubFactory(TenantFactory)
    name = factory.Sequence(lambda n: f"Actito {n}")
    host = "https://api3.actito.com"
    licence = "verdi"
    entity = "demo"
    table = "Profiles"
    api_key = API_KEY


class DidomiFactory(Factory[DidomiConnection]):
    class Meta:
        model = DidomiConnection

    tenant = factory.SubFactory(TenantFactory)
    name = factory.Sequence(lambda n: f"Didomi {n}")
    host = "https://api.didomi.io"
    organization_id = "verdi-org"
    api_key = "SECRET-didomi-key"
    api_secret = "SECRET-didomi-secret"


class DidomiCatalogueFactory(Factory[DidomiCatalogue]):
    class Meta:
        model = DidomiCatalogue

    connection = factory.SubFactory(DidomiFactory)
    tenant = factory.SelfAttribute("connection.tenant")
    host = factory.SelfAttribute("connection.host")
    organization_id = factory.SelfAttribute("connection.organization_id")
    purposes = factory.LazyFunction(
        lambda: [{"id": "newsletter", "title": "Newsletter", "type": "", "regulations": [], "preferences": []}]
    )
    read_at = factory.LazyFunction(timezone.now)


class PairingFactory(Factory[Pairing]):
    class Meta:
        model = Pairing

    tenant = factory.SubFactory(TenantFactory)
    name = factory.Sequence(lambda n: f"Pairing {n}")
    consents = factory.Sequence(lambda n: f"paper:{n}")
    profiles = factory.Sequence(lambda n: f"actito:{n}")


class ConsentMappingFactory(Factory[ConsentMapping]):
    class Meta:
        model = ConsentMapping

    pairing = factory.SubFactory(PairingFactory)
    target = "Newsletter"
    path = "consents_channels_email_enabled"


class PairedPersonFactory(Factory[PairedPerson]):
    class Meta:
        model = PairedPerson

    pairing = factory.SubFactory(PairingFactory)
    customer = factory.SubFactory(CustomerFactory, tenant=factory.SelfAttribute("..pairing.tenant"))


class ConsentReviewFactory(Factory[ConsentReview]):
    class Meta:
        model = ConsentReview

    pairing = factory.SubFactory(PairingFactory)
    tenant = factory.SelfAttribute("pairing.tenant")
    customer = factory.SubFactory(CustomerFactory, tenant=factory.SelfAttribute("..tenant"))
    reason = ConsentReview.Reason.CONFLICT
    name = "newsletter"


class MappingFactory(Factory[AttributeMapping]):
    class Meta:
        model = AttributeMapping

    connection = factory.SubFactory(ConnectionFactory)
    attribute = "loyaltyPoints"
    value_name = factory.Sequence(lambda n: f"value_{n}")
    value_type = ValueType.NUMBER


class ParameterFactory(Factory[ParameterMapping]):
    class Meta:
        model = ParameterMapping

    connection = factory.SubFactory(ConnectionFactory)
    parameter = factory.Sequence(lambda n: f"parameter{n}")
    value_name = factory.Sequence(lambda n: f"value_{n}")


class ScenarioFactory(Factory[ActitoScenario]):
    class Meta:
        model = ActitoScenario

    connection = factory.SubFactory(ConnectionFactory)
    tenant = factory.SelfAttribute("connection.tenant")
    remote_id = factory.Sequence(lambda n: str(11160 + n))
    display_name = factory.Sequence(lambda n: f"Welcome {n}")
    technical_name = factory.LazyAttribute(lambda one: f"{one.display_name}60dd2012-b296-43fc-bae5-6cb6c1b2d170")
    is_start_event_triggered = is_active = True
    first_seen_at = last_seen_at = factory.LazyFunction(timezone.now)


class WebhooksFactory(Factory[ConnectionWebhooks]):
    class Meta:
        model = ConnectionWebhooks

    connection = factory.SubFactory(ConnectionFactory)
    lines = factory.LazyFunction(
        lambda: [{"event_type": "CREATE", "url": "", "state": "good", "remote_id": "7", "prefix": "abc"}]
    )
    read_at = factory.LazyFunction(timezone.now)


class StructureFactory(Factory[TableStructure]):
    class Meta:
        model = TableStructure

    connection = factory.SubFactory(ConnectionFactory)
    tenant = factory.SelfAttribute("connection.tenant")
    host = factory.SelfAttribute("connection.host")
    entity = factory.SelfAttribute("connection.entity")
    table = factory.SelfAttribute("connection.table")
    parts = factory.LazyFunction(lambda: {"attributes": [{"name": "points", "type": "INTEGER"}]})
    read_at = factory.LazyFunction(timezone.now)


class ScenarioEntryFactory(Factory[ScenarioEntry]):
    class Meta:
        model = ScenarioEntry

    scenario = factory.SubFactory(ScenarioFactory)
    tenant = factory.SelfAttribute("scenario.tenant")
    customer = factory.SubFactory(CustomerFactory, tenant=factory.SelfAttribute("..tenant"))
    who = "anna@example.com"


class WalletNewsFactory(Factory[WalletNews]):
    class Meta:
        model = WalletNews

    connection = factory.SubFactory(ConnectionFactory)
    active = True


class GoneQuestionFactory(Factory[GoneQuestion]):
    class Meta:
        model = GoneQuestion

    connection = factory.SubFactory(ConnectionFactory)


class WrittenProfileFactory(Factory[WrittenProfile]):
    class Meta:
        model = WrittenProfile

    connection = factory.SubFactory(ConnectionFactory)
    customer = factory.SubFactory(CustomerFactory, tenant=factory.SelfAttribute("..connection.tenant"))
    attributes = factory.LazyFunction(lambda: {"walletStatus": {"value": "apple", "number": 1}})
    sent_at = factory.LazyFunction(timezone.now)


class CredentialsFactory(Factory[AppleCredentials]):
    class Meta:
        model = AppleCredentials

    tenant = factory.SubFactory(TenantFactory)
    name = "Apple"
    pass_type_identifier = factory.Sequence(lambda n: f"pass.example.t{n}")
    team_identifier = "TEAM123456"
    certificate = "PEM"
    private_key = PEM_KEY
    intermediate = "PEM"


class IssuerFactory(Factory[GoogleIssuer]):
    class Meta:
        model = GoogleIssuer

    tenant = factory.SubFactory(TenantFactory)
    name = "Google"
    issuer_id = factory.Sequence(lambda n: f"33880000000{n:04}")
    key_file = KEY_FILE
    client_email = "cards@example.iam.gserviceaccount.com"


class GoogleClassFactory(Factory[GoogleClass]):
    class Meta:
        model = GoogleClass

    issuer = factory.SubFactory(IssuerFactory)
    class_id = factory.LazyAttributeSequence(lambda each, n: f"{each.issuer.issuer_id}.class{n}")
    type = "loyalty"
    sent_at = factory.LazyFunction(timezone.now)


class SpareCertificateFactory(Factory[SpareCertificate]):
    class Meta:
        model = SpareCertificate

    apple = factory.SubFactory(CredentialsFactory)
    certificate = "PEM"
    private_key = PEM_KEY
    intermediate = "PEM"


class CertificateRequestFactory(Factory[CertificateRequest]):
    class Meta:
        model = CertificateRequest

    tenant = factory.SubFactory(TenantFactory)
    name = "Loyalty cards"
    private_key = PEM_KEY
    request = "PEM"


class TemplateFactory(Factory[PassTemplate]):
    class Meta:
        model = PassTemplate

    tenant = factory.SubFactory(TenantFactory)
    apple = factory.SubFactory(CredentialsFactory, tenant=factory.SelfAttribute("..tenant"))
    name = factory.Sequence(lambda n: f"Loyalty card {n}")
    organization_name = "Verdi"
    description = "Loyalty card"


class TemplateFieldFactory(Factory[TemplateField]):
    class Meta:
        model = TemplateField

    template = factory.SubFactory(TemplateFactory)
    place = TemplateField.Place.HEADER
    key = factory.Sequence(lambda n: f"points{n}")
    label = "Points"
    expression = "{{ points }}"


class TemplateTextFactory(Factory[TemplateText]):
    class Meta:
        model = TemplateText

    template = factory.SubFactory(TemplateFactory)
    language = "nl"
    text = "Points"
    translation = "Punten"


class TemplateImageFactory(Factory[TemplateImage]):
    class Meta:
        model = TemplateImage

    template = factory.SubFactory(TemplateFactory)
    role = TemplateImage.Role.ICON
    data = factory.LazyFunction(picture)


class TemplateConditionFactory(Factory[TemplateCondition]):
    class Meta:
        model = TemplateCondition

    template = factory.SubFactory(TemplateFactory)
    name, operator, value = "tier", TemplateCondition.Operator.EQUALS, "Gold"


class TemplateLocationFactory(Factory[TemplateLocation]):
    class Meta:
        model = TemplateLocation

    template = factory.SubFactory(TemplateFactory)
    latitude, longitude = 50.85, 4.35


class TemplateBeaconFactory(Factory[TemplateBeacon]):
    class Meta:
        model = TemplateBeacon

    template = factory.SubFactory(TemplateFactory)
    uuid = "f8f589e9-c07e-58b0-aea6-9d7f3b5fa5c1"


class TemplateMomentFactory(Factory[TemplateMoment]):
    class Meta:
        model = TemplateMoment

    template = factory.SubFactory(TemplateFactory)
    starts = "2027-06-01"


class TemplateActionFactory(Factory[TemplateAction]):
    class Meta:
        model = TemplateAction

    template = factory.SubFactory(TemplateFactory)
    kind = TemplateAction.Kind.SHOP
    target = "https://example.com/shop"


class PassFactory(Factory[WalletPass]):
    """A pass with the content that its template makes now."""

    class Meta:
        model = WalletPass

    template = factory.SubFactory(TemplateFactory)
    tenant = factory.SelfAttribute("template.tenant")
    customer = factory.SubFactory(CustomerFactory, tenant=factory.SelfAttribute("..template.tenant"))
    changed_at = factory.LazyFunction(lambda: timezone.now().replace(microsecond=0))

    @factory.lazy_attribute
    def content(self) -> dict[str, Any]:
        return render(design_of(self.template), self.customer.values).data

    @factory.lazy_attribute
    def content_hash(self) -> str:
        return render(design_of(self.template), self.customer.values).hash


class GoogleObjectFactory(Factory[GoogleObject]):
    class Meta:
        model = GoogleObject

    wallet_pass = factory.SubFactory(PassFactory)
    tenant = factory.SelfAttribute("wallet_pass.tenant")
    issuer = factory.SubFactory(IssuerFactory, tenant=factory.SelfAttribute("..tenant"))
    object_id = factory.LazyAttribute(lambda each: f"{each.issuer.issuer_id}.{each.wallet_pass.serial_number.hex}")
    type = "loyalty"


class GoogleNotificationFactory(Factory[GoogleNotification]):
    class Meta:
        model = GoogleNotification

    google_object = factory.SubFactory(GoogleObjectFactory)
    sort = GoogleNotification.Sort.MESSAGE
    at = factory.LazyFunction(timezone.now)


class DeviceFactory(Factory[Device]):
    class Meta:
        model = Device

    apple = factory.SubFactory(CredentialsFactory)
    tenant = factory.SelfAttribute("apple.tenant")
    library_identifier = factory.Sequence(lambda n: f"device{n}")
    push_token = "SECRET-push-token"
    token_at = factory.LazyFunction(timezone.now)


class NoticeFactory(Factory[PhoneNotice]):
    class Meta:
        model = PhoneNotice

    wallet_pass = factory.SubFactory(PassFactory)
    kind = "fetch"
    text = "Get pass task encountered error: The network connection was lost."


class RegistrationFactory(Factory[Registration]):
    class Meta:
        model = Registration

    wallet_pass = factory.SubFactory(PassFactory)
    device = factory.SubFactory(DeviceFactory, apple=factory.SelfAttribute("..wallet_pass.template.apple"))


class CardImportFactory(Factory[CardImport]):
    class Meta:
        model = CardImport

    template = factory.SubFactory(TemplateFactory)
    tenant = factory.SelfAttribute("template.tenant")
    file_name = "cards.csv"
    found = factory.LazyFunction(lambda: {"new": 1, "bad": 1})
    lines = 2
    looked_at = factory.LazyFunction(timezone.now)
    who = "anna@example.com"


class CardImportPartFactory(Factory[CardImportPart]):
    class Meta:
        model = CardImportPart

    card_import = factory.SubFactory(CardImportFactory)
    cards = "[]"


class CardImportProblemFactory(Factory[CardImportProblem]):
    class Meta:
        model = CardImportProblem

    card_import = factory.SubFactory(CardImportFactory)
    line = 3
    verdict = "bad"
    problem = "The line is broken."


class CustomerImportFactory(Factory[CustomerImport]):
    class Meta:
        model = CustomerImport

    connection = factory.SubFactory(ConnectionFactory)
    tenant = factory.SelfAttribute("connection.tenant")
    file_name = "profiles.csv"
    exported_at = factory.LazyFunction(timezone.now)
    found = factory.LazyFunction(lambda: {"changed": 1, "bad": 1})
    lines = 2
    looked_at = factory.LazyFunction(timezone.now)
    who = "anna@example.com"


class CustomerImportChunkFactory(Factory[CustomerImportChunk]):
    class Meta:
        model = CustomerImportChunk

    customer_import = factory.SubFactory(CustomerImportFactory)
    data = b"profileId\n1\n"


class CustomerImportPartFactory(Factory[CustomerImportPart]):
    class Meta:
        model = CustomerImportPart

    customer_import = factory.SubFactory(CustomerImportFactory)
    profiles = factory.LazyFunction(list)


class CustomerImportProblemFactory(Factory[CustomerImportProblem]):
    class Meta:
        model = CustomerImportProblem

    customer_import = factory.SubFactory(CustomerImportFactory)
    line = 3
    problem = "The line is broken."


class PassMessageFactory(Factory[PassMessage]):
    class Meta:
        model = PassMessage

    tenant = factory.SubFactory(TenantFactory)
    name, text = "Spring", "Double points until Sunday."


class MessageTextFactory(Factory[MessageText]):
    class Meta:
        model = MessageText

    message = factory.SubFactory(PassMessageFactory)
    language, text = "fr", "Points doublés jusqu’à dimanche."


class MessageValueFactory(Factory[MessageValue]):
    class Meta:
        model = MessageValue

    message = factory.SubFactory(PassMessageFactory)
    name, value = "tier", "Gold"


class MessageConditionFactory(Factory[MessageCondition]):
    class Meta:
        model = MessageCondition

    message = factory.SubFactory(PassMessageFactory)
    name, operator, value = "tier", MessageCondition.Operator.EQUALS, "Gold"


class MessageReceiptFactory(Factory[MessageReceipt]):
    class Meta:
        model = MessageReceipt

    message = factory.SubFactory(PassMessageFactory)
    tenant = factory.SelfAttribute("message.tenant")
    customer = factory.SubFactory(CustomerFactory, tenant=factory.SelfAttribute("..tenant"))


class MessageLimitsFactory(Factory[MessageLimits]):
    class Meta:
        model = MessageLimits

    tenant = factory.SubFactory(TenantFactory)


class RuleFactory(Factory[Rule]):
    class Meta:
        model = Rule

    tenant = factory.SubFactory(TenantFactory)
    name = factory.Sequence(lambda n: f"Rule {n}")
    trigger = "value.equals"
    value_name = "tier"
    compared = "Gold"
    action = "update_pass"


class RuleConditionFactory(Factory[RuleCondition]):
    class Meta:
        model = RuleCondition

    rule = factory.SubFactory(RuleFactory)
    name = "tier"
    value = "Gold"


class RuleFiringFactory(Factory[RuleFiring]):
    class Meta:
        model = RuleFiring

    rule = factory.SubFactory(RuleFactory)
    tenant = factory.SelfAttribute("rule.tenant")
    customer = factory.SubFactory(CustomerFactory, tenant=factory.SelfAttribute("..tenant"))
    occasion = factory.Sequence(lambda n: f"event:{n}")
    chain = factory.LazyFunction(uuid.uuid4)
    state = RuleFiring.State.FIRED
    outcome = "The pass is being changed."
