"""OAuth2 clients: whose bearer tokens a tenant lets in. The tokens themselves are the issuer's."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextInputWidget

from portal import bearer
from portal.admin import navigation
from portal.admin.access import KeyForm
from portal.admin.base import TenantAdmin
from portal.admin.callers import CallerColumns
from portal.admin.chips import chip
from portal.admin.dialogs import DialogForm, dialog, finished
from portal.admin.site import site
from portal.models import OAuthClient
from portal.tenancy import Action

LIST = "admin:portal_oauthclient_changelist"


class ClientForm(KeyForm):
    """As for a key, save that a client has no end of its own: its tokens have."""

    expires = None
    name = forms.CharField(
        label=_("Name"), max_length=100, widget=UnfoldAdminTextInputWidget, help_text=_("What uses this client.")
    )
    client_id = forms.CharField(
        label=_("Client ID"), max_length=bearer.NAME_LIMIT, widget=UnfoldAdminTextInputWidget,
        help_text=_("As the issuer of the tokens names it, in upper and lower case."),
    )  # fmt: skip
    field_order = ("tenant", "name", "client_id", "scopes", "bound_to")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["bound_to"].help_text = _("Which connection speaks with it. Needed as soon as there are two.")

    def clean_client_id(self) -> str:
        given: str = self.cleaned_data["client_id"]
        if not given.isprintable():
            raise forms.ValidationError(_("A client ID is one line of text."))
        return given


@admin.register(OAuthClient, site=site)
class OAuthClientAdmin(CallerColumns, TenantAdmin):
    view_action, change_action = Action.AUDIT, Action.CONNECT
    list_display = ("name", "client_id", "may", "connection", "last_used", "state")
    fieldsets = (
        (None, {"fields": ["name"]}),
        (_("What it is"), {"fields": [("client_id", "state"), ("may", "connection"), ("created_at", "last_used")]}),
    )
    readonly_fields = ("client_id", "may", "connection", "created_at", "last_used", "state")
    actions_list = ("add_client",)
    actions_detail = ("revoke", "restore")
    empty_sentence = _("A client is a sender that signs in with OAuth2 instead of an API key.")

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Where bearer tokens are off, the list would only be in the way."""
        return bearer.is_on() and super().has_module_permission(request)

    @display(description=_("State"))
    def state(self, client: OAuthClient) -> str:
        return chip("bad", _("Revoked")) if client.revoked_at else chip("good", _("Valid"))

    @dialog(
        label=_("Add a client"), needs=Action.CONNECT, title=_("Add an OAuth2 client"), form=ClientForm, icon="add",
        description=_("Bearer tokens of this client are then let in for this tenant."), variant=ActionVariant.PRIMARY,
    )  # fmt: skip
    def add_client(self, request: HttpRequest, form: ClientForm) -> HttpResponse:
        given = form.cleaned_data
        values = {"name": given["name"], "scopes": given["scopes"], "bound_to": given["bound_to"]}
        client, made = OAuthClient.objects.get_or_create(
            tenant=form.tenant, client_id=given["client_id"], defaults=values
        )
        if not made:
            said = _("This client was added already. If it is revoked, its page lets it in again.")
            return finished(request, reverse(LIST), said, messages.WARNING)
        self.log_addition(request, client, [{"added": {}}])
        return finished(request, reverse(LIST), _("The client is added."))

    @dialog(
        label=_("Revoke"), needs=Action.CONNECT, title=_("Revoke this client?"), icon="block",
        description=_("Its tokens are refused for this tenant within five seconds, however long they are valid."),
        variant=ActionVariant.DANGER,
    )  # fmt: skip
    def revoke(self, request: HttpRequest, form: DialogForm, client: OAuthClient) -> HttpResponse:
        if OAuthClient.objects.filter(pk=client.pk, revoked_at=None).update(revoked_at=timezone.now()):
            self.log_change(request, client, gettext_noop("Revoked."))
        return finished(request, reverse(LIST), _("The client is revoked."))

    @dialog(
        label=_("Let in again"), needs=Action.CONNECT, title=_("Let this client in again?"), icon="undo",
        description=_("Its tokens are good for this tenant again, those that are out already too."),
    )  # fmt: skip
    def restore(self, request: HttpRequest, form: DialogForm, client: OAuthClient) -> HttpResponse:
        if OAuthClient.objects.filter(pk=client.pk, revoked_at__isnull=False).update(revoked_at=None):
            self.log_change(request, client, gettext_noop("Let in again."))
        return finished(request, reverse(LIST), _("The client is let in again."))

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """One of the two."""
        client = self.get_object(request, object_id)
        unfit = "revoke" if client is None or client.revoked_at else "restore"
        return [each for each in super().get_actions_detail(request, object_id) if not each.action_name.endswith(unfit)]


navigation.add(OAuthClient, _("OAuth2 clients"), icon="verified_user", group=navigation.TEAM, position=25)
