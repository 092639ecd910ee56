"""Actito connections in the admin: set up, map, test and resume."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from integrations.actito import (
    carried,  # noqa: F401 - registers what custom actions carry
    rereading,
)
from integrations.actito.asking import ask_anew
from integrations.actito.checkup import check_up
from integrations.actito.first_steps import STEPS
from integrations.actito.gone_admin import GoneDialogs, asking_of
from integrations.actito.guide_admin import Guide
from integrations.actito.job_admin import CATCH_UP, LongWork
from integrations.actito.mapping_admin import MappingInline, MappingPreview, ParameterInline, preview_of
from integrations.actito.models import (
    ActitoConnection,
    ActitoScenario,
    ConnectionWebhooks,
    GoneQuestion,
    TableStructure,
    WalletNews,
    WrittenProfile,
)
from integrations.actito.rehearsal import RehearsalForm, rehearsed
from integrations.actito.structure_admin import TableDialogs, card_of
from integrations.actito.transfer_admin import Transfer
from integrations.actito.wallet_admin import WalletDialogs
from integrations.actito.webhook_admin import WEBHOOKS, Webhooks, webhooks_of
from integrations.actito.webhooks import ACTITO_ACTION
from integrations.mapping import map_document
from portal.admin import navigation
from portal.admin.base import TenantAdmin
from portal.admin.chips import midnight
from portal.admin.dialogs import DialogForm, dialog, result
from portal.admin.extend import Figure, Link, RemoteAccount, extensions
from portal.admin.forms import TenantForm
from portal.admin.home import register_figures
from portal.admin.lanes import LaneAdmin, limits_dialog, resume_dialog
from portal.admin.refused import refused_lately
from portal.admin.rights import allowed_tenants, row
from portal.admin.site import site
from portal.models import Customer, Event
from portal.sentences import told
from portal.tenancy import Action

MISSED_COUNTED = 1000
MORE = {"title": _("More"), "icon": "more_horiz", "items": ["set_up_again", "wallet_news", "limits", "export_json",
                                                               "import_json"]}  # fmt: skip
THE_TABLE = {"title": _("Profile table"), "icon": "table_view", "items": ["read_table", "changes_seen"]}


class TestForm(DialogForm):
    profile = forms.CharField(
        label=_("Profile to read"), max_length=255, required=False, widget=UnfoldAdminTextInputWidget,
        help_text=_("A profile id, or attribute=value such as emailAddress=anna@example.com. Empty: any one."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        connection = row(self.request, ActitoConnection, self.object_id)
        newest = connection.profiles().order_by("-pk").values_list("value", flat=True)
        self.fields["profile"].initial = newest.first() or ""


class ConnectionForm(TenantForm):
    secret_addresses: ClassVar[dict[str, str]] = {"api_key": "host"}


@admin.register(ActitoConnection, site=site)
class ActitoConnectionAdmin(
    Transfer,
    Guide,
    MappingPreview,
    Webhooks,
    TableDialogs,
    WalletDialogs,
    GoneDialogs,
    LongWork,
    LaneAdmin,
    TenantAdmin,
):
    """Owners set the connection up; marketers map its values."""

    change_action = Action.CONFIGURE
    add_action = delete_action = Action.CONNECT
    form = ConnectionForm
    field_actions = dict.fromkeys(
        [
            "name",
            "host",
            "path_style",
            "licence",
            "entity",
            "table",
            "unique_key",
            "language_attribute",
            "answer_already_reported",
            "nightly_reads",
            "void_when_gone",
            "api_key",
            "account",
            "custom_action",
        ],
        Action.CONNECT,
    )
    list_display = ("name", "licence", "table", "state")
    empty_sentence = _("A connection brings the profiles of one Actito table in: its address, its key, what to read.")
    inlines = (MappingInline, ParameterInline)
    change_form_template = "admin/actito/connection.html"
    actions_list = ("import_new",)
    actions_detail = ("test", "answer_gone", "resume", WEBHOOKS, THE_TABLE, CATCH_UP, MORE)
    fieldsets = (
        (None, {"fields": ["name"]}),
        (_("Where Actito is"), {"fields": [("host", "licence"), ("api_key", "path_style"), "account"]}),
        (_("Which profiles"), {"fields": [("entity", "table"), ("unique_key", "language_attribute")]}),
        (_("Webhooks"), {"fields": ["custom_action", "answer_already_reported", "nightly_reads"]}),
        (_("Profiles that are gone"), {"fields": ["void_when_gone"]}),
    )
    readonly_fields = ("state", "refused", "wallets")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is not None:
            fieldsets[0][1]["fields"] = [*fieldsets[0][1]["fields"][:-1], ("name", "state"), ("refused", "wallets")]
        return fieldsets

    @display(description=_("Refused calls"))
    def refused(self, connection: ActitoConnection) -> str:
        return refused_lately(connection.tenant_id, connection.source)

    @dialog(
        label=_("Test connection"), needs=Action.CONFIGURE, title=_("Test the connection"), form=TestForm,
        icon="bolt", submit=_("Test"),
        description=_("Asks Actito for everything that the portal needs, once. Nothing is changed."),
    )  # fmt: skip
    def test(self, request: HttpRequest, form: TestForm, connection: ActitoConnection) -> HttpResponse:
        found = check_up(connection, form.cleaned_data["profile"].strip())
        mapped = map_document(found.profile.document(), connection.rules()) if found.profile else None
        return result(
            request,
            "admin/actito/tested.html",
            {
                "steps": found.steps,
                "passed": found.passed,
                "values": list(mapped.values.items()) if mapped else [],
                "errors": [told(error) for error in mapped.errors] if mapped else [],
                "done_url": self.change_url(connection),
            },
        )

    @dialog(
        label=_("Try a custom action"), needs=Action.CONFIGURE, title=_("Try a custom action"), form=RehearsalForm,
        icon="science", submit=_("Try"),
        description=_("Shows what a body would do to which passes, as if Actito had sent it. Nothing is stored."),
    )  # fmt: skip
    def rehearse(self, request: HttpRequest, form: RehearsalForm, connection: ActitoConnection) -> HttpResponse:
        shown = rehearsed(connection, form.cleaned_data["body"])
        return result(request, "admin/actito/rehearsed.html", {**shown, "done_url": self.change_url(connection)})

    resume = resume_dialog(
        title=_("Resume this connection?"),
        description=_("What has waited is done now, oldest first. Resume once the reason is gone."),
        resumed=_("The connection moves again."),
    )
    limits = limits_dialog(ActitoConnection)

    def save_model(self, request: HttpRequest, obj: ActitoConnection, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        ask_anew(obj)

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        connection = self.get_object(request, object_id)
        found = {"table": card_of(connection), "webhooks": webhooks_of(connection)} if connection else {}
        if connection:
            found["gone"] = asking_of(connection)
        if connection and self.has_change_permission(request, connection):
            found["preview"] = preview_of(connection)
        return super().change_view(request, object_id, form_url, {**found, **(extra_context or {})})

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What was read of Actito goes with its connection, though nobody removes it by itself."""
        deleted, counts, needed, protected = super().get_deleted_objects(objs, request)
        read_or_written = (ActitoScenario, TableStructure, ConnectionWebhooks, GoneQuestion, WalletNews, WrittenProfile)
        own = {each._meta.verbose_name for each in read_or_written}
        return deleted, counts, needed - own, protected


def accounts(tenant_ids: Iterable[int]) -> list[RemoteAccount]:
    return [
        RemoteAccount(
            tenant_id=each.tenant_id,
            title=each.name,
            url=reverse("admin:actito_actitoconnection_change", args=[each.pk]),
            lane_id=each.lane_id,
            resume_url=reverse("admin:actito_actitoconnection_resume", args=[each.pk]),
            source=each.source,
        )
        for each in ActitoConnection.objects.filter(tenant_id__in=tenant_ids).only("name", "tenant_id", "lane_id")
    ]


def sync(customer: Customer) -> int:
    """Records a read of each Actito profile of the customer. Returns how many."""
    connections = {one.source: one for one in ActitoConnection.objects.for_tenant(customer.tenant_id)}
    known = [each for each in customer.identities.all() if each.namespace in connections]
    for identity in known:
        rereading.ask(connections[identity.namespace], identity.value)
    return len(known)


def figures(request: HttpRequest) -> Iterable[Figure]:
    """Custom actions of today that met no pass; nothing while there are none."""
    today = midnight()
    events = Event.objects.filter(
        tenant_id__in=allowed_tenants(request, Action.VIEW), kind=ACTITO_ACTION, status=Event.Status.IGNORED
    )
    missed = sum(at >= today for at in events.order_by("-pk").values_list("created_at", flat=True)[:MISSED_COUNTED])
    if not missed:
        return []
    url = f"{reverse('admin:portal_event_changelist')}?kind={ACTITO_ACTION}&status={Event.Status.IGNORED.value}"
    more = "+" if missed == MISSED_COUNTED else ""
    return [Figure(_("Actions without a pass today"), f"{missed}{more}", url, position=40)]


register_figures(figures)
extensions.accounts.append(accounts)
extensions.customer_syncs.append(sync)
extensions.links["actito"] = Link(
    "connection", _("Connection"), ActitoConnection, "admin:actito_actitoconnection_change", kinds="actito."
)
extensions.first_steps += STEPS
navigation.add(ActitoConnection, _("Connections"), icon="cable", group=navigation.SET_UP, position=20)
