"""Pairings, their lines, and what stands between two systems about each person."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from integrations.pairing.standing import Standing, standing_of
from passes.models.validators import field_key
from portal.tenancy import TenantModel, TenantQuerySet


class Pairing(TenantModel):
    """A connection that collects consents, and one that sends by them. Settings in Didomi's words."""

    class Phase(models.TextChoices):
        DRAFT = "draft", _("Being set up")  # arrivals are kept, and change nothing
        COMPARING = "comparing", _("Both systems are compared")
        ON = "on", _("On")
        PAUSED = "paused", _("Paused")

    class Differences(models.TextChoices):
        """What becomes of the differences that a comparison found when the pairing is switched on."""

        CONSENTS = "consents", _("Write Didomi's state to Actito")
        PROFILES = "profiles", _("Write Actito's state to Didomi")
        RESTRICTIVE = "restrictive", _("The most restrictive: no in one is no in both")
        LEAVE = "leave", _("Leave them as they are")

    name = models.CharField(_("name"), max_length=100)
    consents = models.CharField(
        _("consents from"), max_length=60, help_text=_("The connection where people say what they consent to.")
    )
    profiles = models.CharField(
        _("subscriptions in"), max_length=60, help_text=_("The connection whose subscriptions follow.")
    )
    phase = models.CharField(_("state"), max_length=10, choices=Phase.choices, default=Phase.DRAFT, editable=False)
    upsert_mode = models.BooleanField(
        _("create unknown people (upsert)"), default=False,
        help_text=_("Off: a consent of somebody whom the other system does not know is skipped, and shown so."),
    )  # fmt: skip
    all_metadata = models.BooleanField(
        _("write all user metadata to attributes"), default=False,
        help_text=_("Each entry goes to the attribute of the same name. Entries without one are reported, not sent."),
    )  # fmt: skip
    enable_webhooks = models.BooleanField(
        _("bidirectional flow"), default=False, help_text=_("Changes of subscriptions become consents, too.")
    )
    # The subscriptions that were there when it was switched on: new ones are announced.
    known_subscriptions = models.JSONField(default=list, editable=False)
    on_since = models.DateTimeField(_("on since"), null=True, editable=False)
    # What was compared before is of no use; None where it was switched on without comparing.
    compared_since = models.DateTimeField(null=True, editable=False)
    # What happens where the comparison found a difference; empty until it is switched on.
    differences = models.CharField(max_length=12, choices=Differences.choices, blank=True, default="", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("pairing")
        verbose_name_plural = _("pairings")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "name"], name="pairing_name"),
            models.UniqueConstraint(fields=["tenant", "consents", "profiles"], name="pairing_once"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_on(self) -> bool:
        return self.phase == self.Phase.ON

    @property
    def takes_readings(self) -> bool:
        """Whether what a comparison still reads is of use: what came while it was switched on must not be lost."""
        return self.phase in (self.Phase.COMPARING, self.Phase.ON)

    def follows(self) -> list[str]:
        """The sides that are written to."""
        return [self.profiles, *([self.consents] if self.enable_webhooks else [])]

    def clean(self) -> None:
        super().clean()
        if self.consents and self.consents == self.profiles:
            raise ValidationError({"profiles": _("A connection cannot be paired with itself.")})


class ConsentMapping(models.Model):
    """One line: a subscription, or an attribute, and the path of the consent that it follows."""

    class Part(models.TextChoices):
        SUBSCRIPTION = "subscriptions", _("Subscription")
        ATTRIBUTE = "attributes", _("Attribute")

    class Policy(models.TextChoices):
        """Whose word counts when both sides changed before either knew of the other's change."""

        NEWEST = "newest", _("the newest wins")
        CONSENTS = "consents", _("Didomi wins")
        PROFILES = "profiles", _("Actito wins")
        RESTRICTIVE = "restrictive", _("the most restrictive wins")
        HOLD = "hold", _("hold for review")

    tenant_path: ClassVar[str | None] = "pairing__tenant"

    pairing = models.ForeignKey(Pairing, on_delete=models.CASCADE, related_name="mappings")
    part = models.CharField(_("part"), max_length=14, choices=Part.choices, default=Part.SUBSCRIPTION)
    target = models.CharField(_("name in Actito"), max_length=100)
    path = models.CharField(_("consent path"), max_length=300)
    value_name = models.CharField(
        _("customer value"), max_length=40, blank=True, default="", validators=[field_key],
        help_text=_("For passes and rules. Empty: made from the name in Actito."),
    )  # fmt: skip
    policy = models.CharField(_("in conflict"), max_length=12, choices=Policy.choices, default=Policy.NEWEST)

    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name = _("mapping of a consent")
        verbose_name_plural = _("mappings of consents")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["pairing", "part", "target"], name="consent_mapping_once"),
            models.UniqueConstraint(
                fields=["pairing", "value_name"], name="consent_mapping_value", condition=~models.Q(value_name="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.target} ← {self.path}"


class PairedPerson(models.Model):
    """What stands between both systems about one person. Written by integrations.pairing.hub alone."""

    tenant_path: ClassVar[str | None] = "pairing__tenant"
    personal: ClassVar[bool] = True

    pairing = models.ForeignKey(Pairing, on_delete=models.CASCADE, related_name="people", db_index=False)
    customer = models.ForeignKey("portal.Customer", on_delete=models.CASCADE, related_name="+")
    # {"newsletter": Standing.as_json()}, by the customer value of the line.
    standings = models.JSONField(default=dict)
    # Changes that came from the other side than the one before: [iso moment, …], those of the last minutes.
    flips = models.JSONField(default=list)
    paused_at = models.DateTimeField(_("paused since"), null=True)
    # {"didomi:1": iso}: the newest decision that a side told of, or was told. An older one brings no metadata.
    told_at = models.JSONField(default=dict)
    # As the comparison found both sides: {"actito:3": {"newsletter": true}}.
    compared = models.JSONField(default=dict)
    compared_at = models.DateTimeField(null=True)
    # Why a side could not be read: {"actito:3": "…"}, as portal.sentences stores it.
    unread = models.JSONField(default=dict)
    differs = models.BooleanField(default=False)
    # When what was compared came to stand, after the pairing was switched on.
    aligned_at = models.DateTimeField(null=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name = _("person of a pairing")
        verbose_name_plural = _("people of pairings")
        constraints = [models.UniqueConstraint(fields=["pairing", "customer"], name="paired_once")]
        indexes = [
            models.Index(fields=["pairing", "id"], name="paired_differing", condition=models.Q(differs=True)),
            models.Index(fields=["pairing", "id"], name="paired_unaligned",
                         condition=models.Q(aligned_at__isnull=True, compared_at__isnull=False)),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.pairing} · {self.customer}"

    def standing(self, name: str) -> Standing:
        return standing_of(self.standings.get(name))

    def keep(self, name: str, standing: Standing) -> None:
        self.standings[name] = standing.as_json()

    def last_told(self, side: str) -> datetime | None:
        return datetime.fromisoformat(self.told_at[side]) if side in self.told_at else None

    def note_told(self, side: str, at: datetime) -> None:
        self.told_at[side] = max(filter(None, [self.last_told(side), at])).isoformat()


class ConsentReview(TenantModel):
    """A question that a person answers: two systems disagree, or somebody flips to and fro."""

    class Reason(models.TextChoices):
        CONFLICT = "conflict", _("Both systems changed")
        FLIPS = "flips", _("Changes to and fro")
        DELETED = "deleted", _("Deleted in Didomi")

    personal: ClassVar[bool] = True

    tenant = models.ForeignKey("portal.Tenant", on_delete=models.CASCADE, related_name="+", db_index=False,
                               verbose_name=_("tenant"))  # fmt: skip
    pairing = models.ForeignKey(Pairing, on_delete=models.CASCADE, related_name="reviews", verbose_name=_("pairing"))
    customer = models.ForeignKey("portal.Customer", on_delete=models.CASCADE, related_name="+",
                                 verbose_name=_("customer"))  # fmt: skip
    reason = models.CharField(_("why"), max_length=10, choices=Reason.choices)
    # Customer value of the line; empty where it is about the person.
    name = models.CharField(_("consent"), max_length=40, blank=True, default="")
    # [{"name": "newsletter", "side": "didomi:1", "state": true, "at": iso or null}], the last word of each side.
    claims = models.JSONField(_("what each says"), default=list)
    event = models.ForeignKey("portal.Event", on_delete=models.SET_NULL, null=True, related_name="+",
                              verbose_name=_("event"))  # fmt: skip
    asked_at = models.DateTimeField(_("asked"), default=timezone.now)
    answered_at = models.DateTimeField(_("answered"), null=True)
    answered_by = models.CharField(_("by"), max_length=150, blank=True, default="")
    answer = models.JSONField(_("answer"), null=True)  # {"newsletter": false}

    class Meta:
        verbose_name = _("consent to review")
        verbose_name_plural = _("consents to review")
        ordering = ["-id"]
        indexes = [models.Index(fields=["tenant", "-id"], name="review_newest"),
                   models.Index(fields=["tenant", "-id"], name="review_open",
                                condition=models.Q(answered_at__isnull=True))]  # fmt: skip
        constraints = [
            models.UniqueConstraint(fields=["pairing", "customer", "reason", "name"], name="review_one_open",
                                    condition=models.Q(answered_at__isnull=True)),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.name or self.get_reason_display()} · {self.customer}"


def value_name_of(mapping: Any) -> str:
    """The customer value that a line fills."""
    return str(mapping.value_name or slug(mapping.target))


def slug(target: str) -> str:
    """newsletterWeekly and Newsletter-Weekly are newsletter_weekly."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", target)
    found = re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")
    return (found if found[:1].isalpha() else f"consent_{found}")[:40]
