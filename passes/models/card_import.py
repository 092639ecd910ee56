from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from passes.models.template import PassTemplate
from portal.models import Job
from portal.secrets import EncryptedTextField
from portal.sentences import SentenceField
from portal.tenancy import TenantModel, TenantQuerySet


class CardImport(TenantModel):
    """A file of cards that another vendor issued: looked at first, then imported by a job. passes.card_import."""

    tenant = models.ForeignKey("portal.Tenant", on_delete=models.CASCADE, related_name="+", db_index=False)
    template = models.ForeignKey(PassTemplate, on_delete=models.CASCADE, related_name="+", verbose_name=_("template"))
    file_name = models.CharField(_("file"), max_length=200)
    # What was seen before anything was done, by passes.card_import.verdicts.Verdict: {"new": 812}.
    found = models.JSONField(default=dict)
    unused = models.JSONField(default=list, help_text=_("Columns of the file that nothing is done with."))
    lines = models.PositiveBigIntegerField(_("lines"), default=0)
    looked_at = models.DateTimeField(null=True, help_text=_("When the whole file had been looked at."))
    makes_customers = models.BooleanField(default=False, help_text=_("Also for keys that no customer has."))
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+")
    # What the job has done so far, by the same names.
    done = models.JSONField(default=dict)
    who = models.CharField(_("uploaded by"), max_length=150)
    created_at = models.DateTimeField(_("uploaded"), default=timezone.now)

    class Meta:
        verbose_name = _("import of cards")
        verbose_name_plural = _("imports of cards")
        ordering = ["-id"]
        indexes = [models.Index(fields=["tenant", "-id"], name="card_import_newest")]

    def __str__(self) -> str:
        return self.file_name


class CardImportPart(models.Model):
    """Some of its cards, until the job has imported them. Their tokens are secrets, so they are encrypted."""

    tenant_path: ClassVar[str | None] = "card_import__tenant"

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    card_import = models.ForeignKey(CardImport, on_delete=models.CASCADE, related_name="parts")
    cards = EncryptedTextField(help_text="JSON.")

    objects = TenantQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.card_import} ({self.pk})"


class CardImportProblem(models.Model):
    """A line of the file that makes no pass, and why."""

    tenant_path: ClassVar[str | None] = "card_import__tenant"

    card_import = models.ForeignKey(CardImport, on_delete=models.CASCADE, related_name="problems", db_index=False)
    line = models.PositiveBigIntegerField(_("line"))
    # For a card that is in Google Wallet alone, the ID of its object.
    serial = models.CharField(_("serial number"), max_length=255)
    verdict = models.CharField(max_length=20)
    problem = SentenceField(_("problem"))

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["line", "id"]
        indexes = [models.Index(fields=["card_import", "line", "id"], name="card_import_problems")]

    def __str__(self) -> str:
        return f"{self.card_import}: {self.line}"
