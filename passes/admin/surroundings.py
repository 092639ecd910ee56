"""The rare inlines of a template's form, closed until somebody needs them: times, places, beacons, buttons."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from passes.admin.parts import Parts
from passes.models import TemplateAction, TemplateBeacon, TemplateLocation, TemplateMoment
from portal.admin.base import TenantTabularInline


class Surroundings(Parts, TenantTabularInline):
    tab = False
    classes = ("collapse",)
    show_count = True


class MomentInline(Surroundings):
    model = TemplateMoment
    fields = ("starts", "ends")
    verbose_name_plural = _("Times at which it appears")


class LocationInline(Surroundings):
    model = TemplateLocation
    fields = ("latitude", "longitude", "altitude", "text")
    verbose_name_plural = _("Places near which it appears")


class BeaconInline(Surroundings):
    model = TemplateBeacon
    fields = ("uuid", "major", "minor", "text")
    verbose_name_plural = _("Beacons near which it appears")


class ActionInline(Surroundings):
    model = TemplateAction
    fields = ("kind", "target")
    max_num = 2  # iOS shows no more
    verbose_name_plural = _("Buttons on the pass")
