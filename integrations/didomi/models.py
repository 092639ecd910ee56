from __future__ import annotations

import uuid

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from portal import ledger
from portal.ledger import lane_id_for
from portal.models import Event, Job, Lane
from portal.secrets import EncryptedTextField
from portal.tenancy import TenantModel

# No limit is known for /consents/*; others take 100 calls in 15 seconds of an organisation.
# https://developers.didomi.io/api-and-platform/introduction/rate-limiting
ORGANISATION_LIMITS = {"max_running": 8}
REGULATIONS_MOST = 20
regulation_name = RegexValidator(r"\A[a-z][a-z0-9_-]{0,39}\Z", _("Didomi's regulations are small letters, as gdpr."))


def _gdpr() -> list[str]:
    return ["gdpr"]


class DidomiConnection(TenantModel):
    """One organisation of Didomi's."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=100)
    host = models.URLField(_("API address"), default="https://api.didomi.io")
    organization_id = models.CharField(
        _("organisation ID"), max_length=100, help_text=_("In Didomi's console under Organisation > Settings.")
    )
    api_key = EncryptedTextField(_("private API key"))
    api_secret = EncryptedTextField(_("API secret"))
    regulations = models.JSONField(
        _("regulations"), default=_gdpr, help_text=_("Consents under other regulations are skipped.")
    )
    answer_already_reported = models.BooleanField(
        _("answer 208 to what came before"), default=False,
        help_text=_("Off: repeated webhooks are answered 200, as Didomi expects."),
    )  # fmt: skip
    lane = models.ForeignKey(Lane, on_delete=models.PROTECT, related_name="+", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("Didomi connection")
        verbose_name_plural = _("Didomi connections")
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="didomi_connection_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def source(self) -> str:
        """How the ledger, pairings and keys name this connection."""
        return f"didomi:{self.pk}"

    def save(self, *args: object, **kwargs: object) -> None:
        before: int | None = self.lane_id
        self.lane_id = lane_id_for(self.tenant_id, f"didomi:{self.host}:{self.organization_id}", **ORGANISATION_LIMITS)
        with transaction.atomic():
            super().save(*args, **kwargs)  # type: ignore[arg-type]
            ledger.move(before, self.lane_id, Q(source=self.source) | Q(payload__connection=self.pk))

    def clean(self) -> None:
        super().clean()
        found = self.regulations
        if not isinstance(found, list) or not 0 < len(found) <= REGULATIONS_MOST:
            said = _("Name at least one regulation, and at most %(most)d.") % {"most": REGULATIONS_MOST}
            raise ValidationError({"regulations": said})
        for each in found:
            try:
                regulation_name(each)
            except ValidationError as error:
                raise ValidationError({"regulations": error}) from error


class DidomiCatalogue(TenantModel):
    """What an organisation asks people for, as last read. Written by integrations.didomi.catalogue alone."""

    connection = models.OneToOneField(DidomiConnection, on_delete=models.CASCADE, related_name="catalogue",
                                      verbose_name=_("connection"))  # fmt: skip
    # Of which organisation it was read: a connection that is moved to another one knows nothing of that yet.
    host = models.URLField()
    organization_id = models.CharField(_("organisation ID"), max_length=100)
    # As integrations.didomi.answers.Purpose and Preference. None: Didomi hides preferences, nothing is known of them.
    purposes = models.JSONField(_("purposes"), default=list)
    preferences = models.JSONField(_("preferences"), null=True)
    read_at = models.DateTimeField(_("read"))

    class Meta:
        verbose_name = _("catalogue of an organisation")
        verbose_name_plural = _("catalogues of organisations")

    def __str__(self) -> str:
        return self.organization_id


def connections_of(row: Event | Job) -> QuerySet[DidomiConnection]:
    """The one connection that the row's payload names; none when it was deleted, or is another tenant's."""
    return DidomiConnection.objects.for_tenant(row.tenant_id).filter(pk=row.payload.get("connection"))
