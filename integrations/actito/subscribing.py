"""Our webhooks at Actito: made, looked at, removed, tried. What is there is read first, so none is made twice.

The key that goes into their header is made for it and known to nobody: its text is sent to Actito and forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from functools import partial

from django.conf import settings
from django.contrib.auth import get_user_model
from django.urls import reverse
from django.utils import timezone

from integrations.actito import asking
from integrations.actito.directory import Directory, named
from integrations.actito.hooks import (
    KEY_HEADER,
    TRIGGER,
    WORKING,
    Finding,
    State,
    findings_of,
    ours,
    wanted_of,
)
from integrations.actito.models import ActitoConnection, ConnectionWebhooks, connections_of
from integrations.actito.pushes import TEST_EVENT
from integrations.actito.subscriptions import Subscription, Subscriptions
from portal import history, ledger
from portal.access import make_key, recognise
from portal.http import ApiError, call, judge
from portal.ledger import Result, Work
from portal.ledger.failure import Decision
from portal.models import ApiKey, Change, Event, Scope
from portal.sentences import Sentence, joined, say, say_many

ACTITO_WEBHOOKS = "actito.webhooks"
MAKE, CHECK, REMOVE, TEST = "make", "check", "remove", "test"
TEST_KEY_LIFE = timedelta(minutes=5)


def addresses(connection: ActitoConnection) -> dict[str, str]:
    """Event type -> where Actito posts it to."""
    tenant = connection.tenant.slug
    create, update = (reverse("actito-profile", args=[tenant, each]) for each in ("Create", "Update"))
    paths = {"CREATE": create, "UPDATE": update, "UPDATED_SUBSCRIPTION": update, "DELETE": update}
    paths[TRIGGER] = reverse("actito-update-pass", args=[tenant])
    return {event_type: f"{settings.PUBLIC_URL}{path}" for event_type, path in paths.items()}


def ask(connection: ActitoConnection, do: str, *, user: int | None = None) -> int:
    """Records that something is to be done with the webhooks; `user` is who wants it. Gives the Event's key."""
    return asking.ask(connection, ACTITO_WEBHOOKS, do=do, user=user).event_id


def check_all(tenant_ids: Iterable[int]) -> None:
    """Looks at the webhooks of these tenants, once a day, where they were made from here."""
    made = ConnectionWebhooks.objects.for_tenants(tenant_ids).select_related("connection").order_by("pk")
    for each in made:
        if any(line["remote_id"] for line in each.lines):
            ask(each.connection, CHECK)


def handle(work: Work) -> Result | partial[Result]:
    """Handles `actito.webhooks`."""
    connection = connections_of(work.event).select_related("tenant").first()
    if connection is None:
        return ledger.ignored(say("The Actito connection of these webhooks was deleted."))
    do = work.event.payload["do"]
    if do == TEST:
        return _tried(connection, work)
    client = Subscriptions(connection, work.trail)
    try:
        look = _Look(client)
        problems = look.make(work.event) if do == MAKE else []
        removed = look.remove() if do == REMOVE else []
    except ApiError as error:
        if do == CHECK:
            return asking.refused(error)
        raise
    return partial(_keep, connection, look, problems, removed)


class _Look:
    """What Actito has of the connection's webhooks, read when it is made and after each change."""

    def __init__(self, client: Subscriptions) -> None:
        self.client, self.connection = client, client.connection
        self.action = _custom_action(client)
        self.wanted = wanted_of(addresses(self.connection), _table_id(client), self.action)
        self._read()

    def _read(self) -> None:
        self.existing: list[Subscription] = self.client.listed()
        self.findings: list[Finding] = findings_of(self.wanted, self.existing, partial(lets_in, self.connection))

    def make(self, event: Event) -> list[Sentence]:
        """Makes what is missing and mends what does not work; what Actito refuses is told, and the rest goes on."""
        todo = [each for each in self.findings if each.state in {State.MISSING, State.INACTIVE, State.KEY}]
        fresh: ApiKey | None = None
        text, used, problems = "", False, []
        for finding in todo:
            own = finding.key if finding.state == State.INACTIVE else ""  # empty also where Actito does not show it
            if not (own or text):
                fresh, text = _new_key(self.connection, event)
            try:
                self._put(finding, own or text)
                used = used or not own
            except ApiError as error:
                if error.decision is not Decision.DEAD or error.status in {403, 404}:
                    _drop_unused(fresh, error, used=used)
                    raise
                problems.append(joined([Sentence(f"{finding.wanted.event_type}:"), error.sentence]))
        if fresh and not used:
            fresh.delete()
        if todo:
            self._read()
        for surplus in [one for finding in self.findings for one in finding.surplus]:
            self.client.delete(surplus.remote_id)
        if any(finding.surplus for finding in self.findings):
            self._read()
        return problems

    def _put(self, finding: Finding, key: str) -> None:
        if finding.kept:
            self.client.replace(finding.kept.remote_id, finding.wanted.body(key))
        else:
            self.client.create(finding.wanted.body(key))

    def remove(self) -> list[Subscription]:
        """Those that push to the connection's addresses; what else Actito has is not touched."""
        gone = ours(self.existing, self.wanted)
        for each in gone:
            self.client.delete(each.remote_id)
        if gone:
            self._read()
        return gone


def lets_in(connection: ActitoConnection, key: str) -> bool:
    """Whether a webhook with this key is accepted as the connection's."""
    known = recognise(key)
    if known is None or known.refused_for(connection.tenant.slug) or Scope.ACTITO_LISTENER not in known.caller.scopes:
        return False
    if known.caller.bound_to:
        return known.caller.bound_to == connection.source
    return not ActitoConnection.objects.for_tenant(connection.tenant_id).exclude(pk=connection.pk).exists()


def key_name(connection: ActitoConnection) -> str:
    return f"{connection.name[:80]} · webhooks"


def _new_key(connection: ActitoConnection, event: Event) -> tuple[ApiKey, str]:
    """Stored before Actito hears of it: a webhook may push at once."""
    key, text = make_key(connection.tenant, key_name(connection), [Scope.ACTITO_LISTENER], connection.source)
    by = get_user_model().objects.filter(pk=event.payload.get("user")).first()
    added = history.difference(None, history.document(key))
    history.record(key, by=by, kind=Change.Kind.ADDED, differences=added)
    return key, text


def _drop_unused(key: ApiKey | None, error: ApiError, *, used: bool) -> None:
    """Actito said no before it had taken the key. Where nobody heard the answer, the key stays: it may be in use."""
    if key and not used and error.status is not None and error.status < 500:
        key.delete()


def _custom_action(client: Subscriptions) -> str:
    """The id of the custom action with the connection's name for it; empty where there is none, or it is hidden."""
    wanted = client.connection.custom_action.strip().casefold()
    if not wanted:
        return ""
    try:
        found = client.custom_actions()
    except ApiError as error:
        if error.status in {403, 404, 405}:
            return ""
        raise
    return next((each.remote_id for each in found if wanted in {each.name.casefold(), each.remote_id.casefold()}), "")


def _table_id(client: Subscriptions) -> str:
    """Webhooks are on a table's id. Raises ApiError where Actito does not tell it."""
    connection = client.connection
    directory = Directory(connection, client.trail)
    directory.read_seconds = client.read_seconds
    try:
        table = named(directory.tables(), connection.table)
    except ApiError as error:
        if error.status not in {403, 404}:
            raise
        table = None
    if table and table.remote_id:
        return table.remote_id
    if connection.table.isdecimal():
        return connection.table
    said = say("Actito does not tell the id of the table “%(table)s”. Give the API key the right to read the structure "
               "of profile tables.", table=connection.table)  # fmt: skip
    raise ApiError(said, Decision.DEAD, status=403)


def _keep(connection: ActitoConnection, look: _Look, problems: list[Sentence], removed: list[Subscription]) -> Result:
    """Runs in the transaction of the event's end."""
    lines = [
        {"event_type": each.wanted.event_type, "url": each.wanted.url, "state": each.state.value,
         "remote_id": each.kept.remote_id if each.kept else "", "prefix": each.key[4:12]}
        for each in look.findings
    ]  # fmt: skip
    expected = [each for each in look.findings if each.state != State.NO_ACTION]
    broken = [each for each in expected if each.state not in WORKING]
    ConnectionWebhooks.objects.update_or_create(
        connection=connection,
        defaults={
            "lines": lines, "action": look.action, "read_at": timezone.now(),
            "broken": len(broken) if any(line["remote_id"] for line in lines) else 0,
            "others": len(look.existing) - len(ours(look.existing, look.wanted)),
        },
    )  # fmt: skip
    if removed:
        _revoke_keys_of(connection, removed)
        return ledger.done(say_many("%(count)s webhook was removed.", "%(count)s webhooks were removed.",
                                    count=len(removed)))  # fmt: skip
    said = [_counted(len(expected) - len(broken), broken), *problems]
    return Result(Event.Status.FAILED if problems else Event.Status.DONE, joined(said))


def _counted(good: int, broken: list[Finding]) -> Sentence:
    worked = say_many("%(count)s webhook is in order.", "%(count)s webhooks are in order.", count=good)
    if not broken:
        return worked
    names = ", ".join(each.wanted.event_type for each in broken)
    return joined([worked, say("Not in order: %(names)s.", names=names)])


def _revoke_keys_of(connection: ActitoConnection, removed: list[Subscription]) -> None:
    """Keys that were made for webhooks alone end with them; one that somebody made may have other uses."""
    known = filter(None, (recognise(each.header(KEY_HEADER)) for each in removed))
    keys = ApiKey.objects.for_tenant(connection.tenant_id).filter(pk__in={each.caller.key_id for each in known})
    made_here = keys.filter(bound_to=connection.source, name=key_name(connection), revoked_at=None)
    made_here.update(revoked_at=timezone.now())


def _tried(connection: ActitoConnection, work: Work) -> Result:
    """Posts a test event to the very address that Actito posts to, through the network, with a key of its own."""
    ends = timezone.now() + TEST_KEY_LIFE
    key, text = make_key(connection.tenant, key_name(connection), [Scope.ACTITO_LISTENER], connection.source,
                         expires_at=ends)  # fmt: skip
    own = say("The portal's own address")
    body = {"eventType": TEST_EVENT, "operation": TEST_EVENT, "data": {}}
    try:
        answer = call("POST", addresses(connection)["UPDATE"], target=own, trail=work.trail,
                      headers={KEY_HEADER: text, "Accept": "application/json"}, body=body)  # fmt: skip
    except ApiError as error:
        raise ApiError(error.sentence, Decision.DEAD) from error  # whoever pressed the button waits for it
    finally:
        key.delete()
    if refused := judge(answer, own):
        raise ApiError(refused.sentence, Decision.DEAD, status=answer.status)
    return ledger.done(say("The test event came through: the address answers, and knows keys of this connection."))
