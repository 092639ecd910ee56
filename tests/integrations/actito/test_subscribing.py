"""Our webhooks at Actito, over real sockets: made once, looked at, mended, removed, and tried."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import requests
from django.test import Client
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from integrations.actito import subscriptions
from integrations.actito.hooks import PROFILE_EVENTS, State
from integrations.actito.models import ActitoConnection, ConnectionWebhooks
from integrations.actito.sandbox import ActitoSandbox
from integrations.actito.subscribing import CHECK, MAKE, REMOVE, TEST, ask, check_all, key_name, lets_in
from portal import access, ledger
from portal.access import make_key
from portal.admin.arrivals import last_arrival
from portal.models import ApiKey, Attempt, Change, Event, Lane, Scope
from portal.sandbox import Fault
from portal.tenancy import Role
from tests.integrations.actito.double import Double, answer
from tests.portal.admin_world import World, action, client_of, member, url
from tests.world import ACTITO_KEY, make_connection, make_due, make_tenant

pytestmark = pytest.mark.django_db
SUBMIT = {"_form_submitted": "True"}


@pytest.fixture
def connection(actito: ActitoSandbox) -> ActitoConnection:
    actito.seed(custom_actions=["updatePass"])
    made = make_connection(make_tenant(), actito.url)
    Lane.objects.filter(pk=made.lane_id).update(calls_per_minute=0)  # else one run would wait for the one before
    return made


def run(connection: ActitoConnection, do: str) -> Event:
    """What becomes of it, by a worker's hand."""
    event_id = ask(connection, do)
    for event in ledger.claim(10, "tests"):
        ledger.run(event)
    return Event.objects.get(pk=event_id)


def at_actito(actito: ActitoSandbox) -> list[dict[str, Any]]:
    return [hook.as_json() for hook in actito._store.webhooks.values()]


def states(connection: ActitoConnection) -> dict[str, str]:
    return {line["event_type"]: line["state"] for line in ConnectionWebhooks.objects.get(connection=connection).lines}


def the_key(connection: ActitoConnection) -> ApiKey:
    return ApiKey.objects.get(name=key_name(connection))


def test_the_webhooks_are_made_with_the_right_address_and_a_key_that_nobody_sees(
    connection: ActitoConnection, actito: ActitoSandbox
) -> None:
    event = run(connection, MAKE)
    assert (event.status, str(event.outcome)) == (Event.Status.DONE, "5 webhooks are in order.")
    hooks = {hook["eventType"]: hook for hook in at_actito(actito)}
    assert set(hooks) == {*PROFILE_EVENTS, "TRIGGER"}
    base = "http://127.0.0.1:8000/api/verdi/webhooks/listeners/actito"
    assert hooks["CREATE"]["targetUrl"] == f"{base}/profile/Create"
    assert {hooks[each]["targetUrl"] for each in PROFILE_EVENTS[1:]} == {f"{base}/profile/Update"}
    assert hooks["TRIGGER"]["targetUrl"] == f"{base}/custom-actions/updatePass"
    (secret,) = {hook["headers"]["X-API-KEY"] for hook in hooks.values()}
    key = the_key(connection)
    assert (key.bound_to, key.scopes, key.prefix) == (connection.source, [Scope.ACTITO_LISTENER], secret[4:12])
    posted = Client().post(
        f"{base.removeprefix('http://127.0.0.1:8000')}/profile/Create", {"data": {"profileId": 7}},
        content_type="application/json", headers={"X-API-KEY": secret},
    )  # fmt: skip
    assert posted.status_code == 200
    kept = [*Attempt.objects.values_list("request_excerpt", "response_excerpt", "url"), event.payload, event.outcome]
    assert secret not in str(kept)
    assert Change.objects.filter(object_key=str(key.pk)).exists()


def test_made_a_second_time_nothing_is_there_twice(connection: ActitoConnection, actito: ActitoSandbox) -> None:
    run(connection, MAKE)
    before = at_actito(actito)
    run(connection, MAKE)
    assert at_actito(actito) == before
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize("lost", [1, 3])
def test_an_answer_that_never_came_doubles_nothing(
    connection: ActitoConnection, actito: ActitoSandbox, lost: int
) -> None:
    actito.arm(Fault("drop", "webhookSubscription", method="POST", times=lost))
    event = run(connection, MAKE)
    for _ in range(lost):
        assert event.status == Event.Status.WAITING
        event = again(event)
    assert event.status == Event.Status.DONE
    assert sorted(hook["eventType"] for hook in at_actito(actito)) == sorted([*PROFILE_EVENTS, "TRIGGER"])
    assert set(states(connection).values()) == {State.GOOD}


def again(event: Event) -> Event:
    """The next try, which is due."""
    make_due(event)
    for claimed in ledger.claim(10, "tests"):
        ledger.run(claimed)
    return Event.objects.get(pk=event.pk)


def test_what_is_there_twice_is_one_again(connection: ActitoConnection, actito: ActitoSandbox) -> None:
    run(connection, MAKE)
    with actito.lock:
        hook = next(iter(actito._store.webhooks.values()))
        twin = type(hook)(actito._store.new_id(), hook.entity, hook.body)
        actito._store.webhooks[twin.id] = twin
    run(connection, MAKE)
    assert len(at_actito(actito)) == 5


@pytest.mark.parametrize("harm", ["switched off", "revoked", "another key", "no key"])
def test_what_does_not_work_is_told_and_mended(
    connection: ActitoConnection, actito: ActitoSandbox, harm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access._keys, "_seconds", 0.0)
    run(connection, MAKE)
    hook = next(iter(actito._store.webhooks.values()))
    if harm == "switched off":
        hook.body["isActive"] = False
    elif harm == "revoked":
        _, text = make_key(connection.tenant, "Old", [Scope.ACTITO_LISTENER], connection.source)
        hook.body["headers"] = {"X-API-KEY": text}
        ApiKey.objects.filter(name="Old").update(revoked_at=timezone.now())
    else:
        hook.body["headers"] = {"x-api-key": "somebody-elses"} if harm == "another key" else {}
    event = run(connection, CHECK)
    assert str(event.outcome) == "4 webhooks are in order. Not in order: CREATE."
    assert states(connection)["CREATE"] == (State.INACTIVE if harm == "switched off" else State.KEY)
    assert ConnectionWebhooks.objects.get(connection=connection).broken == 1
    run(connection, MAKE)
    assert set(states(connection).values()) == {State.GOOD}
    assert len(at_actito(actito)) == 5


def test_without_a_custom_action_the_others_are_made(connection: ActitoConnection, actito: ActitoSandbox) -> None:
    connection.custom_action = "walletPass"
    connection.save()
    event = run(connection, MAKE)
    assert str(event.outcome) == "4 webhooks are in order."
    assert states(connection)["TRIGGER"] == State.NO_ACTION
    own = f"{actito.url}/_sandbox/entity/demo/custom-actions"
    requests.post(own, json={"name": "WalletPass"}, timeout=5)
    run(connection, MAKE)
    assert states(connection)["TRIGGER"] == State.GOOD


def test_removing_leaves_what_is_not_ours(connection: ActitoConnection, actito: ActitoSandbox) -> None:
    run(connection, MAKE)
    with actito.lock:
        theirs = next(iter(actito._store.webhooks.values()))
        foreign = type(theirs)(actito._store.new_id(), theirs.entity, {**theirs.body, "targetUrl": "https://x.example"})
        actito._store.webhooks[foreign.id] = foreign
    run(connection, CHECK)
    assert ConnectionWebhooks.objects.get(connection=connection).others == 1
    event = run(connection, REMOVE)
    assert str(event.outcome) == "5 webhooks were removed."
    assert [hook["targetUrl"] for hook in at_actito(actito)] == ["https://x.example"]
    assert the_key(connection).revoked_at


# What Actito refuses


def test_a_key_that_may_only_read_webhooks_makes_none_and_pauses_nothing(
    connection: ActitoConnection, actito: ActitoSandbox
) -> None:
    actito.grant(ACTITO_KEY, {"webhooks": "read"})
    event = run(connection, MAKE)
    assert event.status == Event.Status.FAILED
    assert "may not read or write webhooks" in event.outcome
    assert not at_actito(actito)
    assert not ApiKey.objects.exists()  # it went nowhere
    connection.lane.refresh_from_db()
    assert connection.lane.paused_at is None


def test_a_check_without_the_right_is_no_failure_of_each_day(
    connection: ActitoConnection, actito: ActitoSandbox
) -> None:
    actito.grant(ACTITO_KEY, {"webhooks": "none"})
    assert run(connection, CHECK).status == Event.Status.IGNORED


def test_an_event_type_that_actito_refuses_is_told_and_the_others_are_made(
    connection: ActitoConnection, actito: ActitoSandbox
) -> None:
    actito.arm(Fault("status", "webhookSubscription", method="POST", status=400))
    event = run(connection, MAKE)
    assert event.status == Event.Status.FAILED
    assert "Not in order: CREATE. CREATE:" in event.outcome
    assert len(at_actito(actito)) == 4


def test_without_the_tables_id_nothing_is_made(connection: ActitoConnection, actito: ActitoSandbox) -> None:
    actito.grant(ACTITO_KEY, {"tables": "none"})
    event = run(connection, MAKE)
    assert event.status == Event.Status.FAILED
    assert "does not tell the id of the table" in event.outcome


def test_other_shapes_of_the_lists_are_read_too(double: Double) -> None:
    """Ids as text, no pages, a bare list, headers that are not shown, 201 for 200."""
    connection = make_connection(make_tenant(), double.url)
    base = "http://127.0.0.1:8000/api/verdi/webhooks/listeners/actito"
    hooks = [
        {"id": str(number), "on": "PROFILE_TABLE", "onElementId": 16, "eventType": event_type, "isActive": "true",
         "targetUrl": f"{base}/profile/{'Create' if event_type == 'CREATE' else 'Update'}/", "more": {}}
        for number, event_type in enumerate(PROFILE_EVENTS, 1)
    ]  # fmt: skip
    action_ = {"id": "95f1cebc-4dd7-4246-83a1-164d8da8c583", "displayName": "updatePass"}
    double.queue = [answer(200, [action_]), answer(201, [{"id": "16", "name": "Profiles"}]), answer(200, hooks)]
    event = run(connection, CHECK)
    assert str(event.outcome) == "4 webhooks are in order. Not in order: TRIGGER."
    assert set(states(connection).values()) == {State.UNSEEN, State.MISSING}


def test_a_webhook_that_does_not_show_its_key_is_switched_on_with_one_that_lets_it_in(
    connection: ActitoConnection, actito: ActitoSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(connection, MAKE)
    next(iter(actito._store.webhooks.values())).body["isActive"] = False
    read = subscriptions.parse_subscription
    monkeypatch.setattr(subscriptions, "parse_subscription", lambda body: replace(read(body), headers=None))
    run(connection, MAKE)
    assert {hook["isActive"] for hook in at_actito(actito)} == {True}
    assert all(lets_in(connection, hook["headers"]["X-API-KEY"]) for hook in at_actito(actito))


# Every day, and on the page


def test_webhooks_that_were_made_are_looked_at_every_day(connection: ActitoConnection, actito: ActitoSandbox) -> None:
    run(connection, CHECK)
    check_all([connection.tenant_id])
    assert not Event.objects.filter(status=Event.Status.WAITING).exists()  # none was made from here
    run(connection, MAKE)
    check_all([connection.tenant_id])
    assert Event.objects.filter(kind="actito.webhooks", status=Event.Status.WAITING).count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_test_event_goes_through_the_network_and_changes_nobody(
    connection: ActitoConnection, actito: ActitoSandbox, live_server: LiveServer, settings: Any
) -> None:
    settings.PUBLIC_URL = live_server.url
    event = run(connection, TEST)
    assert (event.status, event.outcome[:27]) == (Event.Status.DONE, "The test event came through")
    arrived = Event.objects.get(kind="actito.profile")
    for claimed in ledger.claim(10, "tests"):
        ledger.run(claimed)
    arrived.refresh_from_db()
    assert (arrived.status, arrived.outcome[:26]) == (Event.Status.IGNORED, "A test event came through.")
    assert not actito.requests
    assert not ApiKey.objects.exists()
    arrival = last_arrival(connection.tenant_id, connection.source)
    assert arrival
    assert arrival.at == arrived.created_at


def test_a_test_event_that_does_not_come_through_is_told_at_once(connection: ActitoConnection, settings: Any) -> None:
    settings.PUBLIC_URL = "http://127.0.0.1:9"
    event = run(connection, TEST)
    assert event.status == Event.Status.FAILED
    assert "could not be reached" in event.outcome
    assert not ApiKey.objects.exists()


@pytest.fixture
def page(world: World, actito: ActitoSandbox) -> Iterator[ActitoConnection]:
    connection = world.rows[ActitoConnection]
    connection.host, connection.entity, connection.api_key = actito.url, "demo", ACTITO_KEY
    connection.save()
    ConnectionWebhooks.objects.filter(connection=connection).delete()
    return connection


def test_the_page_says_what_works_and_owners_make_it(world: World, owner: Client, page: ActitoConnection) -> None:
    change = url(ActitoConnection, "change", page.pk)
    text = owner.get(change).content.decode()
    assert text.count("Not read yet") >= 5
    assert "Nothing was received yet." in text
    marketer = client_of(member(world, Role.MARKETER))
    assert marketer.post(action(ActitoConnection, page.pk, "make-webhooks"), SUBMIT).status_code == 403
    owner.post(action(ActitoConnection, page.pk, "make-webhooks"), SUBMIT)
    assert "Being read" in owner.get(change).content.decode()
    for event in ledger.claim(10, "tests"):
        ledger.run(event)
    text = owner.get(change).content.decode()
    assert "In order" in text
    assert "No custom action of this name" in text
    assert "5 webhooks" not in text
    assert "4 webhooks are in order." in text


def test_what_to_enter_for_the_custom_action_is_shown_exactly(owner: Client, page: ActitoConnection) -> None:
    text = owner.get(action(ActitoConnection, page.pk, "declare-action")).content.decode()
    for exact in ("updatePass", "profileId", page.unique_key, "custom-actions/updatePass", "message"):
        assert f">{exact}<" in text or exact in text, exact


def test_home_counts_connections_whose_webhooks_do_not_work(owner: Client, page: ActitoConnection) -> None:
    ConnectionWebhooks.objects.create(connection=page, broken=2, read_at=timezone.now())
    assert "Connections whose webhooks do not work" in owner.get("/admin/").content.decode()
    ConnectionWebhooks.objects.update(broken=0)
    assert "Connections whose webhooks do not work" not in owner.get("/admin/").content.decode()
