"""The mapping editor: lines that know what Actito's table has, and beside them what they make of a real profile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.core.exceptions import NON_FIELD_ERRORS
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from integrations.actito.client import ActitoClient
from integrations.actito.mapping_check import Finding, Known, Line, Severity, findings
from integrations.actito.models import ActitoConnection, AttributeMapping, ParameterMapping
from integrations.actito.structure import kept_of
from integrations.actito.tables import PARTS, Item
from integrations.mapping import ValueType, map_document
from portal.admin.base import TenantStackedInline
from portal.admin.forms import TenantForm
from portal.ledger import Failure
from portal.sentences import told
from portal.templatetags.portal_admin import plain
from portal.tenancy import Action

MAPPINGS = "mappings"
READ_SECONDS = 5.0  # a person waits
DOCUMENT_SECONDS = 3600
PROFILE_LENGTH, RAW_SHOWN = 255, 80
# Which type an option is for; the page shows the others' away.
OPTIONS = {"decimals": "number money", "currency": "money", "date_format": "date", "answers": "choice"}


def known_of(connection: ActitoConnection) -> Known:
    kept = kept_of(connection) if connection.pk else None
    if kept is None:
        return Known(unique_key=connection.unique_key)
    return Known(kept.structure(), kept.open_changes(), connection.unique_key)


class ValueForm(TenantForm):
    """A line with a type and its options."""

    unique_field = "value_name"

    class Meta:
        widgets = {
            "value_type": UnfoldAdminSelectWidget(attrs={"data-options": ""}),
            "answers": UnfoldAdminTextareaWidget(attrs={"rows": 3, "spellcheck": "false"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, types in OPTIONS.items():
            if name in self.fields:
                self.fields[name].widget.attrs["data-types"] = types
        if "value_type" in self.fields:
            self.fields["value_type"].widget.attrs["data-options"] = ""

    def validate_unique(self) -> None:
        """A stacked line shows what is wrong with its fields, and nothing of the line as a whole."""
        super().validate_unique()
        if found := self.errors.pop(NON_FIELD_ERRORS, None):
            self.add_error(self.unique_field, found.as_data())


class ParameterForm(ValueForm):
    unique_field = "parameter"


class MappingForm(ValueForm):
    class Meta(ValueForm.Meta):
        model = AttributeMapping
        fields = "__all__"
        widgets = {**ValueForm.Meta.widgets, "attribute": UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "attribute" in self.fields and "part" in self.fields:
            self.fields["part"].widget.attrs["data-names"] = MAPPINGS
            self.fields["attribute"].widget.attrs["list"] = f"{MAPPINGS}-{self['part'].value()}"


class MappingFormSet(BaseInlineFormSet):
    """Tells each line what is wrong with it beside the others, and all of it at once."""

    def lines(self) -> list[Line]:
        return [line_of(form) for form in self.kept_forms()]

    def kept_forms(self) -> list[Any]:
        """The lines that would be saved: neither taken out nor left empty."""
        return [
            form for form in self.forms
            if not (self.can_delete and self._should_delete_form(form))
            and not (form.empty_permitted and not form.has_changed())
        ]  # fmt: skip

    def validate_unique(self) -> None:
        """Django's own sentence names no line."""
        by_key = {form.prefix: form for form in self.forms}
        for finding in findings(self.lines(), known_of(self.instance)):
            if finding.severity == Severity.ERROR:
                form = by_key[finding.line]
                told = form.errors.as_data().get(finding.field, ())
                if any(each.code == "unique_together" for each in told):
                    del form.errors[finding.field]  # the same, of the line that is stored
                form.add_error(finding.field, finding.sentence)


def line_of(form: Any) -> Line:
    """The line as it stands in the form, right or wrong."""
    names = ("part", "attribute", "value_name", "value_type", "date_format", "default")
    values = {name: form[name].value() for name in names}
    cleaned = {name: str(value or "").strip() for name, value in values.items()}
    return Line(form.prefix, identifies=bool(form["identifies"].value()), **cleaned)


def stored_lines(connection: ActitoConnection) -> list[Line]:
    return [
        Line(f"{MAPPINGS}-{place}", each.part, each.attribute, each.value_name, each.value_type, each.identifies,
             each.date_format, each.default)
        for place, each in enumerate(connection.mappings.order_by("pk"))
    ]  # fmt: skip


class MappingInline(TenantStackedInline):
    model = AttributeMapping
    form = MappingForm
    formset = MappingFormSet
    change_action = add_action = delete_action = Action.CONFIGURE
    fieldsets = (
        (None, {"fields": [("part", "attribute", "value_name", "value_type")]}),
        (_("Format, empty values, naming the customer"), {"classes": ["collapse"], "fields": [
            ("decimals", "currency"), "date_format", "answers", ("default", "keep_if_empty"), "identifies",
        ]}),
    )  # fmt: skip
    verbose_name_plural = _("Mappings")
    tab = True


class ParameterInline(TenantStackedInline):
    model = ParameterMapping
    form = ParameterForm
    change_action = add_action = delete_action = Action.CONFIGURE
    fieldsets = (
        (None, {"fields": [("parameter", "value_name", "value_type", "mode"), "pinned"]}),
        (_("Format, empty values"), {"classes": ["collapse"], "fields": [
            ("decimals", "currency"), "date_format", "answers", "default",
        ]}),
    )  # fmt: skip
    verbose_name_plural = _("Custom actions")
    tab = True


# The preview


@dataclass(frozen=True)
class Shown:
    """A line on the page: what Actito has, and what the line makes of it."""

    name: str
    attribute: str
    raw: str
    value: str
    problem: str


class _Impatient(ActitoClient):
    read_seconds = READ_SECONDS


class MappingPreview:
    """For the connection's admin."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.preview)
        return [path("<path:object_id>/preview/", view, name="actito_actitoconnection_preview"), *super().get_urls()]

    def preview(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What the lines of the posted form make of a profile, and what is wrong with them. Nothing is stored.

        `read` asks Actito for the profile; else it is the one that the page was given, signed, with the last answer.
        """
        connection = self.scoped_object(request, object_id, Action.CONFIGURE)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        inline = MappingInline(ActitoConnection, self.admin_site)
        formset = inline.get_formset(request, connection)(request.POST, instance=connection, prefix=MAPPINGS)
        asked = request.POST.get("preview_profile", "").strip()[:PROFILE_LENGTH]
        salt = f"actito.preview:{connection.pk}:{request.user.pk}"
        sentence, document = "", None
        if "read" in request.POST and asked:
            document, sentence = read_document(connection, asked)
        elif kept := request.POST.get("preview_document"):
            document = _unsigned(kept, salt)
        formset.is_valid()
        known = known_of(connection)
        context = {
            "findings": shown_findings([*_refused(formset), *findings(formset.lines(), known)], formset.lines()),
            "shown": [shown(form, document, known) for form in formset.kept_forms()] if document is not None else [],
            "document": signing.dumps(document, salt=salt, compress=True) if document is not None else "",
            "sentence": sentence,
            "nothing": document is not None and not formset.kept_forms(),
        }
        return render(request, "admin/actito/mapping_preview.html", context)


def read_document(connection: ActitoConnection, asked: str) -> tuple[dict[str, Any] | None, str]:
    """The profile's document, or the sentence of why there is none. One read of Actito, noted nowhere."""
    name = asked if asked.isdecimal() or "=" in asked else f"{connection.unique_key}={asked}"
    try:
        profile = _Impatient(connection).read_profile(name)
    except Failure as failure:
        return None, told(failure.sentence)
    if profile is None:
        return None, _t("Actito knows no profile “%(profile)s”, or hides it from this key.") % {"profile": asked}
    return profile.document(), ""


def _unsigned(kept: str, salt: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = signing.loads(kept, salt=salt, max_age=DOCUMENT_SECONDS)
    except signing.BadSignature:
        return None
    return found


def shown(form: Any, document: Mapping[str, Any], known: Known) -> Shown:
    line = line_of(form)
    source = f"{line.part}.{line.attribute}"
    raw = plain(document.get(source))
    raw = raw if len(raw) <= RAW_SHOWN else f"{raw[:RAW_SHOWN]}…"
    if form.errors:
        return Shown(line.value_name, line.attribute, raw, "", _t("Correct this line first."))
    mapping: AttributeMapping = form.instance
    mapped = map_document(document, [mapping.rule(source)])
    if mapped.errors:
        return Shown(line.value_name, line.attribute, raw, "", told(mapped.errors[0]))
    gone = source not in document and known.table is not None and known.table.lacks(line.name)
    if gone or mapping.value_name not in mapped.values:
        return Shown(line.value_name, line.attribute, raw, _t("stays as it is"), "")
    value = plain(mapped.values[mapping.value_name])
    money = mapping.value_type == ValueType.MONEY and mapping.currency and value != "–"
    return Shown(line.value_name, line.attribute, raw, f"{value} {mapping.currency}" if money else value, "")


def _refused(formset: MappingFormSet) -> list[Finding]:
    """What the fields of the lines say by themselves, such as a currency that is none."""
    own = {(finding.line, finding.sentence) for finding in findings(formset.lines(), known_of(formset.instance))}
    return [
        Finding(form.prefix, "value_name" if name == "__all__" else name, str(said), Severity.ERROR)
        for form in formset.kept_forms() for name, errors in form.errors.items() for said in errors
        if (form.prefix, str(said)) not in own
    ]  # fmt: skip


def shown_findings(found: Iterable[Finding], lines: list[Line]) -> list[dict[str, Any]]:
    names = {line.key: line.value_name or line.attribute or _t("New line") for line in lines}
    return [
        {
            "error": finding.severity == Severity.ERROR,
            "name": names.get(finding.line, ""),
            "field": f"id_{finding.line}-{finding.field}",
            "sentence": finding.sentence,
        }
        for finding in found
    ]


def preview_of(connection: ActitoConnection) -> dict[str, Any]:
    """What stands beside the form when the page opens: nothing is read from Actito yet."""
    known = known_of(connection)
    lines = stored_lines(connection)
    names = connection.profiles()
    return {
        "url": reverse("admin:actito_actitoconnection_preview", args=[connection.pk]),
        "profile": names.order_by("-pk").values_list("value", flat=True).first() or "",
        "findings": shown_findings(findings(lines, known), lines),
        "names": [(part, [_offer(item) for item in known.table.parts.get(part, {}).values()]) for part in PARTS]
        if known.table else [],
    }  # fmt: skip


def _offer(item: Item) -> tuple[str, str]:
    """An attribute's name, and what is told beside it where it is chosen."""
    return item.name, " · ".join(filter(None, [item.label, item.type]))
