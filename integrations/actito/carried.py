"""What a replay of a custom action would do to its passes."""

from __future__ import annotations

from integrations.actito.actions import plan, push_of
from integrations.actito.commands import Unclear, command_of
from integrations.actito.models import connections_of
from integrations.actito.webhooks import ACTITO_ACTION
from passes.admin.carried import undone
from passes.happenings import subject_of
from passes.update import PASS_UPDATE, has_counted
from portal.admin.extend import Carried, extensions
from portal.models import Event

PASSES_SHOWN = 5


def of_action(event: Event) -> list[Carried]:
    connection = connections_of(event).prefetch_related("parameters").first()
    if connection is None or event.payload.get("unreadable"):
        return []
    try:
        planned = plan(connection, command_of(push_of(event), connection.identifiers()))
    except Unclear:
        return []
    updates = Event.objects.filter(parent=event, kind=PASS_UPDATE)
    return [
        each
        for wallet_pass in planned.passes[:PASSES_SHOWN]
        for each in undone(
            wallet_pass, planned.update, event.pk, has_counted(updates.filter(subject=subject_of(wallet_pass.pk)))
        )
    ]


extensions.carried[ACTITO_ACTION] = of_action
