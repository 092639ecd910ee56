"""The page that connects Actito step by step: where it is; entity, profile table, unique attribute from lists."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from integrations.actito import guide
from integrations.actito.asking import ask_anew
from integrations.actito.environments import ENVIRONMENTS, OWN
from integrations.actito.guide import Draft, Wrong
from integrations.actito.models import ActitoConnection
from portal.admin.rights import allowed_tenants, rows
from portal.models import Tenant
from portal.sentences import told
from portal.tenancy import Action

BY_HAND = "-"
LOST = _("These steps were begun too long ago, or in another window. Begin again: nothing was stored.")


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

    def __init__(self, tenants: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["tenant"].queryset = tenants  # type: ignore[attr-defined]
        self.tenants = tenants
        if len(tenants) == 1:
            del self.fields["tenant"]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        own = cleaned.get("environment") == OWN
        if own and not cleaned.get("host") and "host" not in self.errors:
            self.add_error("host", _t("Enter the address."))
        cleaned["address"] = cleaned.get("host") if own else cleaned.get("environment")
        if cleaned.get("account") and cleaned.get("path_style") not in {"", ActitoConnection.PathStyle.LEGACY}:
            self.add_error("path_style", _t("Accounts of old licences are known at the oldest addresses only."))
        return cleaned

    def draft(self) -> Draft:
        given = self.cleaned_data
        tenant: Tenant = given.get("tenant") or self.tenants[0]
        return guide.begin(tenant.pk, host=given["address"].rstrip("/"), account=given["account"],
                           api_key=given["api_key"].strip(), path_style=given["path_style"])  # fmt: skip


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


class Guide:
    """Of the connection's admin: `connect/` begins, `connect/?draft=…` goes on where the draft stands."""

    guided_add = "admin:actito_actitoconnection_connect"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view  # type: ignore[attr-defined]
        return [
            path("connect/", view(self.guide_view), name="actito_actitoconnection_connect"),
            *super().get_urls(),  # type: ignore[misc]
        ]

    def _tenants(self, request: HttpRequest) -> Any:
        found = Tenant.objects.filter(pk__in=allowed_tenants(request, Action.CONNECT)).order_by("name")
        if not found:
            raise PermissionDenied
        return found

    def guide_view(self, request: HttpRequest) -> HttpResponse:
        tenants, key = self._tenants(request), request.GET.get("draft")
        return self._begin(request, tenants) if key is None else self._step(request, tenants, key)

    def _begin(self, request: HttpRequest, tenants: Any) -> HttpResponse:
        form = WhereForm(tenants, request.POST or None)
        if request.method == "POST" and form.is_valid():
            draft = _tried(form, form.draft)
            if draft is not None:
                self._skip(draft)
                return self._go_on(request, draft)
        return self._page(request, form, None, 1)

    def _step(self, request: HttpRequest, tenants: Any, key: str) -> HttpResponse:
        draft = guide.load(request.session, key)
        if draft is None or all(each.pk != draft.tenant for each in tenants):
            messages.warning(request, LOST)
            return HttpResponseRedirect(reverse(self.guided_add))
        if request.method == "POST" and "back" in request.POST:
            return self._back(request, draft)
        form, number = self._form(request, draft)
        if request.method == "POST" and form.is_valid():
            if number == 4:
                if made := _tried(form, lambda: self._made(request, draft, form)):
                    return HttpResponseRedirect(made)
            elif _tried(form, lambda: self._choose(draft, number, form.chosen())):
                return self._go_on(request, draft)
        return self._page(request, form, draft, number)

    def _form(self, request: HttpRequest, draft: Draft) -> tuple[ChoiceStep, int]:
        posted = request.POST or None
        if not draft.entity:
            return EntityForm(draft.entities, posted), 2
        if not draft.table:
            return TableForm(draft.tables, posted), 3
        return LastForm(draft.unique, posted, initial=self._proposed(request, draft)), 4

    def _proposed(self, request: HttpRequest, draft: Draft) -> dict[str, str]:
        unique = draft.unique or []
        same_host = rows(request, ActitoConnection).filter(tenant=draft.tenant, host=draft.host)
        licence = same_host.values_list("licence", flat=True).first()
        return {
            "unique_key": "emailAddress" if "emailAddress" in unique or not unique else unique[0],
            "language_attribute": "motherLanguage",
            "connection_name": draft.table,
            "licence": licence or draft.account.partition("/")[0] or draft.entity,
        }

    def _choose(self, draft: Draft, number: int, chosen: str) -> bool:
        if number == 2:
            guide.choose_entity(draft, chosen)
            self._skip(draft)
        else:
            guide.choose_table(draft, chosen)
        return True

    def _skip(self, draft: Draft) -> None:
        """Of one entity or one table there is nothing to choose. What goes wrong is told on the page of that step."""
        try:
            if not draft.entity and draft.entities and len(draft.entities) == 1:
                guide.choose_entity(draft, draft.entities[0])
            if draft.entity and not draft.table and draft.tables and len(draft.tables) == 1:
                guide.choose_table(draft, draft.tables[0])
        except Wrong:
            draft.entity = draft.entity if draft.tables is not None else ""
            draft.table = ""

    def _made(self, request: HttpRequest, draft: Draft, form: ChoiceStep) -> str:
        """The address of the new connection's page."""
        given, unique_key = form.cleaned_data, form.chosen()
        guide.check_unique(draft, unique_key)
        made = draft.connection()
        made.name, made.licence, made.unique_key = given["connection_name"], given["licence"], unique_key
        made.language_attribute = given["language_attribute"]
        try:
            made.full_clean(exclude=["lane"])
        except ValidationError as error:
            form.add_error("connection_name", list(error.messages))
            return ""
        with transaction.atomic():
            made.save()
            self.log_addition(request, made, [{"added": {}}])  # type: ignore[attr-defined]
            ask_anew(made)
        guide.forget(request.session, draft)
        messages.success(request, _("Connected. Map the values to bring in, then make the webhooks."))
        return self.change_url(made)  # type: ignore[attr-defined,no-any-return]

    def _back(self, request: HttpRequest, draft: Draft) -> HttpResponse:
        """To the last step that had a choice; from the first one, to the beginning."""
        if draft.table and (draft.tables is None or len(draft.tables) != 1):
            draft.table = ""
        elif draft.entity and (draft.entities is None or len(draft.entities) != 1):
            draft.table = draft.entity = ""
        else:
            guide.forget(request.session, draft)
            return HttpResponseRedirect(reverse(self.guided_add))
        return self._go_on(request, draft)

    def _go_on(self, request: HttpRequest, draft: Draft) -> HttpResponse:
        guide.store(request.session, draft)
        return HttpResponseRedirect(f"{reverse(self.guided_add)}?draft={draft.key}")

    def _page(self, request: HttpRequest, form: Any, draft: Draft | None, number: int) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            "title": _("Connect Actito"),
            "form": form,
            "number": number,
            "so_far": _so_far(draft) if draft else [],
            "no_list": draft is not None and not form.listed,
            "by_hand_url": reverse("admin:actito_actitoconnection_add"),
        }
        return TemplateResponse(request, "admin/actito/connect.html", context)


def _so_far(draft: Draft) -> list[tuple[Any, str]]:
    style = dict(ActitoConnection.PathStyle.choices)[draft.path_style]
    found = [(_("Actito"), draft.host), (_("Path style"), str(style)), (_("Entity"), draft.entity),
             (_("Profile table"), draft.table)]  # fmt: skip
    return [(title, value) for title, value in found if value]


def _tried(form: forms.Form, step: Any) -> Any:
    """What the step gives; None where something is wrong, which the form then says by the field that it is about."""
    try:
        return step()
    except Wrong as wrong:
        by_hand = "by_hand" in form.fields and form.cleaned_data.get(wrong.field) == BY_HAND
        name = "by_hand" if by_hand else wrong.field
        form.add_error(name if name in form.fields else None, told(wrong.sentence))
        return None
