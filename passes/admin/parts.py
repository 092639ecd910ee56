"""The inlines of a template's form: fields, translations, images."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import JSONField
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminSelectWidget

from passes.admin.entries import DocumentField, PngInput
from passes.admin.preview import picture
from passes.images import ImageError, inspect_png
from passes.models import TemplateCondition, TemplateField, TemplateImage, TemplateText
from portal.admin.base import TenantStackedInline, TenantTabularInline
from portal.admin.forms import TenantForm
from portal.tenancy import Action


class ImageForm(TenantForm):
    language = forms.ChoiceField(
        label=capfirst(TemplateImage._meta.get_field("language").verbose_name),
        choices=[("", _("Every language")), *settings.LANGUAGES],
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    data = forms.FileField(label=_("PNG"), widget=PngInput, required=True)

    class Meta:
        model = TemplateImage
        fields = ("role", "scale", "language", "data")

    def clean_data(self) -> bytes:
        given = self.cleaned_data["data"]
        data = given.read() if hasattr(given, "read") else bytes(given)
        try:
            inspect_png(data)
        except ImageError as error:
            raise ValidationError(str(error)) from error
        return data


class Parts:
    """What the inlines of a template have in common."""

    view_action = Action.VIEW
    change_action = add_action = delete_action = Action.CONFIGURE
    tab = True

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if isinstance(db_field, JSONField):
            kwargs["form_class"] = DocumentField
        return super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]


class FieldForm(TenantForm):
    detectors = forms.MultipleChoiceField(
        label=capfirst(TemplateField._meta.get_field("detectors").verbose_name), choices=TemplateField.Detector.choices,
        help_text=TemplateField._meta.get_field("detectors").help_text, required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )  # fmt: skip

    class Meta:
        model = TemplateField
        fields = "__all__"


class FieldInline(Parts, TenantStackedInline):
    model = TemplateField
    form = FieldForm
    verbose_name_plural = _("Fields")
    fieldsets = (
        (None, {"fields": [("position", "place", "key", "label"), ("expression", "change_message")]}),
        (_("Format, link, alignment"), {"classes": ["collapse"], "fields": [
            ("format", "currency"), ("date_style", "time_style"), ("relative", "fixed_zone"),
            ("alignment", "second_row"), "link", "detectors", "semantics",
        ]}),
    )  # fmt: skip


class ConditionInline(Parts, TenantTabularInline):
    model = TemplateCondition
    fields = ("name", "operator", "value")
    max_num = 20
    verbose_name_plural = _("Conditions")


class TextInline(Parts, TenantTabularInline):
    model = TemplateText
    fields = ("language", "text", "translation")
    verbose_name_plural = _("Translations")


class ImageInline(Parts, TenantTabularInline):
    model = TemplateImage
    form = ImageForm
    fields = ("role", "scale", "language", "data")
    verbose_name_plural = _("Images")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["role", "scale", "language", "data" if self.has_change_permission(request, obj) else "shown"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["shown"] if not self.has_change_permission(request, obj) else []

    @display(description=_("PNG"))
    def shown(self, image: TemplateImage) -> str:
        return format_html('<img class="portal-thumb" alt="" src="{}">', picture(image)) if image.data else "–"
