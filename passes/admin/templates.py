"""Pass templates: the design, its fields, translations and images, and publishing a change."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, JSONField, OuterRef, Prefetch, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, ngettext
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminColorInputWidget, UnfoldBooleanSwitchWidget

from passes.admin.changes import samples
from passes.admin.entries import ColourField, DocumentField
from passes.admin.findings import shown
from passes.admin.live import LivePreview, preview_url
from passes.admin.parts import ConditionInline, FieldInline, ImageInline, TextInline
from passes.admin.preview import sample_card
from passes.admin.ready import ReadyDesigns
from passes.admin.surroundings import ActionInline, BeaconInline, LocationInline, MomentInline
from passes.design import design_of
from passes.eligible import share
from passes.findings import Severity
from passes.inspection import inspect_template
from passes.issuing import is_open
from passes.links import link_to_join
from passes.models import PassTemplate, TemplateImage, WalletPass
from passes.publication import Refused, publish
from passes.qr import qr_address
from portal.admin import navigation
from portal.admin.base import TenantAdmin
from portal.admin.chips import chip
from portal.admin.dialogs import DialogForm, dialog, finished, leads_to
from portal.admin.extend import Link, extensions
from portal.admin.rights import row
from portal.admin.site import site
from portal.tenancy import Action

# What a design is made of, beside the pictures.
_DESIGNED = ("fields", "texts", "locations", "beacons", "moments", "actions", "conditions")


def _told_of(template: PassTemplate) -> dict[str, Any]:
    """What the page of a template says of it as it is saved."""
    found = shown(inspect_template(template), template)
    return {**sample_card(template), "findings": found, "share": share(template), **_poster(template)}


def _poster(template: PassTemplate) -> dict[str, str]:
    """The link for posters, and its QR code as an SVG file."""
    if not is_open(template):
        return {}
    address = link_to_join(template)
    return {"join_url": address, "join_code": qr_address(address), "join_file": f"{slugify(template.name)}-qr.svg"}


class PublishForm(DialogForm):
    silent = forms.BooleanField(
        label=_("Silently"), required=False, widget=UnfoldBooleanSwitchWidget,
        help_text=_("Phones show the new design without a line on the lock screen."),
    )  # fmt: skip
    form_before_template = "admin/passes/publish.html"

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> dict[str, Any]:
        template = row(request, PassTemplate, object_id, Action.CONFIGURE)
        errors = [finding for finding in inspect_template(template) if finding.severity == Severity.ERROR]
        return {
            "count": template.passes.count(),
            "samples": samples(template),
            "findings": shown(errors, template),
            "share": share(template),
        }


@admin.register(PassTemplate, site=site)
class PassTemplateAdmin(ReadyDesigns, LivePreview, TenantAdmin):
    change_action = add_action = delete_action = Action.CONFIGURE
    list_display = ("name", "kind", "issue", "apple", "passes_made", "state")
    list_select_related = ("apple",)
    compressed_fields = False
    empty_sentence = _("A template is the design of a card: its colours, pictures and texts, and what changes on it.")
    inlines = (
        FieldInline, TextInline, ImageInline, ConditionInline, MomentInline, LocationInline, BeaconInline, ActionInline,
    )  # fmt: skip
    change_form_template = "admin/passes/template.html"
    actions_detail = ("publish",)
    fieldsets = (
        (
            None,
            {
                "fields": [
                    ("name", "kind"),
                    ("issue", "any_condition"),
                    ("open_enrolment", "link_days"),
                    ("apple", "google"),
                    "active",
                ]
            },
        ),
        (
            _("On the card"),
            {"fields": [("organization_name", "logo_text"), ("description", "language"), "carries_messages"]},
        ),
        (_("Colours"), {"fields": [("background_colour", "text_colour", "label_colour")]}),
        (_("Barcode"), {"fields": [("barcode_format", "barcode_message"), "barcode_text"]}),
        (_("Preview"), {"classes": ["collapse"], "fields": ["sample_values"]}),
        (_("Validity"), {"fields": [("expires", "grouping")]}),
        (
            _("Apple Wallet: layout, app, sharing"),
            {
                "classes": ["collapse"],
                "fields": [
                    ("apple_style", "poster"),
                    ("store_ids", "app_link"),
                    ("sharing_prohibited", "max_distance"),
                ],
            },
        ),
        (_("Apple Wallet: NFC"), {"classes": ["collapse"], "fields": [("nfc_message", "nfc_confirmed"), "nfc_key"]}),
        (_("Apple Wallet: additions"), {"classes": ["collapse"], "fields": ["apple_additions"]}),
        (_("Google Wallet: additions"), {"classes": ["collapse"], "fields": ["google_additions"]}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        made = WalletPass.objects.filter(template=OuterRef("pk")).order_by().values("template")
        count = Coalesce(Subquery(made.annotate(number=Count("pk")).values("number")), 0)
        # The state compares the saved design with the published one, for which no picture needs to be read.
        images = Prefetch("images", TemplateImage.objects.defer("data"))
        return super().get_queryset(request).annotate(made=count).prefetch_related(*_DESIGNED, images)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name.endswith("_colour"):
            return db_field.formfield(form_class=ColourField, widget=UnfoldAdminColorInputWidget)
        if isinstance(db_field, JSONField):
            kwargs["form_class"] = DocumentField
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    @display(description=_("Passes"), ordering="made")
    def passes_made(self, template: PassTemplate) -> int:
        return template.made

    @display(description=_("State"))
    def state(self, template: PassTemplate) -> str:
        if not template.active:
            return chip("quiet", _("Off"))
        if template.published is None:
            return chip("warn", _("Not published yet"))
        if template.published != design_of(template):
            return chip("warn", _("Changes not published"))
        return chip("good", _("Published"))

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        template = self.get_object(request, object_id)
        found = _told_of(template) if template else {}
        if template and self.has_change_permission(request, template):
            found["preview_url"] = preview_url(template)
        return super().change_view(request, object_id, form_url, {**found, **(extra_context or {})})

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        template = PassTemplate.objects.get(pk=form.instance.pk)
        errors = sum(finding.severity == Severity.ERROR for finding in inspect_template(template))
        if errors:
            said = ngettext("It cannot be published yet: there is %(count)s error in it.",
                            "It cannot be published yet: there are %(count)s errors in it.", errors)  # fmt: skip
            messages.warning(request, said % {"count": errors})

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not while somebody has a pass of it: switching it off ends new ones."""
        held = obj is not None and WalletPass.objects.filter(template=obj).exists()
        return super().has_delete_permission(request, obj) and not held

    @dialog(
        label=_("Publish"), needs=Action.CONFIGURE, title=_("Publish this template?"), form=PublishForm,
        icon="send", variant=ActionVariant.PRIMARY,
    )  # fmt: skip
    def publish(self, request: HttpRequest, form: PublishForm, template: PassTemplate) -> HttpResponse:
        try:
            job = publish(template, by=request.user, silent=form.cleaned_data["silent"])
        except Refused:
            page = reverse("admin:passes_passtemplate_change", args=[template.pk])
            return finished(request, page, _("Not published: the errors below come first."), messages.ERROR)
        said = gettext_noop("Published silently.") if form.cleaned_data["silent"] else gettext_noop("Published.")
        self.log_change(request, template, said)
        url = reverse("admin:portal_job_change", args=[job.pk])
        return leads_to(request, url, _("Published. The passes are being renewed; follow them here."))


extensions.links["template"] = Link("template", _("Template"), PassTemplate, "admin:passes_passtemplate_change")
navigation.add(PassTemplate, _("Templates"), icon="style", group=navigation.SET_UP, position=10)
