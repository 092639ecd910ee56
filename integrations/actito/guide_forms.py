"""Forms of connecting step by step: where Actito is, then a choice from what it lists."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from integrations.actito import guide
from integrations.actito.environments import ENVIRONMENTS, OWN
from integrations.actito.guide import Draft
from integrations.actito.models import ActitoConnection
from portal.models import Tenant

BY_HAND = "-"


def _text(label: Any, limit: int, help_text: Any = "", *, required: bool = True) -> forms.CharField:
    return forms.CharField(label=label, max_length=limit, help_text=help_text, required=required,
                           widget=UnfoldAdminTextInputWidget)  # fmt: skip


class WhereForm(forms.Form):
    """Step 1. `tenants` are those that the person may connect."""

    title, note = (
        _("Where is Actito?"),
        _("Actito shows the address and the key under “Manage API users → View API key”."),
    )
    tenant = forms.ModelChoiceField(label=_("Tenant"), queryset=Tenant.objects.none(), empty_label=None,
                                    widget=UnfoldAdminSelectWidget)  # fmt: skip
    environment = forms.ChoiceField(label=_("Environment"), choices=ENVIRONMENTS, widget=UnfoldAdminSelectWidget)
    host = forms.URLField(label=_("Another address"), required=False, assume_scheme="https", max_length=200,
                          widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "url"}),
                          help_text=_("Only for “Another address”, such as https://api9.actito.com."))  # fmt: skip
    api_key = forms.CharField(label=_("API key"), max_length=2000, help_text=_("It is stored encrypted."),
                              widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}))  # fmt: skip
    account = _text(_("Account of an old licence"), 150, required=False, help_text=_(
        "licence/account, for HTTP Basic, with its password in place of the API key. Else empty."))  # fmt: skip
    path_style = forms.ChoiceField(
        label=_("Path style"), required=False, widget=UnfoldAdminSelectWidget,
        choices=[("", _("Found by trying")), *ActitoConnection.PathStyle.choices],
    )  # fmt: skip

    def __init__(self, tenants: Any, posted: Any = None, *, again: ActitoConnection | None = None) -> None:
        super().__init__(posted, initial=_where(again) if again else None)
        self.fields["tenant"].queryset = tenants  # type: ignore[attr-defined]
        self.tenants, self.again = tenants, again
        if again:
            self.fields["api_key"].required = False
            self.fields["api_key"].help_text = _("Stored. Leave empty to keep it, or enter a new one.")
        if len(tenants) == 1 or again:
            del self.fields["tenant"]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        own = cleaned.get("environment") == OWN
        if own and not cleaned.get("host") and "host" not in self.errors:
            self.add_error("host", _t("Enter the address."))
        cleaned["address"] = cleaned.get("host") if own else cleaned.get("environment")
        if cleaned.get("account") and cleaned.get("path_style") not in {"", ActitoConnection.PathStyle.LEGACY}:
            self.add_error("path_style", _t("Accounts of old licences are known at the oldest addresses only."))
        if self.again and not cleaned.get("api_key") and not self._goes_where_it_went(self.again, cleaned):
            said = _t("Enter the %(secret)s again: it would go to another address.")
            self.add_error("api_key", said % {"secret": _t("API key")})
        return cleaned

    def _goes_where_it_went(self, again: ActitoConnection, cleaned: dict[str, Any]) -> bool:
        address = (cleaned["address"] or "").rstrip("/"), cleaned.get("account", "")
        return address == (again.host.rstrip("/"), again.account)

    def draft(self) -> Draft:
        given = self.cleaned_data
        tenant: Tenant = self.again.tenant if self.again else given.get("tenant") or self.tenants[0]
        return guide.begin(tenant.pk, host=given["address"].rstrip("/"), account=given["account"], again=self.again,
                           api_key=given["api_key"].strip(), path_style=given["path_style"])  # fmt: skip


def _where(connection: ActitoConnection) -> dict[str, str]:
    """What the first step shows of a connection: never its key."""
    known = connection.host.rstrip("/") in dict(ENVIRONMENTS)
    place = {"environment": connection.host.rstrip("/")} if known else {"environment": OWN, "host": connection.host}
    return {**place, "account": connection.account, "path_style": connection.path_style}


class ChoiceStep(forms.Form):
    """One choice from a list that Actito gave, or typed by hand where it is not in it, or there is no list."""

    title: Any
    note: Any
    name: str
    limit: int

    def __init__(self, listed: list[str] | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.listed = listed
        label = self.fields[self.name].label
        if listed:
            choices = [(each, each) for each in listed] + [(BY_HAND, _("Another one, typed below"))]
            self.fields[self.name] = forms.ChoiceField(label=label, choices=choices, widget=UnfoldAdminSelectWidget)
            self.fields["by_hand"] = _text(
                _("Another one"), self.limit, _("Only for “Another one, typed below”."), required=False
            )

    def chosen(self) -> str:
        found = self.cleaned_data[self.name]
        return str(self.cleaned_data["by_hand"].strip() if self.listed and found == BY_HAND else found)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.listed and cleaned.get(self.name) == BY_HAND and not cleaned.get("by_hand", "").strip():
            self.add_error("by_hand", _t("Enter its name."))
        return cleaned


class EntityForm(ChoiceStep):
    title, note, name, limit = _("Which entity?"), _("The API key reaches these."), "entity", 100
    entity = _text(_("Entity"), 100)


class TableForm(ChoiceStep):
    title, note, name, limit = _("Which profile table?"), _("The people who get cards are in it."), "table", 100
    table = _text(_("Profile table"), 100)


class LastForm(ChoiceStep):
    title, name, limit = _("What names a person?"), "unique_key", 50
    note = _("A unique attribute: no two profiles share a value of it. Custom actions and files find people by it.")
    unique_key = _text(_("Unique attribute"), 50)
    language_attribute = _text(_("Language attribute"), 50, required=False,
                               help_text=_("Its value, such as FR, chooses the card's language."))  # fmt: skip
    connection_name = _text(_("Name of the connection"), 100, _("As it is called here."))
    licence = _text(_("Licence"), 100, _("Connections of one licence share its limits."))

    field_order = ["unique_key", "by_hand", "language_attribute", "connection_name", "licence"]

    def __init__(self, listed: list[str] | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(listed, *args, **kwargs)
        self.order_fields(self.field_order)
