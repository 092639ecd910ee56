"""Messages to many: what is said, to whose passes, and when; and whom it reached."""

from __future__ import annotations

from datetime import time
from typing import ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from passes.models.condition import Condition
from passes.models.template import PassTemplate
from passes.models.validators import field_key
from portal.models import Job
from portal.tenancy import TenantModel, TenantQuerySet

TEXT_LIMIT = 500


class PassMessage(TenantModel):
    """A message, or new values, for the passes of many customers. Sent once; passes.messaging writes what follows."""

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PLANNED = "planned", _("Planned")
        SENT = "sent", _("Sent")  # its job has begun

    tenant = models.ForeignKey("portal.Tenant", on_delete=models.CASCADE, related_name="+", db_index=False,
                               verbose_name=_("tenant"))  # fmt: skip
    name = models.CharField(_("name"), max_length=100, help_text=_("For your team: customers do not see it."))
    template = models.ForeignKey(
        PassTemplate, on_delete=models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("cards"),
        help_text=_("The cards that get it. Empty: every card of a customer."),
    )  # fmt: skip
    on_phones = models.BooleanField(_("only cards on a phone"), default=True)
    any_condition = models.BooleanField(
        _("one condition is enough"), default=False, help_text=_("Off: all conditions must hold.")
    )
    text = models.CharField(
        _("message"), max_length=TEXT_LIMIT, blank=True, default="",
        help_text=_("Shows on the lock screen, and stays on the back of the card. Empty: only values change."),
    )  # fmt: skip
    state = models.CharField(max_length=8, choices=State.choices, default=State.DRAFT, editable=False)
    starts_at = models.DateTimeField(_("begins"), null=True, editable=False)
    # How often it was planned or taken back: an Event of an earlier plan begins nothing.
    plan = models.PositiveIntegerField(default=0, editable=False)
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+", editable=False)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+",
                                editable=False)  # fmt: skip
    created_at = models.DateTimeField(_("made"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("message to many")
        verbose_name_plural = _("messages to many")
        ordering = ["-id"]
        indexes = [models.Index(fields=["tenant", "-id"], name="message_newest")]

    def __str__(self) -> str:
        return self.name


class MessageChild(models.Model):
    tenant_path: ClassVar[str | None] = "message__tenant"

    objects = TenantQuerySet.as_manager()

    class Meta:
        abstract = True


class MessageText(MessageChild):
    """The message for customers of one language."""

    message = models.ForeignKey(PassMessage, on_delete=models.CASCADE, related_name="texts")
    language = models.CharField(_("language"), max_length=8, choices=settings.LANGUAGES)
    text = models.CharField(_("message"), max_length=TEXT_LIMIT)

    class Meta:
        verbose_name = _("translation")
        verbose_name_plural = _("translations")
        ordering = ["language"]
        constraints = [models.UniqueConstraint(fields=["message", "language"], name="message_once_per_language")]

    def __str__(self) -> str:
        return f"{self.language}: {self.text}"


class MessageValue(MessageChild):
    """A value that is put on the passes."""

    message = models.ForeignKey(PassMessage, on_delete=models.CASCADE, related_name="values")
    name = models.CharField(_("value"), max_length=40, validators=[field_key])
    value = models.CharField(
        _("becomes"), max_length=500, blank=True, default="",
        help_text=_("A number such as 12.5 is stored as a number. Empty: what was put on the card is taken back."),
    )  # fmt: skip

    class Meta:
        verbose_name = _("value")
        verbose_name_plural = _("values")
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["message", "name"], name="message_value_once")]

    def __str__(self) -> str:
        return f"{self.name} = {self.value}"


class MessageCondition(MessageChild, Condition):  # noqa: DJ008 - Condition does
    """Whose passes get it."""

    message = models.ForeignKey(PassMessage, on_delete=models.CASCADE, related_name="conditions")

    class Meta(Condition.Meta):
        abstract = False


class MessageReceipt(TenantModel):
    """A customer whom a message was sent to: what the cap of a week counts."""

    personal: ClassVar[bool] = True

    tenant = models.ForeignKey("portal.Tenant", on_delete=models.CASCADE, related_name="+", db_index=False)
    message = models.ForeignKey(PassMessage, on_delete=models.CASCADE, related_name="receipts")
    customer = models.ForeignKey("portal.Customer", on_delete=models.CASCADE, related_name="+", db_index=False)
    event = models.ForeignKey("portal.Event", on_delete=models.SET_NULL, null=True, related_name="+")
    sent_at = models.DateTimeField(_("sent"), default=timezone.now)

    class Meta:
        verbose_name = _("receipt of a message")
        verbose_name_plural = _("receipts of messages")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["message", "customer"], name="message_receipt_once")]
        indexes = [models.Index(fields=["customer", "-sent_at"], name="message_receipts")]

    def __str__(self) -> str:
        return f"{self.message} · {self.customer}"


class MessageLimits(TenantModel):
    """When a tenant's messages rest, and how many a customer gets within seven days."""

    quiet_from = models.TimeField(_("quiet from"), null=True, blank=True, default=time(21))
    quiet_until = models.TimeField(_("quiet until"), null=True, blank=True, default=time(8))
    weekly_cap = models.PositiveSmallIntegerField(
        _("messages a week"), default=3, validators=[MaxValueValidator(1000)],
        help_text=_("At most so many to one customer within seven days. 0: as many as you send."),
    )  # fmt: skip

    class Meta:
        verbose_name = _("limits of messages")
        verbose_name_plural = _("limits of messages")
        constraints = [models.UniqueConstraint(fields=["tenant"], name="message_limits_once")]

    def __str__(self) -> str:
        return str(self.tenant)

    def clean(self) -> None:
        super().clean()
        if (self.quiet_from is None) != (self.quiet_until is None):
            raise ValidationError(_("Give both times of the quiet hours, or none."))
