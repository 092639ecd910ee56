"""API keys: made and shown once, listed by their beginning, revoked for good."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.views import ChangeList
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from portal.access import make_key
from portal.admin import navigation
from portal.admin.base import TenantAdmin
from portal.admin.chips import chip
from portal.admin.dialogs import DialogForm, dialog, finished, result
from portal.admin.extend import extensions
from portal.admin.rights import allowed_tenants
from portal.admin.site import site
from portal.models import ApiKey, Scope, Tenant
from portal.tenancy import Action


class KeyForm(DialogForm):
    """What a new key is for. Connections of other tenants are no choices, so a forged one is refused."""

    tenant = forms.ChoiceField(label=_("Tenant"), widget=UnfoldAdminSelectWidget)
    name = forms.CharField(
        label=_("Name"), max_length=100, widget=UnfoldAdminTextInputWidget, help_text=_("What uses this key.")
    )
    scopes = forms.MultipleChoiceField(
        label=_("It may"), choices=Scope.choices, initial=[Scope.ACTITO_LISTENER],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )  # fmt: skip
    bound_to = forms.ChoiceField(
        label=_("Connection"), required=False, widget=UnfoldAdminSelectWidget,
        help_text=_("Which connection speaks with this key. Needed as soon as there are two."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tenants = Tenant.objects.filter(pk__in=allowed_tenants(self.request, Action.CONNECT))
        self.tenants = {str(tenant.pk): tenant for tenant in tenants}
        accounts = [one for one in extensions.accounts_of(tenant.pk for tenant in tenants) if one.source]
        self.owners = {one.source: one.tenant_id for one in accounts}
        self.fields["bound_to"].choices = [
            ("", _("The tenant's only one")),
            *((one.source, one.title) for one in accounts),
        ]
        if len(self.tenants) == 1:
            del self.fields["tenant"]
        else:
            self.fields["tenant"].choices = [(key, tenant.name) for key, tenant in self.tenants.items()]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        chosen = cleaned.get("tenant") or next(iter(self.tenants), "")
        self.tenant = self.tenants.get(chosen)
        bound_to = cleaned.get("bound_to")
        if self.tenant and bound_to and self.owners.get(bound_to) != self.tenant.pk:
            self.add_error("bound_to", _("Choose a connection of this tenant."))
        return cleaned


def _accounts(keys: Iterable[ApiKey]) -> dict[int, str]:
    """Key id -> the connection it is bound to, by name."""
    keys = list(keys)
    titles = {one.source: one.title for one in extensions.accounts_of({key.tenant_id for key in keys})}
    return {key.pk: titles.get(key.bound_to, key.bound_to) or str(_("The tenant's only one")) for key in keys}


class KeyList(ChangeList):
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        accounts = _accounts(self.result_list)
        for key in self.result_list:
            key.account = accounts[key.pk]


@admin.register(ApiKey, site=site)
class ApiKeyAdmin(TenantAdmin):
    view_action = change_action = Action.CONNECT
    list_display = ("name", "beginning", "may", "connection", "last_used_at", "state")
    fieldsets = (
        (None, {"fields": ["name", "expires_at"]}),
        (_("What it is"), {"fields": ["beginning", "may", "connection", "created_at", "last_used_at", "state"]}),
    )
    readonly_fields = ("beginning", "may", "connection", "created_at", "last_used_at", "state")
    actions_list = ("make",)
    actions_detail = ("revoke",)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return KeyList

    @display(description=_("Key"))
    def beginning(self, key: ApiKey) -> str:
        return f"awp_{key.prefix}_…"

    @display(description=_("It may"))
    def may(self, key: ApiKey) -> str:
        known = dict(Scope.choices)
        return ", ".join(str(known.get(scope, scope)) for scope in key.scopes)

    @display(description=_("Connection"))
    def connection(self, key: ApiKey) -> str:
        return getattr(key, "account", None) or _accounts([key])[key.pk]

    @display(description=_("State"))
    def state(self, key: ApiKey) -> str:
        if key.revoked_at:
            return chip("bad", _("Revoked"))
        if key.expires_at and key.expires_at <= timezone.now():
            return chip("bad", _("Expired"))
        return chip("good", _("Valid"))

    @dialog(
        label=_("Make a key"), needs=Action.CONNECT, title=_("Make an API key"), form=KeyForm, icon="key",
        description=_("The key is shown once, right after it is made. Only its fingerprint is kept."),
        variant=ActionVariant.PRIMARY,
    )  # fmt: skip
    def make(self, request: HttpRequest, form: KeyForm) -> HttpResponse:
        given = form.cleaned_data
        key, text = make_key(form.tenant, given["name"], given["scopes"], given["bound_to"])
        self.log_addition(request, key, [{"added": {}}])
        done_url = reverse("admin:portal_apikey_changelist")
        return result(request, "admin/portal/key_made.html", {"key": key, "text": text, "done_url": done_url})

    @dialog(
        label=_("Revoke"), needs=Action.CONNECT, title=_("Revoke this key?"), icon="block",
        description=_("Whoever uses it is refused within five seconds. It cannot be made valid again."),
        variant=ActionVariant.DANGER,
    )  # fmt: skip
    def revoke(self, request: HttpRequest, form: DialogForm, key: ApiKey) -> HttpResponse:
        ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())
        self.log_change(request, key, str(_("Revoked.")))
        return finished(request, reverse("admin:portal_apikey_changelist"), _("The key is revoked."))

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        key = self.get_object(request, object_id)
        return super().get_actions_detail(request, object_id) if key and not key.revoked_at else []


navigation.add(ApiKey, _("API keys"), icon="key", group=navigation.TEAM, position=20)
