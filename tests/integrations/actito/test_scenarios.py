"""The catalogue of scenarios: from Actito's list, through the ledger, to rows that say what is there or gone."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from integrations.actito.client import ActitoClient
from integrations.actito.models import ActitoConnection, ActitoScenario
from integrations.actito.sandbox import ActitoSandbox
from integrations.actito.scenarios import ask, ask_all, display_name
from portal.http import ApiError
from portal.ledger.failure import Decision
from portal.models import Event, Lane, Tenant
from portal.sandbox import Fault
from tests.integrations.actito.double import Double, answer
from tests.world import ENTITY, TABLE, make_connection, make_tenant, run_due

pytestmark = pytest.mark.django_db

KIND = "actito.scenarios"
UUID = "60dd2012-b296-43fc-bae5-6cb6c1b2d170"
LISTED = {"name": f"Doc{UUID}", "id": 11160, "isStartEventTriggered": True, "isActive": True}


@pytest.fixture
def verdi(actito: ActitoSandbox) -> ActitoConnection:
    scenarios = [
        {"name": "Welcome"},
        {"name": "Autumn", "isActive": False},
        {"name": "Win back", "isStartEventTriggered": False},
    ]
    actito.seed(entity=ENTITY, table=TABLE, scenarios=scenarios)
    return make_connection(make_tenant(), actito.url)


@pytest.fixture
def doubled(double: Double) -> ActitoConnection:
    return make_connection(make_tenant(), double.url)


def read(connection: ActitoConnection) -> Event:
    """The catalogue is asked for, and a worker reads it."""
    ask(connection)
    (event,) = run_due(KIND)
    return event


def rows() -> dict[str, ActitoScenario]:
    return {row.display_name: row for row in ActitoScenario.objects.all()}


def sandbox_row(actito: ActitoSandbox, name: str) -> Any:
    table = actito._store.entity(ENTITY).table(TABLE)
    return next(each for each in table.scenarios.values() if each.display_name() == name)


def remove(actito: ActitoSandbox, name: str) -> None:
    table = actito._store.entity(ENTITY).table(TABLE)
    del table.scenarios[sandbox_row(actito, name).id]


# Names


@pytest.mark.parametrize(
    ("technical", "shown"),
    [
        (f"DocScenarioAPI{UUID}", "DocScenarioAPI"),
        (f"Win back_{UUID.upper()}", "Win back"),
        (f"Spring 2026 {UUID}", "Spring 2026"),
        (f"{UUID}{UUID}", UUID),
        ("No UUID at all", "No UUID at all"),
        (f"Copy of {UUID} (2)", f"Copy of {UUID} (2)"),
        (UUID, UUID),
    ],
)
def test_the_name_that_is_shown_is_the_technical_one_without_its_uuid(technical: str, shown: str) -> None:
    assert display_name(technical) == shown


# What Actito lists


def test_the_client_hands_on_its_filters(verdi: ActitoConnection) -> None:
    client = ActitoClient(verdi)

    def names(name: str = "", **more: Any) -> list[str]:
        return [display_name(each.name) for each in client.scenarios(name, **more)]

    assert names() == ["Welcome", "Autumn", "Win back"]
    assert names("W*") == ["Welcome", "Win back"]
    assert names("*o*") == ["Welcome"]
    assert names("*ack", is_start_event_triggered=False) == ["Win back"]
    assert names(is_active=False) == ["Autumn"]
    assert names(is_active=True, is_start_event_triggered=True) == ["Welcome"]


@pytest.mark.parametrize("style", ActitoConnection.PathStyle.values)
def test_every_path_style_reaches_the_list(verdi: ActitoConnection, style: str) -> None:
    verdi.path_style = style
    assert len(ActitoClient(verdi).scenarios()) == 3


@pytest.mark.parametrize(
    "body",
    [
        {"workflows": [LISTED]},
        [LISTED],
        {"workflows": [LISTED, LISTED], "page": 1},
        {"workflows": [{**LISTED, "id": "11160", "isActive": "true", "isStartEventTriggered": "true", "more": {}}]},
        {"workflows": [{**LISTED, "id": 11160.0, "isActive": 1}]},
    ],
)
def test_the_list_is_read_in_each_shape_that_actito_might_send(
    double: Double, doubled: ActitoConnection, body: Any
) -> None:
    double.profile = answer(200, body)
    (found,) = ActitoClient(doubled).scenarios()
    assert (found.remote_id, found.name) == ("11160", f"Doc{UUID}")
    assert found.is_active
    assert found.is_start_event_triggered


def test_a_flag_that_is_missing_is_taken_for_false(double: Double, doubled: ActitoConnection) -> None:
    double.profile = answer(200, {"workflows": [{"name": "Doc", "id": 1}]})
    (found,) = ActitoClient(doubled).scenarios()
    assert (found.is_active, found.is_start_event_triggered) == (False, False)


@pytest.mark.parametrize(
    "body", [{}, {"workflows": None}, {"workflows": {}}, "text", None, {"workflows": ["Doc"]},
             {"workflows": [{**LISTED, "id": None}]}, {"workflows": [{**LISTED, "name": " "}]}],
)  # fmt: skip
def test_what_is_no_list_makes_nothing_vanish(double: Double, doubled: ActitoConnection, body: Any) -> None:
    double.profile = answer(200, {"workflows": [LISTED]})
    assert read(doubled).status == Event.Status.DONE
    double.profile = answer(200, body)
    assert read(doubled).status == Event.Status.WAITING  # it is tried again
    assert rows()["Doc"].vanished_at is None


# The catalogue


def test_the_first_reading_lists_everything(verdi: ActitoConnection) -> None:
    event = read(verdi)
    assert (event.status, event.outcome) == (Event.Status.DONE, "3 scenarios, 3 new.")
    assert {name: (row.is_active, row.is_start_event_triggered) for name, row in rows().items()} == {
        "Welcome": (True, True), "Autumn": (False, True), "Win back": (True, False),
    }  # fmt: skip
    welcome = rows()["Welcome"]
    assert (welcome.tenant, welcome.connection) == (verdi.tenant, verdi)
    assert welcome.technical_name.startswith("Welcome")
    assert len(welcome.technical_name) == len("Welcome") + 36
    assert welcome.first_seen_at == welcome.last_seen_at
    assert [call.target for call in event.calls.all()][-1] == "Actito"


def test_what_is_new_and_what_is_gone_is_told_and_shown(verdi: ActitoConnection, actito: ActitoSandbox) -> None:
    read(verdi)
    before = rows()
    remove(actito, "Autumn")
    actito.seed(entity=ENTITY, table=TABLE, scenarios=[{"name": "Spring"}])
    assert read(verdi).outcome == "3 scenarios, 1 new, 1 no longer there."
    after = rows()
    assert set(after) == {"Welcome", "Autumn", "Win back", "Spring"}
    assert after["Autumn"].vanished_at
    assert after["Autumn"].last_seen_at == before["Autumn"].last_seen_at
    assert after["Welcome"].vanished_at is None
    assert after["Welcome"].first_seen_at == before["Welcome"].first_seen_at
    assert after["Welcome"].last_seen_at > before["Welcome"].last_seen_at
    assert read(verdi).outcome == "3 scenarios."
    assert rows()["Autumn"].vanished_at == after["Autumn"].vanished_at


def test_what_comes_back_is_the_same_row(verdi: ActitoConnection, actito: ActitoSandbox) -> None:
    read(verdi)
    welcome = sandbox_row(actito, "Welcome")
    remove(actito, "Welcome")
    read(verdi)
    actito._store.entity(ENTITY).table(TABLE).scenarios[welcome.id] = welcome
    before = rows()["Welcome"]
    assert read(verdi).outcome == "3 scenarios, 1 back again."
    assert (rows()["Welcome"].pk, rows()["Welcome"].vanished_at) == (before.pk, None)


def test_a_scenario_that_is_stopped_or_renamed_is_changed(verdi: ActitoConnection, actito: ActitoSandbox) -> None:
    read(verdi)
    welcome = sandbox_row(actito, "Welcome")
    welcome.is_active, welcome.name = False, f"Hello{UUID}"
    assert read(verdi).outcome == "3 scenarios."
    assert rows()["Hello"].is_active is False
    assert "Welcome" not in rows()


def test_an_empty_list_is_a_list(verdi: ActitoConnection, double: Double) -> None:
    read(verdi)
    ActitoConnection.objects.update(host=double.url)
    double.profile = answer(200, {"workflows": []})
    assert read(ActitoConnection.objects.get()).outcome == "0 scenarios, 3 no longer there."


def test_each_connection_has_scenarios_of_its_own(verdi: ActitoConnection, actito: ActitoSandbox) -> None:
    other = make_connection(verdi.tenant, actito.url, name="Other", table="Other")
    actito.seed(entity=ENTITY, table="Other", scenarios=[{"name": "Welcome"}])
    read(verdi)
    assert read(other).outcome == "1 scenario, 1 new."
    assert ActitoScenario.objects.filter(display_name="Welcome", vanished_at=None).count() == 2


def test_readings_that_wait_are_one_reading(verdi: ActitoConnection) -> None:
    for _ in range(3):
        ask(verdi)
    (event,) = run_due(KIND)
    assert event.outcome == "3 scenarios, 3 new."
    assert Event.objects.filter(kind=KIND, status=Event.Status.MERGED).count() == 2


def test_a_list_of_many_scenarios(double: Double, doubled: ActitoConnection) -> None:
    many = [{**LISTED, "id": number, "name": f"Scenario {number}{UUID}"} for number in range(1, 1201)]
    double.profile = answer(200, {"workflows": many})
    assert read(doubled).outcome == "1200 scenarios, 1200 new."
    double.profile = answer(200, {"workflows": many[:-1]})
    assert read(doubled).outcome == "1199 scenarios, 1 no longer there."


# When Actito does not answer


def test_a_right_that_is_missing_stops_nothing_else(verdi: ActitoConnection, actito: ActitoSandbox) -> None:
    read(verdi)
    actito.switches.scenario_right = False
    event = read(verdi)
    assert (event.status, event.outcome) == (
        Event.Status.IGNORED,
        "The API key of “Actito” may not read scenarios. Give it that right in Actito, then refresh.",
    )
    assert not Lane.objects.exclude(paused_at=None).exists()
    assert not ActitoScenario.objects.exclude(vanished_at=None).exists()


def test_a_table_that_actito_does_not_know_is_told(verdi: ActitoConnection) -> None:
    ActitoConnection.objects.update(table="profiles")
    event = read(verdi)
    assert event.status == Event.Status.IGNORED
    assert event.outcome == "Actito knows no scenarios of the table “profiles” of “demo”, or hides them from this key."


def test_an_outage_is_tried_again(verdi: ActitoConnection, actito: ActitoSandbox) -> None:
    actito.faults.append(Fault("status", path="/scenario", status=503))
    event = read(verdi)
    assert (event.status, event.retries) == (Event.Status.WAITING, 1)


def test_a_key_that_is_refused_pauses_the_connection(double: Double, doubled: ActitoConnection) -> None:
    double.profile = answer(401, {})
    assert read(doubled).status == Event.Status.WAITING
    assert Lane.objects.exclude(paused_at=None).exists()


def test_a_403_tells_its_decision_to_whoever_calls(verdi: ActitoConnection, actito: ActitoSandbox) -> None:
    actito.switches.scenario_right = False
    with pytest.raises(ApiError) as error:
        ActitoClient(verdi).scenarios()
    assert (error.value.decision, error.value.status) == (Decision.DEAD, 403)


def test_a_connection_that_was_deleted_meanwhile_is_told(verdi: ActitoConnection) -> None:
    ask(verdi)
    verdi.delete()
    (event,) = run_due(KIND)
    assert event.status == Event.Status.IGNORED


# Every day


def test_every_connection_of_the_tenants_is_asked(verdi: ActitoConnection) -> None:
    elsewhere = make_connection(make_tenant("rivale"))
    make_connection(Tenant.objects.create(slug="gone", name="Gone", suspended_at=timezone.now()))
    ask_all([verdi.tenant_id, elsewhere.tenant_id])
    asked = Event.objects.filter(kind=KIND).values_list("tenant_id", "subject", "lane_id")
    assert set(asked) == {(each.tenant_id, f"{each.source}:scenarios", each.lane_id) for each in (verdi, elsewhere)}
