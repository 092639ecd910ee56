"""Where and when a pass appears by itself, and what it offers to do: rows of a template."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from passes.models.parts import TemplateChild
from passes.models.template import PassTemplate
from passes.models.validators import validate_expression

_LOCK_SCREEN = _("Shown on the lock screen there.")


class TemplateLocation(TemplateChild):
    """A place near which the pass appears on the lock screen. In degrees, and metres above the sea."""

    template = models.ForeignKey(PassTemplate, on_delete=models.CASCADE, related_name="locations")
    latitude = models.FloatField(_("latitude"), validators=[MinValueValidator(-90), MaxValueValidator(90)])
    longitude = models.FloatField(_("longitude"), validators=[MinValueValidator(-180), MaxValueValidator(180)])
    altitude = models.FloatField(_("altitude"), null=True, blank=True)
    text = models.CharField(_("text"), max_length=200, blank=True, default="", help_text=_LOCK_SCREEN)

    class Meta:
        verbose_name = _("place")
        verbose_name_plural = _("places")
        ordering = ["id"]

    def __str__(self) -> str:
        return self.text or f"{self.latitude}, {self.longitude}"


class TemplateBeacon(TemplateChild):
    """An iBeacon near which the pass appears."""

    template = models.ForeignKey(PassTemplate, on_delete=models.CASCADE, related_name="beacons")
    uuid = models.UUIDField(_("UUID"))
    major = models.PositiveIntegerField(_("major"), null=True, blank=True, validators=[MaxValueValidator(65535)])
    minor = models.PositiveIntegerField(_("minor"), null=True, blank=True, validators=[MaxValueValidator(65535)])
    text = models.CharField(_("text"), max_length=200, blank=True, default="", help_text=_LOCK_SCREEN)

    class Meta:
        verbose_name = _("beacon")
        verbose_name_plural = _("beacons")
        ordering = ["id"]

    def __str__(self) -> str:
        return self.text or str(self.uuid)


class TemplateMoment(TemplateChild):
    """A time around which the pass appears: a moment, or from one to another within a day."""

    template = models.ForeignKey(PassTemplate, on_delete=models.CASCADE, related_name="moments")
    starts = models.CharField(_("from"), max_length=300, validators=[validate_expression],
                              help_text=_("For example {{ event_starts }} or 2027-06-01T20:00."))  # fmt: skip
    ends = models.CharField(_("until"), max_length=300, blank=True, default="", validators=[validate_expression],
                            help_text=_("24 hours later at most. Empty: around that moment."))  # fmt: skip

    class Meta:
        verbose_name = _("time")
        verbose_name_plural = _("times")
        ordering = ["id"]

    def __str__(self) -> str:
        return self.starts


class TemplateAction(TemplateChild):
    """A button on the pass, from iOS 27."""

    class Kind(models.TextChoices):
        SHOP = "shop", _("Shop")
        ORDER = "order", _("Order")
        MEMBERSHIP = "membershipBenefits", _("Membership benefits")
        OFFERS = "viewOffersRewards", _("Offers and rewards")
        ADD_TO_BALANCE = "addToBalance", _("Add to the balance")
        CALL = "call", _("Call")
        PLACE = "place", _("Show the place")
        APPOINTMENT = "bookAppointment", _("Book an appointment")
        CAR = "bookCar", _("Book a car")
        FLIGHT = "bookFlight", _("Book a flight")
        STAY = "bookStay", _("Book a stay")
        SCHEDULE = "viewSchedule", _("View the schedule")
        TRAILER = "watchTrailer", _("Watch the trailer")
        MUSIC = "listenToMusic", _("Listen to music")

    template = models.ForeignKey(PassTemplate, on_delete=models.CASCADE, related_name="actions")
    kind = models.CharField(_("button"), max_length=20, choices=Kind.choices)
    target = models.CharField(_("leads to"), max_length=500, validators=[validate_expression],
                              help_text=_("An address, or a place identifier of Apple Maps."))  # fmt: skip

    class Meta:
        verbose_name = _("button")
        verbose_name_plural = _("buttons")
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["template", "kind"], name="template_action_once")]

    def __str__(self) -> str:
        return self.get_kind_display()
