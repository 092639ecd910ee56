"""The lines of a pairing in its form: each says what is wrong with it, beside its own field."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.forms.models import BaseInlineFormSet
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from integrations.pairing.findings import LINES_MOST, Finding, Severity, Written, findings, known_of
from integrations.pairing.models import ConsentMapping, Pairing
from integrations.pairing.registry import is_known
from portal.admin.base import TenantStackedInline
from portal.admin.forms import TenantForm
from portal.tenancy import Action

MAPPINGS = "mappings"  # how the page's script and its lists of names call the lines
STORED = "stored"
OF_SUBSCRIPTIONS = ("value_name", "policy")


def _typed(**attrs: str) -> UnfoldAdminTextInputWidget:
    return UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "spellcheck": "false", **attrs})


class LineForm(TenantForm):
    class Meta:
        model = ConsentMapping
        fields = ("part", "target", "path", "value_name", "policy")
        widgets = {
            "part": UnfoldAdminSelectWidget(attrs={"data-names": MAPPINGS, "data-options": ""}),
            "target": _typed(), "path": _typed(list=f"{MAPPINGS}-paths"), "value_name": _typed(),
        }  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "part" not in self.fields:  # of somebody who only reads
            return
        self.fields["part"].widget.attrs |= {"data-names": MAPPINGS, "data-options": ""}
        self.fields["target"].widget.attrs["list"] = f"{MAPPINGS}-{self['part'].value()}"
        for name in OF_SUBSCRIPTIONS:
            self.fields[name].widget.attrs["data-types"] = ConsentMapping.Part.SUBSCRIPTION.value

    def clean_target(self) -> str:
        return str(self.cleaned_data["target"]).strip()

    def clean_path(self) -> str:
        return str(self.cleaned_data["path"]).strip()

    def validate_unique(self) -> None:
        """Compared with stored lines that the form may not show. Told at the field, since a line has no other place."""
        super().validate_unique()
        if found := self.errors.pop(NON_FIELD_ERRORS, None):
            for error in found.as_data():
                if error.code == "unique_together":
                    self.add_error("target", _stored(_t("Another line is about this already.")))
                else:
                    self.add_error("value_name", _stored(_t("Another line fills this value.")))


def _stored(sentence: str) -> ValidationError:
    return ValidationError(sentence, code=STORED)


class LineFormSet(BaseInlineFormSet):
    """Tells each line what is wrong with it beside the others, and all of it at once."""

    default_error_messages = {
        **BaseInlineFormSet.default_error_messages,
        "too_many_forms": _("A pairing has 100 lines at most."),
    }

    def lines(self) -> list[Written]:
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
        for finding in found_in(self.lines(), self.instance):
            if finding.severity == Severity.ERROR:
                form = by_key[finding.line]
                said = form.errors.as_data().get(finding.field, ())
                if any(each.code == STORED for each in said):
                    del form.errors[finding.field]  # the same, of the line that is stored
                form.add_error(finding.field, finding.sentence)


def found_in(lines: list[Written], pairing: Pairing) -> list[Finding]:
    """Nothing can be said while a connection is not chosen yet, or its vendor is gone."""
    known = is_known(pairing.consents) and is_known(pairing.profiles)
    return findings(lines, known_of(pairing)) if known else []


def line_of(form: Any) -> Written:
    """The line as it stands in the form, right or wrong."""
    names = ("part", "target", "path", "value_name")
    values = {name: str(form[name].value() or "").strip() for name in names}
    kept = form.instance.pk is not None and form.initial.get("target") == values["target"]
    return Written(form.prefix, **values, kept=kept)


def stored_lines(pairing: Pairing) -> list[Written]:
    return [
        Written(f"{MAPPINGS}-{place}", each.part, each.target, each.path, each.value_name, kept=True)
        for place, each in enumerate(pairing.mappings.order_by("pk"))
    ]


class LineInline(TenantStackedInline):
    model = ConsentMapping
    form = LineForm
    formset = LineFormSet
    change_action = add_action = delete_action = Action.CONFIGURE
    max_num = LINES_MOST
    fieldsets = ((None, {"fields": [("part", "target"), "path", ("value_name", "policy")]}),)
    verbose_name = _("line")
    verbose_name_plural = _("Mappings")
    tab = True
