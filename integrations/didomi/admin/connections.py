"""Didomi connections in the admin: set up, tested, resumed; what the organisation asks for, and what it sent last."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from integrations.didomi.addresses import webhook_address
from integrations.didomi.admin.webhook_admin import Webhook
from integrations.didomi.catalogue import ask, kept_of, newest
from integrations.didomi.checkup import check_up, passed
from integrations.didomi.models import DidomiCatalogue, DidomiConnection
from integrations.pairing.models import Pairing
from portal.admin import navigation
from portal.admin.arrivals import last_arrival
from portal.admin.base import TenantAdmin
from portal.admin.dialogs import DialogForm, dialog, finished, result
from portal.admin.extend import FirstStep, Link, RemoteAccount, extensions
from portal.admin.forms import TenantForm
from portal.admin.lanes import LaneAdmin, limits_dialog, resume_dialog
from portal.admin.readings import reading_of
from portal.admin.refused import refused_lately
from portal.admin.rights import may_here
from portal.admin.site import site
from portal.tenancy import Action

SHOWN = 100
MORE = {"title": _("More"), "icon": "more_horiz", "items": ["limits"]}


class Tags(UnfoldAdminTextInputWidget):
    def format_value(self, value: Any) -> Any:
        return ", ".join(map(str, value)) if isinstance(value, list) else value


class TagsField(forms.CharField):
    """Small letters, one after the other: `gdpr, cpra`. Gives the list, each once."""

    widget = Tags

    def clean(self, value: Any) -> list[str]:
        return list(dict.fromkeys(re.findall(r"[^\s,;]+", super().clean(value).lower())))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.clean(data or "-") != initial


class ConnectionForm(TenantForm):
    secret_addresses: ClassVar[dict[str, str]] = {"api_key": "host", "api_secret": "host"}

    regulations = TagsField(
        label=_("Regulations"), max_length=500, initial=["gdpr"],
        help_text=_("gdpr, or several with commas between. Consents under other regulations are skipped."),
    )  # fmt: skip


class TestForm(DialogForm):
    person = forms.CharField(
        label=_("Person to read"), max_length=255, required=False, widget=UnfoldAdminTextInputWidget,
        help_text=_("An organization_user_id that Didomi knows. Empty: it is tried whether consents can be read."),
    )  # fmt: skip


@admin.register(DidomiConnection, site=site)
class DidomiConnectionAdmin(Webhook, LaneAdmin, TenantAdmin):
    """Owners set the connection up; marketers test it and read its catalogue."""

    change_action = add_action = delete_action = Action.CONNECT
    form = ConnectionForm
    list_display = ("name", "organization_id", "state")
    empty_sentence = _("A connection brings in what people consent to in Didomi: an organisation, its key and secret.")
    change_form_template = "admin/didomi/connection.html"
    actions_detail = ("webhook_address", "test", "resume", "read_catalogue", MORE)
    fieldsets = (
        (None, {"fields": ["name"]}),
        (_("Where Didomi is"), {"fields": [("organization_id", "host"), ("api_key", "api_secret")]}),
        (_("What counts"), {"fields": ["regulations", "answer_already_reported"]}),
    )
    readonly_fields = ("state", "refused")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        first, *rest = super().get_fieldsets(request, obj)
        if obj is None:
            return [first, *rest]
        title, options = first
        return [(title, {**options, "fields": [*options["fields"][:-1], ("name", "state"), "refused"]}), *rest]

    @display(description=_("Refused calls"))
    def refused(self, connection: DidomiConnection) -> str:
        return refused_lately(connection.tenant_id, connection.source)

    @dialog(
        label=_("Test connection"), needs=Action.CONFIGURE, title=_("Test the connection"), form=TestForm,
        icon="bolt", submit=_("Test"),
        description=_("Asks Didomi for everything that the portal needs, once. Nothing is changed."),
    )  # fmt: skip
    def test(self, request: HttpRequest, form: TestForm, connection: DidomiConnection) -> HttpResponse:
        steps = check_up(connection, form.cleaned_data["person"].strip())
        shown = {"steps": steps, "passed": passed(steps), "done_url": self.change_url(connection)}
        return result(request, "admin/didomi/tested.html", {**shown, **_webhook(connection)})

    @dialog(
        label=_("Read the catalogue again"), needs=Action.CONFIGURE, title=_("Read the catalogue again?"),
        icon="checklist", submit=_("Read"),
        description=_("Asks Didomi which purposes and preferences the organisation has. It is asked every day, too."),
    )  # fmt: skip
    def read_catalogue(self, request: HttpRequest, form: DialogForm, connection: DidomiConnection) -> HttpResponse:
        ask(connection)
        self.log_change(request, connection, gettext_noop("Had its catalogue read again."))
        url = self.change_url(connection)
        if connection.lane.paused_at:
            said = _("This connection is paused: its catalogue is read once it is resumed.")
            return finished(request, url, said, messages.WARNING)
        return finished(request, url, _("The catalogue is being read. What it has shows here in a moment."))

    resume = resume_dialog(
        title=_("Resume this connection?"),
        description=_("What has waited is done now, oldest first. Resume once the reason is gone."),
        resumed=_("The connection moves again."),
    )
    limits = limits_dialog(DidomiConnection)

    def save_model(self, request: HttpRequest, obj: DidomiConnection, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        ask(obj)

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        connection = self.get_object(request, object_id)
        if connection:
            found = {**_webhook(connection), **_catalogue(connection), **_pairings(request, connection)}
            extra_context = {**found, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, extra_context)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What was read of Didomi goes with its connection, though nobody removes it by itself."""
        deleted, counts, needed, protected = super().get_deleted_objects(objs, request)
        return deleted, counts, needed - {DidomiCatalogue._meta.verbose_name}, protected


def _webhook(connection: DidomiConnection) -> dict[str, Any]:
    """What the page and the test say of Didomi's webhook."""
    return {"address": webhook_address(connection), "arrival": last_arrival(connection.tenant_id, connection.source)}


def _pairings(request: HttpRequest, connection: DidomiConnection) -> dict[str, Any]:
    """Where its consents lead to: without a pairing, they change nothing."""
    pairings = Pairing.objects.for_tenant(connection.tenant_id).filter(consents=connection.source)
    return {"pairings": list(pairings), "may_pair": may_here(request, Action.CONNECT, connection.tenant_id)}


def _catalogue(connection: DidomiConnection) -> dict[str, Any]:
    """What the page says of the catalogue."""
    kept = kept_of(connection)
    purposes, preferences = (kept.purposes, kept.preferences or []) if kept else ([], [])
    return {
        "reading": reading_of(connection, newest(connection)),
        "purposes": purposes[:SHOWN],
        "preferences": preferences[:SHOWN],
        "more": max(0, len(purposes) - SHOWN) + max(0, len(preferences) - SHOWN),
    }


def accounts(tenant_ids: Iterable[int]) -> list[RemoteAccount]:
    return [
        RemoteAccount(
            tenant_id=each.tenant_id,
            title=each.name,
            url=reverse("admin:didomi_didomiconnection_change", args=[each.pk]),
            lane_id=each.lane_id,
            resume_url=reverse("admin:didomi_didomiconnection_resume", args=[each.pk]),
            source=each.source,
        )
        for each in DidomiConnection.objects.filter(tenant_id__in=tenant_ids).only("name", "tenant_id", "lane_id")
    ]


extensions.accounts.append(accounts)
extensions.first_steps.append(
    FirstStep(
        70, _("Connect Didomi"), _("If people tell it what they consent to: their subscriptions follow."),
        _("Connect"), "admin:didomi_didomiconnection_add", Action.CONNECT,
        lambda tenants: DidomiConnection.objects.for_tenants(tenants).exists(), optional=True,
    )
)  # fmt: skip
extensions.links["didomi"] = Link(
    "connection", _("Connection"), DidomiConnection, "admin:didomi_didomiconnection_change", kinds="didomi."
)
navigation.add(DidomiConnection, _("Didomi"), icon="verified_user", group=navigation.SET_UP, position=21)
