from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.models import Job
from portal.sentences import SentenceField
from portal.tenancy import TenantModel, TenantQuerySet


class CustomerImport(TenantModel):
    """An export of a connection's table: looked at first, then imported by a job. `customer_import`."""

    tenant = models.ForeignKey("portal.Tenant", on_delete=models.CASCADE, related_name="+", db_index=False)
    connection = models.ForeignKey("actito.ActitoConnection", on_delete=models.CASCADE, related_name="imports",
                                   verbose_name=_("connection"))  # fmt: skip
    file_name = models.CharField(_("file"), max_length=200)
    exported_at = models.DateTimeField(_("exported"))
    # The ledger's number of the last arrival before the export: what a later one wrote stays.
    number = models.BigIntegerField(default=0)
    # What was seen before anything was done, by customer_import.lines.Verdict: {"changed": 812}.
    found = models.JSONField(default=dict)
    # Of the first customers that change: [{"customer": "anna@example.com", "values_changed": [["points", 10, 420]]}].
    differences = models.JSONField(default=list)
    unused = models.JSONField(default=list, help_text=_("Columns of the file that nothing is done with."))
    missing = models.JSONField(default=list, help_text=_("Mapped attributes that the file has no column for."))
    # How far the look is: lines so far, of how many, and the line of the file that the last one ended in.
    lines = models.PositiveBigIntegerField(_("lines"), default=0)
    lines_in_all = models.PositiveBigIntegerField(default=0, db_default=0)
    reached = models.PositiveBigIntegerField(default=0, db_default=0)
    # By which columns and mappings, and the fingerprints of whom the file has several times, and of those met so far.
    columns_seen = models.CharField(max_length=64, blank=True, default="", db_default="")
    repeated = models.BinaryField(null=True)
    met = models.BinaryField(null=True)
    looked_at = models.DateTimeField(null=True, help_text=_("When the whole file had been looked at."))
    refused = SentenceField(blank=True, default="", db_default="", help_text=_("Why nothing of the file can be used."))
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+")
    # What the job has done so far, by the same names.
    done = models.JSONField(default=dict)
    who = models.CharField(_("uploaded by"), max_length=150)
    created_at = models.DateTimeField(_("uploaded"), default=timezone.now)

    class Meta:
        verbose_name = _("import of customers")
        verbose_name_plural = _("imports of customers")
        ordering = ["-id"]
        indexes = [models.Index(fields=["tenant", "-id"], name="customer_import_newest")]

    def __str__(self) -> str:
        return self.file_name


class CustomerImportChunk(models.Model):
    """A piece of the file itself, until it has been looked at."""

    tenant_path: ClassVar[str | None] = "customer_import__tenant"

    customer_import = models.ForeignKey(CustomerImport, on_delete=models.CASCADE, related_name="chunks")
    data = models.BinaryField()

    objects = TenantQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.customer_import} ({self.pk})"


class CustomerImportPart(models.Model):
    """Some of its lines, read by the mapping, until the job has imported them."""

    tenant_path: ClassVar[str | None] = "customer_import__tenant"

    customer_import = models.ForeignKey(CustomerImport, on_delete=models.CASCADE, related_name="parts")
    # Names, key, language, values: [[{"actito:3": "147471"}, "anna@example.com", "fr", {"points": 420}]].
    profiles = models.JSONField()

    objects = TenantQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.customer_import} ({self.pk})"


class CustomerImportProblem(models.Model):
    """A line of the file, or a value of it, that is not imported, and why."""

    tenant_path: ClassVar[str | None] = "customer_import__tenant"

    customer_import = models.ForeignKey(CustomerImport, on_delete=models.CASCADE, related_name="problems",
                                        db_index=False)  # fmt: skip
    line = models.PositiveBigIntegerField(_("line"))
    problem = SentenceField(_("problem"))

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["line", "id"]
        indexes = [models.Index(fields=["customer_import", "line", "id"], name="customer_import_problems")]

    def __str__(self) -> str:
        return f"{self.customer_import}: {self.line}"
