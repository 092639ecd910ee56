"""Scenarios in the admin: the list, a scenario's page, reading them again."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from integrations.actito.models import ActitoConnection, ActitoScenario
from portal import ledger
from portal.models import Change, Event, Lane, Tenant
from portal.tenancy import Role
from tests import factories as make
from tests.integrations.actito.test_admin import form
from tests.portal.admin_world import World, client_of, make_world, member, url

pytestmark = pytest.mark.django_db

KIND = "actito.scenarios"
LIST = "/admin/actito/actitoscenario/"
REFRESH = f"{LIST}refresh/"
SUBMIT = {"_form_submitted": "True"}


def text(client: Client, address: str = LIST, **query: Any) -> str:
    response = client.get(address, query)
    assert response.status_code == 200
    return str(response.content.decode())


def shown(client: Client, **query: Any) -> list[str]:
    return [row.display_name for row in client.get(LIST, query).context["cl"].result_list]


@pytest.fixture
def listed(world: World) -> dict[str, ActitoScenario]:
    """Four scenarios beside the world's own."""
    connection = world.rows[ActitoConnection]
    world.rows[ActitoScenario].delete()
    flags: dict[str, dict[str, Any]] = {
        "Welcome": {},
        "autumn": {"is_active": False},
        "Birthday": {"is_start_event_triggered": False},
        "Winter": {"vanished_at": timezone.now()},
    }
    return {name: make.ScenarioFactory.make(connection=connection, display_name=name, **more)
            for name, more in flags.items()}  # fmt: skip


def test_the_list_is_in_the_order_of_the_alphabet_and_says_states_in_words(
    owner: Client, listed: dict[str, ActitoScenario]
) -> None:
    assert shown(owner) == ["autumn", "Birthday", "Welcome", "Winter"]
    page = text(owner)
    for words in ("Active", "Not active", ">Gone<", "By API", ">In Actito<", "Verdi connection"):
        assert words in page, words


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"state": "active"}, ["Birthday", "Welcome"]),
        ({"state": "stopped"}, ["autumn"]),
        ({"state": "gone"}, ["Winter"]),
        ({"start": "api"}, ["autumn", "Welcome", "Winter"]),
        ({"start": "actito", "state": "active"}, ["Birthday"]),
        ({"q": "w"}, ["Welcome", "Winter"]),
        ({"q": "WE"}, ["Welcome"]),
        ({"q": "elcome"}, []),
        ({"state": "other"}, ["autumn", "Birthday", "Welcome", "Winter"]),
    ],
)
def test_filters_and_search(
    owner: Client, listed: dict[str, ActitoScenario], query: dict[str, str], found: list[str]
) -> None:
    assert shown(owner, **query) == found


def test_scenarios_stand_in_the_navigation_between_templates_and_connections(owner: Client) -> None:
    page = text(owner, "/admin/")
    places = [page.index(f'href="{url(model, "changelist")}"') for model in (ActitoScenario, ActitoConnection)]
    assert page.index('href="/admin/passes/passtemplate/"') < places[0] < places[1]


def test_a_scenarios_page_has_its_technical_name_to_copy(owner: Client, listed: dict[str, ActitoScenario]) -> None:
    scenario = listed["Welcome"]
    page = text(owner, url(ActitoScenario, "change", scenario.pk))
    assert f'value="{scenario.technical_name}"' in page
    assert scenario.remote_id in page
    assert "lets nobody change a scenario once it is active" in page
    assert "Only scenarios with a Start block can be started by API" in page
    assert "Save" not in page
    gone = text(owner, url(ActitoScenario, "change", listed["Winter"].pk))
    assert "Gone since" in gone
    assert "Actito no longer lists this scenario" in gone


@pytest.mark.parametrize("role", Role)
def test_nobody_adds_changes_or_removes_a_scenario(world: World, role: Role) -> None:
    client, row = client_of(member(world, role)), world.rows[ActitoScenario]
    assert client.get(url(ActitoScenario, "change", row.pk)).status_code == 200
    assert client.get(url(ActitoScenario, "add")).status_code == 403
    assert client.post(url(ActitoScenario, "change", row.pk), {"display_name": "Mine"}).status_code == 403
    assert client.post(url(ActitoScenario, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert ActitoScenario.objects.get(pk=row.pk).display_name == row.display_name


# Reading again


@pytest.mark.parametrize(
    ("role", "may"), [(Role.OWNER, True), (Role.MARKETER, True), (Role.OPERATOR, True), (Role.AUDITOR, False)]
)
def test_whoever_operates_or_configures_has_the_list_read_again(world: World, role: Role, may: bool) -> None:
    other = make_world("Rivale")
    user = member(world, role)
    client = client_of(user)
    assert ("Refresh from Actito" in text(client)) is may
    response = client.post(REFRESH, SUBMIT)
    asked = Event.objects.filter(kind=KIND)
    if not may:
        assert response.status_code == 403
        assert not asked.exists()
        return
    assert response.status_code == 302
    connection = world.rows[ActitoConnection]
    assert asked.get().subject == f"{connection.source}:scenarios"
    assert not asked.filter(tenant=other.tenant).exists()
    change = Change.objects.filter(tenant=world.tenant, model="actito.actitoconnection").latest("pk")
    assert (change.who, change.sentence) == (user.get_username(), "Had its scenarios read again.")


def test_asking_takes_a_dialog_and_a_token(world: World, owner: Client) -> None:
    assert "Read the scenarios again?" in text(owner, REFRESH)
    assert not Event.objects.filter(kind=KIND).exists()
    assert client_of(world.owner, enforce_csrf_checks=True).post(REFRESH, SUBMIT).status_code == 403


def test_a_suspended_tenant_asks_for_nothing(world: World, owner: Client) -> None:
    Tenant.objects.filter(pk=world.tenant.pk).update(suspended_at=timezone.now())
    assert owner.post(REFRESH, SUBMIT).status_code == 403
    assert not Event.objects.filter(kind=KIND).exists()


def test_a_paused_connection_is_told(world: World, owner: Client) -> None:
    Lane.objects.update(paused_at=timezone.now(), pause_reason="The key is refused.")
    response = owner.post(REFRESH, SUBMIT, follow=True)
    page = response.content.decode()
    assert "“Verdi connection” is paused: its scenarios are read once it is resumed." in page
    assert "Waits: the connection is paused" in page


def test_a_connection_that_is_new_or_saved_has_its_scenarios_read(world: World, owner: Client) -> None:
    assert owner.post(url(ActitoConnection, "add"), form(api_key="k")).status_code == 302
    made = ActitoConnection.objects.get(name="Actito")
    assert list(Event.objects.filter(kind=KIND).values_list("subject", flat=True)) == [f"{made.source}:scenarios"]
    assert owner.post(url(ActitoConnection, "change", made.pk), form(table="Other")).status_code == 302
    assert Event.objects.filter(kind=KIND, payload__connection=made.pk).count() == 2


def test_owners_remove_a_connection_with_its_scenarios(world: World, owner: Client) -> None:
    connection = make.ConnectionFactory.make(tenant=world.tenant)
    make.ScenarioFactory.make(connection=connection)
    page = url(ActitoConnection, "delete", connection.pk)
    assert owner.post(page, {"post": "yes"}).status_code == 302
    assert not ActitoConnection.objects.filter(pk=connection.pk).exists()
    assert not ActitoScenario.objects.filter(connection_id=connection.pk).exists()


# What became of the reading


@pytest.mark.parametrize(
    ("status", "more", "words"),
    [
        (Event.Status.WAITING, {}, "Being read"),
        (Event.Status.LEASED, {}, "Being read"),
        (Event.Status.WAITING, {"first_failed_at": timezone.now()}, "Tried again soon"),
        (Event.Status.DONE, {"outcome": "12 scenarios, 1 new."}, "12 scenarios, 1 new."),
        (Event.Status.IGNORED, {"outcome": "No right."}, "Could not be read"),
        (Event.Status.FAILED, {"outcome": "No."}, "Could not be read"),
    ],
)
def test_the_list_says_what_became_of_the_last_reading(
    world: World, owner: Client, status: str, more: dict[str, Any], words: str
) -> None:
    connection = world.rows[ActitoConnection]
    make.EventFactory.make(
        tenant=world.tenant, lane_id=connection.lane_id, kind=KIND, subject=f"{connection.source}:scenarios",
        status=status, **{"outcome": "", **more},
    )  # fmt: skip
    assert words in text(owner)


def test_an_empty_list_says_what_to_do_next(world: World, owner: Client) -> None:
    ActitoScenario.objects.all().delete()
    page = text(owner)
    assert "Not read yet" in page
    assert "“Refresh from Actito” reads them now." in page
    new = make.MembershipFactory.make()
    page = text(client_of(new.user))
    assert "Connect Actito first. Its scenarios are then read by themselves." in page
    assert f'href="{url(ActitoConnection, "connect")}"' in page
    assert "Refresh from Actito" not in page
    auditor = make.MembershipFactory.make(tenant=new.tenant, role=Role.AUDITOR)
    assert f'href="{url(ActitoConnection, "connect")}"' not in text(client_of(auditor.user))
    assert client_of(new.user).post(REFRESH, SUBMIT).status_code == 302
    assert not Event.objects.filter(tenant=new.tenant).exists()


def test_the_trace_names_the_connection(world: World, owner: Client) -> None:
    connection = world.rows[ActitoConnection]
    owner.post(REFRESH, SUBMIT)
    event = Event.objects.get(kind=KIND)
    page = text(owner, url(Event, "change", event.pk))
    assert ledger.kind_title(KIND) == "Actito scenarios read"
    assert url(ActitoConnection, "change", connection.pk) in page
