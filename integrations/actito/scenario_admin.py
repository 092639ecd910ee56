"""Scenarios in the admin: what Actito listed, when, and reading the list again. Nothing of it is edited here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, ngettext
from unfold.decorators import display
from unfold.views import ChangeList

from integrations.actito.asking import ACTITO_SCENARIOS, newest
from integrations.actito.models import ActitoConnection, ActitoScenario
from integrations.actito.scenarios import ask
from integrations.actito.starting_admin import Starts, entries_of
from portal.admin import navigation
from portal.admin.base import TenantAdmin
from portal.admin.chips import chip, when
from portal.admin.dialogs import DialogForm, dialog, finished
from portal.admin.filters import Question
from portal.admin.pages import PageAdmin
from portal.admin.paging import ManyRows, ManyRowsList, lowered
from portal.admin.readings import Reading, reading_of
from portal.admin.rights import may_here, rows
from portal.admin.site import site
from portal.tenancy import Action

READ_AGAIN = (Action.OPERATE, Action.CONFIGURE)
CONNECTIONS_SHOWN = 20


class WhichState(Question):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("active", _("Active")), ("stopped", _("Not active")), ("gone", _("No longer in Actito"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "gone":
            return queryset.filter(vanished_at__isnull=False)
        if self.value() is None:
            return queryset
        return queryset.filter(vanished_at__isnull=True, is_active=self.value() == "active")


class HowStarted(Question):
    title = _("how it starts")
    parameter_name = "start"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("api", _("By API")), ("actito", _("In Actito"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(is_start_event_triggered=self.value() == "api") if self.value() else queryset


def state_of(scenario: ActitoScenario) -> tuple[str, str]:
    """Tone and words."""
    if scenario.vanished_at:
        return "bad", _t("Gone")
    return ("good", _t("Active")) if scenario.is_active else ("quiet", _t("Not active"))


@dataclass(frozen=True)
class NextStep:
    title: str
    url: str


class ScenarioList(ManyRowsList):
    """Says of an empty list what to do next: connect Actito, or wait for the first reading, or look at the last one."""

    empty_sentence = ""
    next_step: NextStep | None = None

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if self.result_count:
            return
        if rows(request, ActitoConnection).exists():
            self.empty_sentence = _t("Actito's scenarios are read every day. “Refresh from Actito” reads them now.")
            return
        self.empty_sentence = _t("Connect Actito first. Its scenarios are then read by themselves.")
        if may_here(request, Action.CONNECT):
            self.next_step = NextStep(_t("Connect Actito"), reverse("admin:actito_actitoconnection_connect"))


@admin.register(ActitoScenario, site=site)
class ActitoScenarioAdmin(Starts, ManyRows, PageAdmin, TenantAdmin):
    list_display = ("display_name", "state", "start", "connection", "seen")
    list_filter = (WhichState, HowStarted)
    list_select_related = ("connection",)
    search_fields = ("lowered_name",)
    search_help_text = _("The beginning of a name, for example Welcome")
    change_form_template = "admin/actito/scenario.html"
    list_before_template = "admin/actito/readings.html"
    actions_list = ("refresh",)
    actions_detail = ("start_many",)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ScenarioList

    def begins_with(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        return queryset.filter(lowered_name__startswith=lowered(term))

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return super().changelist_view(request, {"readings": self._readings(request), **(extra_context or {})})

    def _readings(self, request: HttpRequest) -> list[Reading]:
        connections = rows(request, ActitoConnection).select_related("lane").order_by("name", "pk")
        return [reading_of(each, newest(each, ACTITO_SCENARIOS)) for each in connections[:CONNECTIONS_SHOWN]]

    def has_operate_or_configure_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return any(self.permits(request, each, obj) for each in READ_AGAIN)

    def get_actions_list(self, request: HttpRequest) -> list[Any]:
        return super().get_actions_list(request) if rows(request, ActitoConnection).exists() else []

    @display(description=_("State"))
    def state(self, scenario: ActitoScenario) -> str:
        return chip(*state_of(scenario))

    @display(description=_("Starts"))
    def start(self, scenario: ActitoScenario) -> str:
        return _t("By API") if scenario.is_start_event_triggered else _t("In Actito")

    @display(description=_("Last seen"))
    def seen(self, scenario: ActitoScenario) -> str:
        return when(scenario.last_seen_at)

    def page_context(self, request: HttpRequest, scenario: ActitoScenario) -> dict[str, Any]:
        entries = entries_of(scenario)
        return {"state": chip(*state_of(scenario)), "start": self.start(scenario), "entries": entries}

    @dialog(
        label=_("Refresh from Actito"), needs=READ_AGAIN, title=_("Read the scenarios again?"), icon="sync",
        submit=_("Refresh"),
        description=_("Actito is asked for its list of scenarios. Nothing is changed in Actito."),
    )  # fmt: skip
    def refresh(self, request: HttpRequest, form: DialogForm) -> HttpResponse:
        url = reverse("admin:actito_actitoscenario_changelist")
        connections = self._to_read_again(request)
        if not connections:
            return finished(request, url, _("Connect Actito first."), messages.WARNING)
        for connection in connections:
            ask(connection)
            self.log_change(request, connection, gettext_noop("Had its scenarios read again."))
        if paused := [each.name for each in connections if each.lane.paused_at]:
            said = ngettext(
                "“%(names)s” is paused: its scenarios are read once it is resumed.",
                "“%(names)s” are paused: their scenarios are read once they are resumed.",
                len(paused),
            )
            return finished(request, url, said % {"names": "”, “".join(paused)}, messages.WARNING)
        return finished(request, url, _("The scenarios are being read. They show here in a moment."))

    def _to_read_again(self, request: HttpRequest) -> list[ActitoConnection]:
        own = {each.pk: each for action in READ_AGAIN for each in rows(request, ActitoConnection, action)
               .filter(tenant__suspended_at=None).select_related("lane")}  # fmt: skip
        return [own[key] for key in sorted(own)]


navigation.add(ActitoScenario, _("Scenarios"), icon="account_tree", group=navigation.SET_UP, position=15)
