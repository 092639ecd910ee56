"""Actito connections in the admin."""

from __future__ import annotations

from typing import Any

import pytest
import responses
from django.test import Client
from django.utils import timezone

from integrations.actito.models import ActitoConnection, AttributeMapping
from integrations.actito.sandbox import ActitoSandbox
from portal.models import Event, Lane
from portal.tenancy import Role
from tests import factories as make
from tests.factories import API_KEY
from tests.portal.admin_world import World, client_of, make_world, member, url
from tests.world import ACTITO_KEY

pytestmark = pytest.mark.django_db
SUBMIT = {"_form_submitted": "True"}
HOST = "https://api3.actito.com"


def form(connection: ActitoConnection | None = None, **changes: Any) -> dict[str, Any]:
    data = {
        "name": "Actito", "host": HOST, "licence": "verdi", "path_style": "categorised", "entity": "demo",
        "table": "Profiles", "unique_key": "emailAddress", "language_attribute": "", "api_key": "",
        "nightly_reads": 1000,
        "mappings-TOTAL_FORMS": 0, "mappings-INITIAL_FORMS": 0,
        "parameters-TOTAL_FORMS": 0, "parameters-INITIAL_FORMS": 0,
    }  # fmt: skip
    return {**data, **changes}


def action(connection: ActitoConnection, name: str) -> str:
    return f"{url(ActitoConnection, 'changelist')}{connection.pk}/{name}/"


def test_an_owner_connects_actito(world: World, owner: Client) -> None:
    assert owner.post(url(ActitoConnection, "add"), form()).status_code == 200  # without a key
    assert owner.post(url(ActitoConnection, "add"), form(api_key="k-1")).status_code == 302
    made = ActitoConnection.objects.get(name="Actito")
    assert (made.tenant, made.api_key) == (world.tenant, "k-1")


def test_a_connection_says_where_its_webhooks_go(world: World, owner: Client) -> None:
    text = owner.get(url(ActitoConnection, "change", world.rows[ActitoConnection].pk)).content.decode()
    for end in ("profile/Create", "profile/Update", "custom-actions/updatePass"):
        assert f"http://127.0.0.1:8000/api/{world.tenant.slug}/webhooks/listeners/actito/{end}" in text


def test_a_long_address_and_licence_are_one_account_as_short_ones_are(world: World, owner: Client) -> None:
    long = {"host": f"https://api3.actito.com/{'x' * 170}", "api_key": "k"}
    for name, licence in (("One", "a" * 100), ("Same", "a" * 100), ("Other", "a" * 99 + "b")):
        assert owner.post(url(ActitoConnection, "add"), form(name=name, licence=licence, **long)).status_code == 302
    lanes = {each.name: each.lane for each in ActitoConnection.objects.filter(host=long["host"])}
    assert lanes["One"] == lanes["Same"] != lanes["Other"]
    assert max(len(lane.key) for lane in lanes.values()) <= 200


def test_a_taken_name_is_told_in_the_form(world: World, owner: Client) -> None:
    taken = world.rows[ActitoConnection].name
    response = owner.post(url(ActitoConnection, "add"), form(name=taken, api_key="k"))
    assert response.status_code == 200
    assert "already exists" in response.content.decode()
    other = make_world("Other")
    assert client_of(other.owner).post(url(ActitoConnection, "add"), form(name=taken, api_key="k")).status_code == 302


def test_an_empty_key_keeps_the_stored_one(world: World, owner: Client) -> None:
    connection = world.rows[ActitoConnection]
    page = url(ActitoConnection, "change", connection.pk)
    assert owner.post(page, form(name="Renamed")).status_code == 302
    connection = ActitoConnection.objects.get(pk=connection.pk)
    assert (connection.name, connection.api_key) == ("Renamed", API_KEY)
    owner.post(page, form(name="Renamed", api_key="newer"))
    assert ActitoConnection.objects.get(pk=connection.pk).api_key == "newer"


def test_another_address_takes_the_key_again(world: World, owner: Client) -> None:
    connection = world.rows[ActitoConnection]
    page = url(ActitoConnection, "change", connection.pk)
    response = owner.post(page, form(host="https://elsewhere.example"))
    assert response.status_code == 200
    assert "Enter the API key again: it would go to another address." in response.content.decode()
    connection.refresh_from_db()
    assert connection.host == HOST
    assert owner.post(page, form(host="https://elsewhere.example", api_key="newer")).status_code == 302
    connection = ActitoConnection.objects.get(pk=connection.pk)
    assert (connection.host, connection.api_key) == ("https://elsewhere.example", "newer")


def test_more_mappings_than_fit_are_refused_at_once(world: World, owner: Client) -> None:
    """However many a posted number speaks of."""
    connection, name = world.rows[ActitoConnection], "value"
    rows = {
        f"mappings-{n}-{key}": value for n in range(201)
        for key, value in {"part": "attributes", "attribute": f"a{n}", "value_name": f"{name}{n}",
                           "value_type": "text", "connection": connection.pk}.items()
    }  # fmt: skip
    before = AttributeMapping.objects.count()
    posted = form(**{**rows, "mappings-TOTAL_FORMS": 100_000})
    response = owner.post(url(ActitoConnection, "change", connection.pk), posted)
    assert response.status_code == 200
    assert len(response.context["inline_admin_formsets"][0].formset.forms) == 201
    assert "at most 200" in response.content.decode()
    assert AttributeMapping.objects.count() == before


def test_marketers_map_values_and_leave_the_connection_alone(world: World) -> None:
    connection = world.rows[ActitoConnection]
    client = client_of(member(world, Role.MARKETER))
    page = url(ActitoConnection, "change", connection.pk)
    assert 'name="api_key"' not in client.get(page).content.decode()
    forged = form(
        name="Forged", host="https://evil.example", api_key="mine",
        **{"mappings-TOTAL_FORMS": 1, "mappings-0-part": "attributes", "mappings-0-attribute": "tier",
           "mappings-0-value_name": "tier", "mappings-0-value_type": "text", "mappings-0-connection": connection.pk},
    )  # fmt: skip
    assert client.post(page, forged).status_code == 302
    stored = ActitoConnection.objects.get(pk=connection.pk)
    assert (stored.name, stored.host, stored.api_key) == (connection.name, connection.host, API_KEY)
    assert AttributeMapping.objects.filter(connection=connection, value_name="tier").exists()
    assert client.get(url(ActitoConnection, "add")).status_code == 403


def answer_token() -> None:
    responses.get(f"{HOST}/auth/token", json={"accessToken": "t", "expiresIn": "900s"})


def at(connection: ActitoConnection, actito: ActitoSandbox, **more: Any) -> ActitoConnection:
    """The connection of the world, turned to the sandbox."""
    for name, value in {"host": actito.url, "entity": "demo", "api_key": ACTITO_KEY, **more}.items():
        setattr(connection, name, value)
    connection.save()
    return connection


def steps_of(owner: Client, connection: ActitoConnection, profile: str = "") -> dict[str, tuple[str, str]]:
    """What a test shows: the title of each step -> its tone and sentence."""
    steps = owner.post(action(connection, "test"), {**SUBMIT, "profile": profile}).context["steps"]
    return {step.title: (step.tone, step.sentence) for step in steps}


def test_testing_shows_each_step_and_what_the_mappings_make(world: World, owner: Client, actito: ActitoSandbox) -> None:
    connection, mapping = at(world.rows[ActitoConnection], actito), world.rows[AttributeMapping]
    AttributeMapping.objects.filter(pk=mapping.pk).update(attribute="points")
    assert world.mark in owner.get(action(connection, "test")).content.decode()  # a known profile is proposed
    page = owner.post(action(connection, "test"), {**SUBMIT, "profile": "emailAddress=anna.peeters@example.com"})
    text = page.content.decode()
    for part in ("The connection works", "Profile 1 was read.", "auth/token", mapping.value_name, "420"):
        assert part in text, part
    assert ACTITO_KEY not in text
    assert not Event.objects.filter(kind="actito.profile").exists()
    shown = steps_of(owner, connection)  # without a name, any profile is read
    assert list(shown) == ["Token", "Entity", "Profile table", "A profile", "Unique attribute", "List of scenarios",
                           "List of webhooks"]  # fmt: skip
    assert {tone for tone, _ in shown.values()} == {"good"}


@pytest.mark.parametrize(
    ("area", "step", "said"),
    [("entities", "Entity", "may not list entities"), ("tables", "Profile table", "may not list profile tables"),
     ("profiles", "A profile", "may not read profiles"), ("scenarios", "List of scenarios", "may not read scenarios"),
     ("webhooks", "List of webhooks", "may not read webhooks")],
)  # fmt: skip
def test_each_right_that_a_key_lacks_is_told_by_its_step(
    world: World, owner: Client, actito: ActitoSandbox, area: str, step: str, said: str
) -> None:
    actito.grant("narrow", {area: "none"})
    shown = steps_of(owner, at(world.rows[ActitoConnection], actito, api_key="narrow"))
    assert shown[step][0] == "bad"
    assert said in shown[step][1]
    others = {name for name in shown if name not in {step, "Unique attribute"}}
    assert {shown[name][0] for name in others} == {"good"}


@pytest.mark.parametrize(
    ("change", "step", "said"),
    [({"entity": "nowhere"}, "Entity", "It lists: demo."),
     ({"table": "Nobody"}, "Profile table", "It lists: Profiles."),
     ({"unique_key": "firstName"}, "Unique attribute", "is not unique"),
     ({"unique_key": "shoeSize"}, "Unique attribute", "has no attribute")],
)  # fmt: skip
def test_a_name_that_actito_does_not_know_is_told(
    world: World, owner: Client, actito: ActitoSandbox, change: dict[str, str], step: str, said: str
) -> None:
    shown = steps_of(owner, at(world.rows[ActitoConnection], actito, **change))
    assert shown[step][0] == "bad"
    assert said in shown[step][1]


@responses.activate
@pytest.mark.parametrize(("status", "said"), [(401, "does not accept the API key"), (500, "answered 500")])
def test_a_test_without_a_token_tries_nothing_else(world: World, owner: Client, status: int, said: str) -> None:
    responses.get(f"{HOST}/auth/token", status=status)
    shown = steps_of(owner, world.rows[ActitoConnection])
    assert shown["Token"][0] == "bad"
    assert said in shown["Token"][1]
    assert set(list(shown.values())[1:]) == {("quiet", "Not tried.")}
    assert Lane.objects.filter(paused_at=None).count() == Lane.objects.count()


def test_a_profile_that_is_not_there_is_told(world: World, owner: Client, actito: ActitoSandbox) -> None:
    shown = steps_of(owner, at(world.rows[ActitoConnection], actito), "8")
    assert "knows no profile “8”" in shown["A profile"][1]


def test_resuming(world: World) -> None:
    connection = world.rows[ActitoConnection]
    Lane.objects.filter(pk=connection.lane_id).update(paused_at=timezone.now(), pause_reason="The key is refused.")
    operator = client_of(member(world, Role.OPERATOR))
    assert "Paused: The key is refused." in operator.get(url(ActitoConnection, "changelist")).content.decode()
    assert "Resume this connection?" in operator.get(action(connection, "resume")).content.decode()
    assert client_of(member(world, Role.MARKETER)).post(action(connection, "resume"), SUBMIT).status_code == 403
    connection.lane.refresh_from_db()
    assert connection.lane.paused_at
    without_token = client_of(world.owner, enforce_csrf_checks=True)
    assert without_token.post(action(connection, "resume"), SUBMIT).status_code == 403
    operator.post(action(connection, "resume"), SUBMIT)
    connection.lane.refresh_from_db()
    assert (connection.lane.paused_at, connection.lane.pause_reason) == (None, "")


def waiting(connection: ActitoConnection, **fields: Any) -> Event:
    defaults = {"tenant": connection.tenant, "lane_id": connection.lane_id, "status": Event.Status.WAITING,
                "kind": "actito.profile", "source": connection.source}  # fmt: skip
    return make.EventFactory.make(**{**defaults, **fields})


def paused(connection: ActitoConnection) -> Lane:
    Lane.objects.filter(pk=connection.lane_id).update(paused_at=timezone.now(), pause_reason="The key is refused.")
    return Lane.objects.get(pk=connection.lane_id)


def test_what_waits_for_a_paused_connection_goes_on_once_its_address_is_mended(world: World, owner: Client) -> None:
    connection = world.rows[ActitoConnection]
    lane = paused(connection)
    sent, asked_here = waiting(connection), waiting(connection, source="portal", payload={"connection": connection.pk})
    running = waiting(connection, status=Event.Status.LEASED, subject="running")
    ended = waiting(connection, status=Event.Status.DONE)
    mended = form(name=connection.name, host="https://elsewhere.example", api_key="newer")
    assert owner.post(url(ActitoConnection, "change", connection.pk), mended).status_code == 302
    connection = ActitoConnection.objects.get(pk=connection.pk)
    for event in (sent, asked_here, running):
        event.refresh_from_db()
        assert event.lane_id == connection.lane_id != lane.pk
    ended.refresh_from_db()
    assert ended.lane_id == lane.pk
    lane.refresh_from_db()
    assert (connection.lane.paused_at, lane.paused_at) == (None, None)


def test_what_waits_for_another_connection_of_the_licence_stays_paused(world: World, owner: Client) -> None:
    connection = world.rows[ActitoConnection]
    other = make.ConnectionFactory.make(tenant=world.tenant, name="Other", licence=connection.licence)
    lane = paused(connection)
    assert other.lane_id == lane.pk
    mine, theirs = waiting(connection), waiting(other)
    asked_there = waiting(other, source="portal", payload={"connection": other.pk})
    mended = form(name=connection.name, licence="another", api_key="newer")
    assert owner.post(url(ActitoConnection, "change", connection.pk), mended).status_code == 302
    lanes = dict(Event.objects.values_list("pk", "lane_id"))
    assert lanes[mine.pk] == ActitoConnection.objects.get(pk=connection.pk).lane_id != lane.pk
    assert lanes[theirs.pk] == lanes[asked_there.pk] == lane.pk
    lane.refresh_from_db()
    assert lane.paused_at
