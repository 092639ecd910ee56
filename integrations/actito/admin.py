"""Actito connections in the admin: set up, map, test and resume."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from integrations.actito import (
    carried,  # noqa: F401 - registers what custom actions carry
    rereading,
    scenarios,
)
from integrations.actito.answers import ActitoProfile
from integrations.actito.client import ActitoClient
from integrations.actito.job_admin import CATCH_UP, LongWork
from integrations.actito.models import ActitoConnection, ActitoScenario, AttributeMapping, ParameterMapping
from integrations.actito.rehearsal import RehearsalForm, rehearsed
from integrations.actito.steps import Step, Steps
from integrations.actito.webhooks import ACTITO_ACTION
from integrations.mapping import map_document
from portal.admin import navigation
from portal.admin.base import TenantAdmin, TenantTabularInline
from portal.admin.chips import midnight
from portal.admin.dialogs import DialogForm, dialog, result
from portal.admin.extend import Figure, FirstStep, Link, RemoteAccount, extensions
from portal.admin.forms import TenantForm
from portal.admin.home import register_figures
from portal.admin.lanes import LaneAdmin, limits_dialog, resume_dialog
from portal.admin.refused import refused_lately
from portal.admin.rights import allowed_tenants, row
from portal.admin.site import site
from portal.ledger import Failure
from portal.models import Customer, Event, Identity
from portal.sentences import told
from portal.tenancy import Action

MISSED_COUNTED = 1000


class TestForm(DialogForm):
    profile = forms.CharField(
        label=_("Profile to read"), max_length=255, required=False, widget=UnfoldAdminTextInputWidget,
        help_text=_("A profile id, or attribute=value such as emailAddress=anna@example.com. Empty: the key alone."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        connection = row(self.request, ActitoConnection, self.object_id)
        known = Identity.objects.filter(tenant_id=connection.tenant_id, namespace=connection.source)
        self.fields["profile"].initial = known.order_by("-pk").values_list("value", flat=True).first() or ""


class ConnectionForm(TenantForm):
    secret_addresses: ClassVar[dict[str, str]] = {"api_key": "host"}


class MappingInline(TenantTabularInline):
    model = AttributeMapping
    change_action = add_action = delete_action = Action.CONFIGURE
    fields = ("part", "attribute", "value_name", "value_type", "keep_if_empty", "identifies")
    verbose_name_plural = _("Mappings")
    tab = True


class ParameterInline(TenantTabularInline):
    model = ParameterMapping
    change_action = add_action = delete_action = Action.CONFIGURE
    fields = ("parameter", "value_name", "value_type", "mode", "pinned")
    verbose_name_plural = _("Custom actions")
    tab = True


@admin.register(ActitoConnection, site=site)
class ActitoConnectionAdmin(LongWork, LaneAdmin, TenantAdmin):
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
            "api_key",
        ],
        Action.CONNECT,
    )
    list_display = ("name", "licence", "table", "state")
    empty_sentence = _("A connection brings the profiles of one Actito table in: its address, its key, what to read.")
    inlines = (MappingInline, ParameterInline)
    actions_detail = ("test", "rehearse", "resume", "limits", CATCH_UP)
    fieldsets = (
        (None, {"fields": ["name"]}),
        (_("Where Actito is"), {"fields": [("host", "licence"), ("api_key", "path_style")]}),
        (_("Which profiles"), {"fields": [("entity", "table"), ("unique_key", "language_attribute")]}),
        (_("Webhooks"), {"fields": ["answer_already_reported"]}),
    )
    readonly_fields = ("state", "refused", "addresses")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is not None:
            fieldsets[0][1]["fields"] = [*fieldsets[0][1]["fields"][:-1], ("name", "state"), "refused"]
            fieldsets[-1][1]["fields"] = ["addresses", *fieldsets[-1][1]["fields"]]
        return fieldsets

    @display(description=_("Addresses for Actito"))
    def addresses(self, connection: ActitoConnection) -> SafeString:
        """What to enter in Actito; the key goes into the header X-API-KEY."""
        return format_html_join(
            "", '<code class="portal-address">{}</code>', ((each,) for each in listeners(connection))
        )

    @display(description=_("Refused calls"))
    def refused(self, connection: ActitoConnection) -> str:
        return refused_lately(connection.tenant_id, connection.source)

    @dialog(
        label=_("Test connection"), needs=Action.CONFIGURE, title=_("Test the connection"), form=TestForm,
        icon="bolt", submit=_("Test"),
        description=_("Asks Actito for a token and reads one profile. Nothing is changed."),
    )  # fmt: skip
    def test(self, request: HttpRequest, form: TestForm, connection: ActitoConnection) -> HttpResponse:
        steps, profile, sentence = _try(connection, form.cleaned_data["profile"].strip())
        mapped = map_document(profile.document(), connection.rules()) if profile else None
        if sentence:
            steps = [*(step for step in steps if step.good), Step(_t("Stopped"), sentence, False)]
        return result(
            request,
            "admin/actito/tested.html",
            {
                "steps": steps,
                "passed": not sentence,
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
        scenarios.ask(obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """The list of scenarios goes with its connection, though nobody removes a scenario by itself."""
        deleted, counts, needed, protected = super().get_deleted_objects(objs, request)
        return deleted, counts, needed - {ActitoScenario._meta.verbose_name}, protected


def _try(connection: ActitoConnection, profile: str) -> tuple[list[Step], ActitoProfile | None, str]:
    """The steps that were made, the profile that was read, and the sentence of what went wrong, if anything did."""
    trail = Steps()
    client = ActitoClient(connection, trail)
    try:
        client.renew_token()
        found = client.read_profile(profile) if profile else None
    except Failure as failure:
        return trail.calls, None, told(failure.sentence)
    if profile and found is None:
        sentence = _t("Actito knows no profile “%(profile)s”, or hides it from this key.") % {"profile": profile}
        return trail.calls, None, sentence
    return trail.calls, found, ""


def listeners(connection: ActitoConnection) -> list[str]:
    """The addresses that Actito's webhooks of this connection post to."""
    tenant = connection.tenant.slug
    profile = [reverse("actito-profile", args=[tenant, event_type]) for event_type in ("Create", "Update")]
    return [f"{settings.PUBLIC_URL}{path}" for path in [*profile, reverse("actito-update-pass", args=[tenant])]]


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
extensions.links["connection"] = Link(
    "connection", _("Connection"), ActitoConnection, "admin:actito_actitoconnection_change"
)
extensions.first_steps.append(
    FirstStep(
        10, _("Connect Actito"), _("Enter the API address and key, and choose the values to bring in."),
        "admin:actito_actitoconnection_add", Action.CONNECT,
    )
)  # fmt: skip
navigation.add(ActitoConnection, _("Connections"), icon="cable", group=navigation.SET_UP, position=20)
