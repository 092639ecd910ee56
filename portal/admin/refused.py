"""Refused calls: what came with a real key and was not accepted, why, and what to do about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet, Sum
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import display
from unfold.views import ChangeList

from portal.admin import navigation
from portal.admin.base import TenantAdmin
from portal.admin.chips import chip, when
from portal.admin.extend import extensions
from portal.admin.filters import Question
from portal.admin.rights import rows
from portal.admin.site import site
from portal.models import ApiKey, RefusedCall
from portal.templatetags.portal_admin import ago

SHOWN_ON_A_PAGE = 10
ANSWERS = 100  # of a filter
NOT_BOUND = _("No connection")
NO_CONNECTION = "-"  # in the address of a list

Reason = RefusedCall.Reason
WHAT_TO_DO = {
    Reason.REVOKED: _("Give the sender a valid key. If nobody should be sending this, nothing needs to be done."),
    Reason.EXPIRED: _("Make a new key and give it to the sender."),
    Reason.ELSEWHERE: _("Correct the address at the sender: it must name the tenant that the key belongs to."),
    Reason.SUSPENDED: _("Senders try again or not, as they do it. Ask the administrator of this installation."),
    Reason.SCOPE: _("Make a key that may do this, and give it to the sender."),
    Reason.CONNECTION: _("Make a key for one connection, and give it to the sender."),
    Reason.ADDRESS: _("Correct the address at the sender: it ends in Create or Update."),
    Reason.METHOD: _("The sender must send with POST. A browser that opens the address does not."),
    Reason.BODY: _("Correct it at the sender: below is how the body begins, and what is wrong with it."),
    Reason.SIZE: _("Let the sender send less: choose “one by one” as the push type."),
    Reason.TYPE: _("Let the sender send JSON, with the header Content-Type: application/json."),
    Reason.RATE: _("Let the sender send more slowly, or try again when it is told to wait."),
    Reason.OTHER: _("See below what was answered."),
}


def connection_names(pairs: Iterable[tuple[int, str]]) -> dict[tuple[int, str], str]:
    """(tenant, source) -> what people call the connection. A source that is gone keeps its technical name.

    A key that is bound to none speaks for its tenant's only one, if there is only one.
    """
    pairs = set(pairs)
    known = [one for one in extensions.accounts_of({tenant_id for tenant_id, _source in pairs}) if one.source]
    titles = {(one.tenant_id, one.source): one.title for one in known}
    several = Counter(one.tenant_id for one in known)
    titles |= {(one.tenant_id, ""): one.title for one in known if several[one.tenant_id] == 1}
    return {pair: titles.get(pair, pair[1]) or str(NOT_BOUND) for pair in pairs}


def list_url(**asked: Any) -> str:
    base = reverse("admin:portal_refusedcall_changelist")
    return f"{base}?{'&'.join(f'{name}={value}' for name, value in asked.items())}"


class WhichConnection(Question):
    title = _("connection")
    parameter_name = "connection"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        found = rows(request, RefusedCall).order_by("source").values_list("tenant_id", "source").distinct()[:ANSWERS]
        names = connection_names(found)
        return sorted({(source or NO_CONNECTION, names[tenant, source]) for tenant, source in found})

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        return queryset.filter(source="" if chosen == NO_CONNECTION else chosen) if chosen else queryset


class WhichKey(Question):
    title = _("API key")
    parameter_name = "key"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        refused = rows(request, RefusedCall).order_by().values("key")
        keys = rows(request, ApiKey).filter(pk__in=refused).order_by("name")[:ANSWERS]
        return [(str(key.pk), str(key)) for key in keys]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(key_id=self.value()) if self.value() else queryset


class Why(Question):
    title = _("reason")
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(Reason.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(reason=self.value()) if self.value() else queryset


class RefusedList(ChangeList):
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        names = connection_names((call.tenant_id, call.source) for call in self.result_list)
        for call in self.result_list:
            call.connection_name = names[call.tenant_id, call.source]


@admin.register(RefusedCall, site=site)
class RefusedCallAdmin(TenantAdmin):
    """Read by everybody in the team: whoever maps values must see why none come in."""

    empty_sentence = _("Calls with a good key that were refused would show here, each with its reason.")
    list_display = ("moment", "why", "connection", "key_name", "count", "sentence")
    list_display_links = ("moment", "why")
    list_filter = (WhichConnection, WhichKey, Why)
    list_select_related = ("key",)
    fieldsets = (
        (None, {"fields": [("why", "count"), "to_do", ("at", "last_at")]}),
        (_("What was sent"), {"fields": [("connection", "key_name"), "address", "sent"]}),
        (_("What was answered"), {"fields": [("status", "detail")]}),
    )
    readonly_fields = ("why", "to_do", "connection", "key_name", "address", "sent")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return RefusedList

    @display(description=_("When"))
    def moment(self, call: RefusedCall) -> str:
        return when(call.last_at)

    @display(description=_("Reason"))
    def why(self, call: RefusedCall) -> str:
        return chip("bad", call.get_reason_display())

    @display(description=_("Connection"))
    def connection(self, call: RefusedCall) -> str:
        pair = call.tenant_id, call.source
        return getattr(call, "connection_name", None) or connection_names([pair])[pair]

    @display(description=_("API key"))
    def key_name(self, call: RefusedCall) -> str:
        return str(call.key)

    @display(description=_("What was answered"))
    def sentence(self, call: RefusedCall) -> str:
        said = f"{call.status} · {Truncator(call.detail).chars(120)}"
        return format_html('<span class="portal-sentence">{}</span>', said)

    @display(description=_("What to do"))
    def to_do(self, call: RefusedCall) -> Any:
        return WHAT_TO_DO.get(call.reason, "")

    @display(description=_("Address"))
    def address(self, call: RefusedCall) -> str:
        return format_html('<span class="portal-excerpt">{} {}</span>', call.method, call.path)

    @display(description=_("Beginning of the body"))
    def sent(self, call: RefusedCall) -> str:
        if not call.excerpt:
            return _t("Not kept: the body was empty, or it was not read.")
        return format_html('<pre class="portal-excerpt">{}</pre>', call.excerpt)


def refused_of_key(key: ApiKey) -> SafeString:
    """The newest refused calls of a key, for its page."""
    calls = list(RefusedCall.objects.filter(tenant_id=key.tenant_id, key=key)[:SHOWN_ON_A_PAGE])
    return render_to_string("admin/portal/refused_calls.html", {"calls": calls, "all_url": list_url(key=key.pk)})


def refused_lately(tenant_id: int, source: str) -> SafeString | str:
    """What was refused to a connection within a day, in one sentence, for its page."""
    only = sum(one.source != "" for one in extensions.accounts_of([tenant_id])) == 1
    sources = [source, ""] if only else [source]
    since = timezone.now() - timedelta(days=1)
    calls = RefusedCall.objects.filter(tenant_id=tenant_id, source__in=sources, last_at__gte=since)
    newest = calls.first()
    if newest is None:
        return _t("None within a day")
    number = calls.order_by().aggregate(number=Sum("count"))["number"]
    said = ngettext("%(n)d call, %(ago)s: %(why)s.", "%(n)d calls, the last one %(ago)s: %(why)s.", number)
    words = said % {"n": number, "ago": ago(newest.last_at), "why": newest.get_reason_display()}
    url = list_url(connection=newest.source or NO_CONNECTION)
    return format_html('{} <a class="portal-link" href="{}">{}</a>', words, url, _t("Show them"))


navigation.add(RefusedCall, _("Refused calls"), icon="do_not_disturb_on", group=navigation.TEAM, position=30)
