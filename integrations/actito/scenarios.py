"""The catalogue of scenarios: asked for, read by a worker, and kept as rows. Actito's list is the truth."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from functools import partial

from django.utils import timezone

from integrations.actito import asking
from integrations.actito.answers import ListedScenario
from integrations.actito.asking import ACTITO_SCENARIOS
from integrations.actito.client import ActitoClient
from integrations.actito.models import ActitoConnection, ActitoScenario, connections_of
from portal import ledger
from portal.http import ApiError
from portal.ledger import Result, Work
from portal.sentences import Sentence, joined, say, say_many

NAME_LIMIT = 255
ROWS_AT_ONCE = 500
# "DocScenarioAPI60dd2012-b296-43fc-bae5-6cb6c1b2d170": a UUID behind the name, with or without a sign in between.
_ENDS_IN_UUID = re.compile(r"[\s_-]*[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)


def display_name(technical_name: str) -> str:
    """The technical name without its trailing UUID; as it is, when nothing else is in it."""
    return _ENDS_IN_UUID.sub("", technical_name).strip() or technical_name


def ask(connection: ActitoConnection) -> None:
    """Records that the catalogue of the connection is to be read. Several that wait are one reading."""
    asking.ask(connection, ACTITO_SCENARIOS)


def ask_all(tenant_ids: Iterable[int]) -> None:
    """Asks for the catalogues of these tenants, once a day."""
    asking.ask_each(tenant_ids, ACTITO_SCENARIOS)


def read_catalogue(work: Work) -> Result | partial[Result]:
    """Handles `actito.scenarios`."""
    event = work.event
    connection = connections_of(event).first()
    if connection is None:
        return ledger.ignored(say("The Actito connection whose scenarios were asked for was deleted."))
    try:
        listed = ActitoClient(connection, work.trail).scenarios()
    except ApiError as error:
        return asking.refused(error)
    return partial(_keep, connection, listed)


def _keep(connection: ActitoConnection, listed: list[ListedScenario]) -> Result:
    """Makes the rows say what the list says. Runs in the transaction of the event's end."""
    now = timezone.now()
    rows = ActitoScenario.objects.filter(connection=connection)
    known = dict(rows.values_list("remote_id", "vanished_at"))
    ActitoScenario.objects.bulk_create(
        [_row(connection, each, now) for each in listed],
        batch_size=ROWS_AT_ONCE,
        update_conflicts=True,
        unique_fields=["connection", "remote_id"],
        update_fields=[
            "technical_name", "display_name", "is_start_event_triggered", "is_active", "last_seen_at", "vanished_at",
        ],
    )  # fmt: skip
    gone = rows.filter(vanished_at=None).exclude(last_seen_at=now).update(vanished_at=now)
    new = sum(each.remote_id not in known for each in listed)
    back = sum(known.get(each.remote_id) is not None for each in listed)
    return ledger.done(sentence(len(listed), new, back, gone))


def _row(connection: ActitoConnection, listed: ListedScenario, now: datetime) -> ActitoScenario:
    return ActitoScenario(
        tenant_id=connection.tenant_id,
        connection=connection,
        remote_id=listed.remote_id,
        technical_name=listed.name,
        display_name=display_name(listed.name)[:NAME_LIMIT],
        is_start_event_triggered=listed.is_start_event_triggered,
        is_active=listed.is_active,
        first_seen_at=now,
        last_seen_at=now,
        vanished_at=None,
    )


def sentence(listed: int, new: int, back: int, gone: int) -> Sentence:
    """“12 scenarios, 1 new, 1 no longer there.”"""
    parts = [
        say_many("%(count)s scenario", "%(count)s scenarios", count=listed),
        say_many("%(count)s new", "%(count)s new", count=new) if new else "",
        say_many("%(count)s back again", "%(count)s back again", count=back) if back else "",
        say_many("%(count)s no longer there", "%(count)s no longer there", count=gone) if gone else "",
    ]
    return joined([joined(parts, ", "), "."], "")
