"""What is asked when many profiles go at once."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.tenancy import TenantQuerySet

ANSWER_HOLDS = timedelta(hours=24)


class GoneQuestion(models.Model):
    """One row per connection, whose lock marks take turns by. Written by integrations.actito.gone alone."""

    class Answer(models.TextChoices):
        MARK = "mark", _("They are gone: mark them")
        KEEP = "keep", _("Keep them: Actito is wrong")

    tenant_path: ClassVar[str | None] = "connection__tenant"

    connection = models.OneToOneField("actito.ActitoConnection", on_delete=models.CASCADE, related_name="gone")
    asked_at = models.DateTimeField(null=True, blank=True, help_text=_("None once it is answered."))
    answer = models.CharField(max_length=4, choices=Answer.choices, blank=True, default="")
    answered_at = models.DateTimeField(null=True, blank=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name = _("question about profiles that are gone")
        verbose_name_plural = _("questions about profiles that are gone")

    def __str__(self) -> str:
        return f"{self.connection}"

    @property
    def standing(self) -> str:
        """The answer that holds now; empty for none."""
        holds = self.answered_at is not None and timezone.now() < self.answered_at + ANSWER_HOLDS
        return self.answer if holds else ""
