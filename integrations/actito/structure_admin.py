"""The structure of the profile table on the connection's page and on Home: when it was read, and what changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from integrations.actito.asking import ACTITO_STRUCTURE, newest
from integrations.actito.models import ActitoConnection, AttributeMapping, TableStructure
from integrations.actito.structure import ask, changes_of_interest, is_of, kept_of, mapped_names
from integrations.actito.tables import ATTRIBUTES, SUBSCRIPTIONS, Change, What, renamed_to
from portal.admin.dialogs import DialogForm, dialog, finished
from portal.admin.extend import Panel
from portal.admin.home import register_panel
from portal.admin.readings import reading_of
from portal.admin.rights import allowed_tenants
from portal.models import Event
from portal.tenancy import Action

SHOWN, SHOWN_ON_HOME, CONNECTIONS_LOOKED_AT = 30, 6, 200


@dataclass(frozen=True)
class Told:
    """A change as a page tells it. `event_url` leads to what found it, while that is kept."""

    tone: str
    sentence: str
    at: datetime
    event_url: str


def told_changes(changes: list[Change], limit: int) -> list[Told]:
    """What is gone first, what is new last."""
    order = list(What)
    shown = sorted(changes, key=lambda change: order.index(What(change.what)))[:limit]
    kept = set(Event.objects.filter(pk__in={change.event for change in shown}).values_list("pk", flat=True))
    return [
        Told(
            "quiet" if change.what == What.NEW else "bad" if change.what == What.GONE else "warn",
            words(change, changes),
            datetime.fromisoformat(change.at),
            reverse("admin:portal_event_change", args=[change.event]) if change.event in kept else "",
        )
        for change in shown
    ]


def words(change: Change, changes: Iterable[Change] = ()) -> str:
    """One sentence on a change. Of what is gone it names what came at the same time and may be the same."""
    what = {"part": part_name(change.part), "name": change.name, "was": change.was or "?", "now": change.now or "?"}
    if change.what == What.NEW:
        return _t("%(part)s “%(name)s” is new and not mapped.") % what
    if change.what == What.TYPE:
        return _t("%(part)s “%(name)s” was %(was)s and is %(now)s now. Look at the type of its mapping.") % what
    said = _t("%(part)s “%(name)s” is mapped, but gone from the table. Customers keep the value they have.") % what
    if renamed := renamed_to(change, changes):
        said += " " + _t("Perhaps it is called “%(name)s” now.") % {"name": renamed}
    return said


def part_name(part: str) -> str:
    if part == ATTRIBUTES:
        return _t("Attribute")
    return _t("Subscription") if part == SUBSCRIPTIONS else _t("Segmentation")


def card_of(connection: ActitoConnection) -> dict[str, Any]:
    """What the connection's page says of its table."""
    kept = kept_of(connection)
    changes = changes_of_interest(kept, mapped_names(connection)) if kept else []
    return {
        "reading": reading_of(connection, newest(connection, ACTITO_STRUCTURE)),
        "read_at": kept.read_at if kept else None,
        "changes": told_changes(changes, SHOWN),
        "more": max(0, len(changes) - SHOWN),
    }


def panel(request: HttpRequest) -> Panel | None:
    """On Home: the connections whose tables changed; none while there are none."""
    tenants = allowed_tenants(request, Action.VIEW)
    kept = TableStructure.objects.filter(tenant_id__in=tenants).exclude(changes=[]).select_related("connection")
    looked_at = [each for each in kept.order_by("-read_at")[:CONNECTIONS_LOOKED_AT] if is_of(each, each.connection)]
    mapped: dict[int, set[tuple[str, str]]] = {each.connection_id: set() for each in looked_at}
    rows = AttributeMapping.objects.filter(connection__in=mapped)
    for key, part, attribute in rows.values_list("connection_id", "part", "attribute"):
        mapped[key].add((part, attribute))
    found = []
    for each in looked_at:
        if changes := changes_of_interest(each, mapped[each.connection_id]):
            url = reverse("admin:actito_actitoconnection_change", args=[each.connection_id])
            more = max(0, len(changes) - SHOWN_ON_HOME)
            found.append((each.connection.name, url, told_changes(changes, SHOWN_ON_HOME), more))
    context = {"connections": found[:SHOWN_ON_HOME]}
    return Panel(_("Profile tables that changed"), "admin/actito/tables_changed.html", context, 5) if found else None


class TableDialogs:
    """Dialogs of the connection's admin."""

    @dialog(
        label=_("Read the table again"), needs=Action.CONFIGURE, title=_("Read the table again?"), icon="table_view",
        description=_("Asks Actito which attributes, subscriptions and segmentations the profile table has. It is "
                      "asked every day as well."),
        submit=_("Read"),
    )  # fmt: skip
    def read_table(self, request: HttpRequest, form: DialogForm, connection: ActitoConnection) -> HttpResponse:
        ask(connection)
        self.log_change(request, connection, gettext_noop("Had its table read again."))
        url = self.change_url(connection)
        if connection.lane.paused_at:
            said = _("This connection is paused: its table is read once it is resumed.")
            return finished(request, url, said, messages.WARNING)
        return finished(request, url, _("The table is being read. What it has shows here in a moment."))

    @dialog(
        label=_("Changes seen"), needs=Action.CONFIGURE, title=_("Take these changes as seen?"), icon="done_all",
        description=_("They are no longer told here and on Home. The mappings stay as they are."),
        submit=_("Seen"),
    )  # fmt: skip
    def changes_seen(self, request: HttpRequest, form: DialogForm, connection: ActitoConnection) -> HttpResponse:
        TableStructure.objects.filter(connection=connection).update(changes=[])
        self.log_change(request, connection, gettext_noop("Changes of its table were taken as seen."))
        return finished(request, self.change_url(connection), _("The changes are no longer told."))


register_panel(panel)
