"""Webhooks at Actito on the connection's page: which work, what to press, and what to enter for the custom action."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from unfold.enums import ActionVariant

from integrations.actito.asking import newest
from integrations.actito.hooks import TRIGGER, State
from integrations.actito.models import ActitoConnection, ConnectionWebhooks
from integrations.actito.subscribing import ACTITO_WEBHOOKS, CHECK, MAKE, REMOVE, TEST, addresses, ask
from portal.admin.arrivals import last_arrival
from portal.admin.dialogs import DialogForm, dialog, finished
from portal.admin.extend import Figure
from portal.admin.home import register_figures
from portal.admin.readings import Reading, reading_of
from portal.admin.rights import allowed_tenants, row
from portal.models import Event
from portal.sentences import told
from portal.tenancy import Action

WEBHOOKS = {"title": _("Webhooks"), "icon": "webhook",
            "items": ["make_webhooks", "check_webhooks", "send_test", "declare_action", "rehearse",
                      "remove_webhooks"]}  # fmt: skip
EITHER = (Action.OPERATE, Action.CONFIGURE)
_STATES: dict[str, tuple[str, Promise]] = {
    State.GOOD: ("good", _("In order")),
    State.UNSEEN: ("good", _("There; Actito does not show its key")),
    State.MISSING: ("bad", _("Missing")),
    State.INACTIVE: ("bad", _("Switched off in Actito")),
    State.KEY: ("bad", _("Its key is not accepted here")),
    State.NO_ACTION: ("quiet", _("No custom action of this name")),
}


@dataclass(frozen=True)
class Line:
    event_type: str
    url: str
    tone: str
    words: Any
    prefix: str


def webhooks_of(connection: ActitoConnection) -> dict[str, Any]:
    """What the connection's page says of its webhooks."""
    kept = ConnectionWebhooks.objects.filter(connection=connection).first()
    event = newest(connection, ACTITO_WEBHOOKS)
    return {
        "lines": _lines(connection, kept),
        "read_at": kept.read_at if kept else None,
        "others": kept.others if kept else 0,
        "last": _last(event, connection) if event else None,
        "outcome": told(event.outcome) if event else "",
        "arrival": last_arrival(connection.tenant_id, connection.source),
    }


def _last(event: Event, connection: ActitoConnection) -> Reading:
    found = reading_of(connection, event)
    words = {"good": _t("Done"), "bad": _t("Failed")}.get(found.tone) if event.status not in Event.PENDING else None
    return Reading(connection, found.tone, words or found.words, event)


def _lines(connection: ActitoConnection, kept: ConnectionWebhooks | None) -> list[Line]:
    """With the addresses of today, whatever they were when Actito's list was read."""
    read = {line["event_type"]: line for line in kept.lines} if kept else {}
    return [_line(name, url, read.get(name)) for name, url in addresses(connection).items()]


def _line(event_type: str, url: str, read: dict[str, str] | None) -> Line:
    if read is None:
        return Line(event_type, url, "quiet", _t("Not read yet"), "")
    return Line(event_type, url, *_STATES[read["state"]], read["prefix"])


class DeclareForm(DialogForm):  # type: ignore[misc]  # a name for unfold's own
    """Shows what to enter; there is nothing to send."""

    form_before_template = "admin/actito/custom_action.html"

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> dict[str, Any]:
        connection = row(request, ActitoConnection, object_id)
        attributes = ["profileId", connection.unique_key]
        return {
            "connection": connection,
            "url": addresses(connection)[TRIGGER],
            "attributes": list(dict.fromkeys(attributes)),
            "parameters": [*connection.parameters.values_list("parameter", flat=True)],
            "reserved": ["message", "passType", "moveToTemplate", "silent"],
        }


class Webhooks:
    """Dialogs of the connection's admin."""

    def has_operate_or_configure_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return any(self.permits(request, each, obj) for each in EITHER)  # type: ignore[attr-defined]

    @dialog(
        label=_("Make the webhooks"), needs=Action.CONNECT, title=_("Make the webhooks at Actito?"), icon="add_link",
        submit=_("Make"), variant=ActionVariant.PRIMARY,
        description=_(
            "Actito is asked what is there; what is missing is made, what does not work is mended, and nothing is made "
            "twice. A new API key goes with them, which is shown to nobody."
        ),
    )  # fmt: skip
    def make_webhooks(self, request: HttpRequest, form: DialogForm, connection: ActitoConnection) -> HttpResponse:
        return self._asked(request, connection, MAKE, gettext_noop("Had its webhooks made at Actito."))

    @dialog(
        label=_("Check the webhooks"), needs=EITHER, icon="fact_check",
        title=_("Check the webhooks?"), submit=_("Check"),
        description=_("Actito is asked for its list. Nothing is changed."),
    )  # fmt: skip
    def check_webhooks(self, request: HttpRequest, form: DialogForm, connection: ActitoConnection) -> HttpResponse:
        return self._asked(request, connection, CHECK, gettext_noop("Had its webhooks checked."))

    @dialog(
        label=_("Send a test event"), needs=EITHER, icon="send",
        title=_("Send a test event?"), submit=_("Send"),
        description=_(
            "The portal posts an event to its own address, as Actito does. It changes nobody; whether it came through "
            "shows here in a moment."
        ),
    )  # fmt: skip
    def send_test(self, request: HttpRequest, form: DialogForm, connection: ActitoConnection) -> HttpResponse:
        return self._asked(request, connection, TEST, gettext_noop("Had a test event sent."))

    @dialog(
        label=_("Remove the webhooks"), needs=Action.CONNECT, icon="link_off",
        title=_("Remove the webhooks at Actito?"), submit=_("Remove"), variant=ActionVariant.DANGER,
        description=_(
            "Actito then reports nothing of this table. Only webhooks that push to this connection's addresses "
            "are removed, and the key that was made for them is revoked."
        ),
    )  # fmt: skip
    def remove_webhooks(self, request: HttpRequest, form: DialogForm, connection: ActitoConnection) -> HttpResponse:
        return self._asked(request, connection, REMOVE, gettext_noop("Had its webhooks removed at Actito."))

    @dialog(
        label=_("Declare the custom action"), needs=Action.CONFIGURE, icon="content_copy",
        title=_("What to enter in Actito"), form=DeclareForm, submit=_("I have entered it: look for it"),
    )  # fmt: skip
    def declare_action(self, request: HttpRequest, form: DeclareForm, connection: ActitoConnection) -> HttpResponse:
        return self._asked(request, connection, CHECK, gettext_noop("Had its custom action looked for."))

    def _asked(self, request: HttpRequest, connection: ActitoConnection, do: str, note: str) -> HttpResponse:
        ask(connection, do, user=request.user.pk)
        self.log_change(request, connection, note)  # type: ignore[attr-defined]
        url = self.change_url(connection)  # type: ignore[attr-defined]
        if connection.lane.paused_at:
            return finished(request, url, _t("“%(name)s” is paused: it is done once it is resumed.")
                            % {"name": connection.name}, messages.WARNING)  # fmt: skip
        return finished(request, url, _t("It is being done. What came of it shows here in a moment."))


def figures(request: HttpRequest) -> list[Figure]:
    """Connections whose webhooks do not work; nothing while all do."""
    tenants = allowed_tenants(request, Action.VIEW)
    broken = ConnectionWebhooks.objects.for_tenants(tenants).filter(broken__gt=0)
    keys = list(broken.values_list("connection_id", flat=True)[:2])
    if not keys:
        return []
    url = reverse("admin:actito_actitoconnection_changelist")
    if len(keys) == 1:
        url = reverse("admin:actito_actitoconnection_change", args=keys)
    return [Figure(_("Connections whose webhooks do not work"), broken.count(), url, position=41)]


register_figures(figures)
