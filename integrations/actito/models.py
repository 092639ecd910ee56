from __future__ import annotations

import uuid
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from integrations.actito import licences
from integrations.actito.gone_models import GoneQuestion
from integrations.actito.import_models import (
    CustomerImport,
    CustomerImportChunk,
    CustomerImportPart,
    CustomerImportProblem,
)
from integrations.actito.mapping_models import AttributeMapping, ParameterMapping, not_reserved
from integrations.actito.structure_models import TableStructure
from integrations.actito.webhook_models import ConnectionWebhooks
from integrations.actito.writing_models import WalletNews, WrittenProfile
from integrations.mapping import Rule
from portal import ledger
from portal.ledger import lane_id_for
from portal.models import Event, Identity, Job, Lane
from portal.secrets import EncryptedTextField
from portal.tenancy import TenantModel

__all__ = [
    "ActitoConnection",
    "ActitoScenario",
    "AttributeMapping",
    "ConnectionWebhooks",
    "CustomerImport",
    "CustomerImportChunk",
    "CustomerImportPart",
    "CustomerImportProblem",
    "GoneQuestion",
    "ParameterMapping",
    "ScenarioEntry",
    "TableStructure",
    "WalletNews",
    "WrittenProfile",
    "connections_of",
    "not_reserved",  # migrations name it here
]

# Of a licence, over everything that uses it: https://developers.actito.com/docs/integration-framework/apis/limitations
LICENCE_LIMITS = {"max_running": 4, "calls_per_minute": 100}


class ActitoConnection(TenantModel):
    """One profile table of one Actito licence."""

    class PathStyle(models.TextChoices):
        CATEGORISED = "categorised", "/profiles/v4/… (2025)"
        FLAT = "flat", "/v4/…"
        LEGACY = "legacy", "/ActitoWebServices/ws/v4/…"

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=100)
    host = models.URLField(
        _("API address"), help_text=_("For example https://api3.actito.com: see “View API key” in Actito.")
    )
    path_style = models.CharField(
        _("path style"), max_length=12, choices=PathStyle.choices, default=PathStyle.CATEGORISED
    )
    licence = models.CharField(
        _("licence"), max_length=100, help_text=_("Connections of one licence share its limits.")
    )
    entity = models.CharField(_("entity"), max_length=100)
    table = models.CharField(_("profile table"), max_length=100)
    unique_key = models.CharField(
        _("unique attribute"),
        max_length=50,
        default="emailAddress",
        help_text=_("The unique attribute that names a person."),
    )
    language_attribute = models.CharField(_("language attribute"), max_length=50, blank=True, default="motherLanguage")
    answer_already_reported = models.BooleanField(
        _("answer 208 to what came before"), default=True,
        help_text=_("Off: repeated webhooks are answered 200, for senders that take 208 for an error."),
    )  # fmt: skip
    account = models.CharField(
        _("account of an old licence"), max_length=150, blank=True, default="", db_default="",
        help_text=_("licence/account, for HTTP Basic; its password then stands in place of the API key. Else empty."),
    )  # fmt: skip
    nightly_reads = models.PositiveIntegerField(
        _("profiles read again every night"), default=1000, db_default=1000, validators=[MaxValueValidator(10_000)],
        help_text=_("Those read longest ago, between 2 and 6 o'clock: finds what no webhook told. 0: none."),
    )  # fmt: skip
    void_when_gone = models.BooleanField(
        _("void passes of profiles that are gone"), default=False, db_default=False,
        help_text=_("Phones then show them as no longer valid, until the profile is back. Nothing is ever deleted."),
    )  # fmt: skip
    api_key = EncryptedTextField(_("API key"))
    custom_action = models.CharField(
        _("custom action"), max_length=100, blank=True, default="updatePass", db_default="updatePass",
        help_text=_("Its name in Actito, by which it is found. Empty: none is looked for."),
    )  # fmt: skip
    # What Didomi's users configured beside: mappings, upsert_mode and the like, which an export gives out again.
    connector = models.JSONField(default=dict, db_default={}, blank=True, editable=False)
    lane = models.ForeignKey(Lane, on_delete=models.PROTECT, related_name="+", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("Actito connection")
        verbose_name_plural = _("Actito connections")
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="actito_connection_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def source(self) -> str:
        """How the ledger, identities and keys name this connection."""
        return f"actito:{self.pk}"

    def profiles(self) -> QuerySet[Identity]:
        """The customers whom Actito knows in the connection's table, by profile id."""
        found: QuerySet[Identity] = Identity.objects.for_tenant(self.tenant_id).filter(namespace=self.source)
        return found

    def save(self, *args: object, **kwargs: object) -> None:
        before: int | None = self.lane_id
        self.lane_id = lane_id_for(self.tenant_id, f"actito:{self.host}:{self.licence}", **LICENCE_LIMITS)
        with transaction.atomic():
            super().save(*args, **kwargs)  # type: ignore[arg-type]
            ledger.move(before, self.lane_id, Q(source=self.source) | Q(payload__connection=self.pk))
            # The new one first, so that whoever shares the licence keeps the count of its calls.
            for lane_id in dict.fromkeys(filter(None, (self.lane_id, before))):
                licences.prove(lane_id)

    def clean(self) -> None:
        super().clean()
        if self.account and self.path_style != self.PathStyle.LEGACY:
            raise ValidationError({"path_style": _("Accounts of old licences are known at the oldest addresses only.")})

    def identifiers(self) -> dict[str, str]:
        """How custom actions may name a customer: Actito's name of the attribute, or ours -> the customer value."""
        found: dict[str, str] = {}
        for mapping in self.mappings.filter(identifies=True):
            found |= {mapping.attribute: mapping.value_name, mapping.value_name: mapping.value_name}
        return found

    def rules(self) -> list[Rule]:
        return [mapping.rule(f"{mapping.part}.{mapping.attribute}") for mapping in self.mappings.all()]


def connections_of(row: Event | Job) -> QuerySet[ActitoConnection]:
    """The one connection that the row's payload names; none when it was deleted, or is another tenant's."""
    return ActitoConnection.objects.for_tenant(row.tenant_id).filter(pk=row.payload.get("connection"))


class ActitoScenario(TenantModel):
    """A scenario that Actito listed for a connection's table. Rows are never deleted: what is gone says since when."""

    tenant = models.ForeignKey("portal.Tenant", on_delete=models.CASCADE, related_name="+", db_index=False,
                               verbose_name=_("tenant"))  # fmt: skip
    connection = models.ForeignKey(ActitoConnection, on_delete=models.CASCADE, related_name="scenarios",
                                   db_index=False, verbose_name=_("connection"))  # fmt: skip
    remote_id = models.CharField(_("id in Actito"), max_length=19)
    technical_name = models.TextField(_("technical name"))
    display_name = models.CharField(_("name"), max_length=255)
    # Staff search as they like to type, and read lists in the order of the alphabet.
    lowered_name = models.GeneratedField(expression=Lower("display_name"), db_persist=True,
                                         output_field=models.CharField(max_length=255))  # fmt: skip
    is_start_event_triggered = models.BooleanField(_("can be started by API"))
    is_active = models.BooleanField(_("active"))
    first_seen_at = models.DateTimeField(_("first seen"))
    last_seen_at = models.DateTimeField(_("last seen"))
    vanished_at = models.DateTimeField(_("gone since"), null=True)

    class Meta:
        verbose_name = _("scenario")
        verbose_name_plural = _("scenarios")
        ordering = ["lowered_name", "id"]
        constraints = [models.UniqueConstraint(fields=["connection", "remote_id"], name="scenario_once")]
        indexes = [
            # What pages ask, in the order of the list (portal.admin.paging): all, and each answer of its filters.
            models.Index(fields=["tenant", "lowered_name", "id"], name="scenario_by_name"),
            models.Index(fields=["tenant", "lowered_name", "id"], name="scenario_active",
                         condition=Q(vanished_at__isnull=True, is_active=True)),
            models.Index(fields=["tenant", "lowered_name", "id"], name="scenario_stopped",
                         condition=Q(vanished_at__isnull=True, is_active=False)),
            models.Index(fields=["tenant", "lowered_name", "id"], name="scenario_gone",
                         condition=Q(vanished_at__isnull=False)),
            models.Index(
                fields=["tenant", "lowered_name"], name="scenario_search",
                opclasses=["int8_ops", "varchar_pattern_ops"],  # LIKE 'beginning%' in any collation
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.display_name


class ScenarioEntry(TenantModel):
    """A customer who entered a scenario from here. Written by integrations.actito.starting alone."""

    personal: ClassVar[bool] = True

    tenant = models.ForeignKey("portal.Tenant", on_delete=models.CASCADE, related_name="+", db_index=False)
    scenario = models.ForeignKey(ActitoScenario, on_delete=models.CASCADE, related_name="entries", db_index=False)
    customer = models.ForeignKey("portal.Customer", on_delete=models.CASCADE, related_name="+")
    # None once the Event was removed for its age. One Event starts a scenario once, also when it is replayed.
    event = models.OneToOneField("portal.Event", on_delete=models.SET_NULL, null=True, related_name="+")
    who = models.CharField(_("by"), max_length=150, help_text=_("A person, a job or a rule."))
    interaction = models.CharField(_("interaction"), max_length=100, blank=True, default="")
    started_at = models.DateTimeField(_("started"), default=timezone.now)

    class Meta:
        verbose_name = _("entry into a scenario")
        verbose_name_plural = _("entries into scenarios")
        ordering = ["-id"]
        indexes = [models.Index(fields=["scenario", "-id"], name="scenario_entries")]

    def __str__(self) -> str:
        return f"{self.scenario} · {self.customer}"
