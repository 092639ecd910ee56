"""Didomi connections in the admin."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from integrations.actito.models import ActitoConnection
from integrations.didomi.models import DidomiConnection
from integrations.didomi.sandbox import DidomiSandbox
from integrations.pairing.models import Pairing
from portal import ledger
from portal.access import make_key
from portal.admin.about import related
from portal.models import Event, Lane, Scope
from portal.sandbox import Fault
from portal.tenancy import Role
from tests import factories as make
from tests.integrations.didomi.arrivals_world import ANNA, ORGANISATION
from tests.integrations.didomi.didomi_world import KEY, SECRET
from tests.portal.admin_world import World, action, client_of, member, url

pytestmark = pytest.mark.django_db
SUBMIT = {"_form_submitted": "True"}
HOST = "https://api.didomi.io"
ADDRESS = "http://127.0.0.1:8000/api/{}/webhooks/listeners/didomi/events"


def form(**changes: Any) -> dict[str, Any]:
    return {"name": "Didomi", "host": HOST, "organization_id": ORGANISATION, "regulations": "gdpr", "api_key": "",
            "api_secret": "", **changes}  # fmt: skip


@pytest.fixture
def connection(world: World, didomi: DidomiSandbox) -> DidomiConnection:
    """The connection of the world, turned to the sandbox."""
    found: DidomiConnection = world.rows[DidomiConnection]
    found.host, found.organization_id, found.api_key, found.api_secret = didomi.url, ORGANISATION, KEY, SECRET
    found.save()
    return found


def page(client: Client, connection: DidomiConnection) -> str:
    return client.get(url(DidomiConnection, "change", connection.pk)).content.decode()


def try_out(client: Client, connection: DidomiConnection, person: str = "") -> Any:
    return client.post(action(DidomiConnection, connection.pk, "test"), {**SUBMIT, "person": person})


def steps(answer: Any) -> list[tuple[str, str, str]]:
    return [(step.title, step.tone, step.sentence) for step in answer.context["steps"]]


# Setting up


def test_an_owner_connects_didomi_and_its_catalogue_is_asked_for(world: World, owner: Client) -> None:
    add = url(DidomiConnection, "add")
    assert owner.post(add, form(api_key="k-1")).status_code == 200  # without its secret
    assert owner.post(add, form(api_key="k-1", api_secret="s-1")).status_code == 302
    made = DidomiConnection.objects.get(name="Didomi")
    assert (made.tenant, made.api_key, made.api_secret, made.regulations) == (world.tenant, "k-1", "s-1", ["gdpr"])
    asked = Event.objects.get(kind="didomi.catalogue")
    assert (asked.lane, asked.payload) == (made.lane, {"connection": made.pk})


@pytest.mark.parametrize(("typed", "stored"), [
    ("gdpr", ["gdpr"]), ("GDPR, cpra", ["gdpr", "cpra"]), ("gdpr;cpra cpra", ["gdpr", "cpra"]),
])  # fmt: skip
def test_regulations_are_typed_in_any_way(world: World, owner: Client, typed: str, stored: list[str]) -> None:
    owner.post(url(DidomiConnection, "add"), form(regulations=typed, api_key="k", api_secret="s"))
    made = DidomiConnection.objects.get(name="Didomi")
    assert made.regulations == stored
    assert f'value="{", ".join(stored)}"' in page(owner, made)


@pytest.mark.parametrize(("typed", "words"), [
    ("", "This field is required"), (",", "Name at least one regulation"), ("rgpd!", "small letters"),
    (" ".join(f"law{n}" for n in range(21)), "Name at least one regulation"),
])  # fmt: skip
def test_regulations_that_are_none_are_refused(owner: Client, typed: str, words: str) -> None:
    answer = owner.post(url(DidomiConnection, "add"), form(regulations=typed, api_key="k", api_secret="s"))
    assert answer.status_code == 200
    assert words in answer.content.decode()


def test_secrets_are_kept_when_left_empty_and_never_shown(world: World, owner: Client) -> None:
    connection = world.rows[DidomiConnection]
    assert "SECRET-didomi" not in page(owner, connection)
    assert owner.post(url(DidomiConnection, "change", connection.pk), form(name="Renamed")).status_code == 302
    stored = DidomiConnection.objects.get(pk=connection.pk)
    assert (stored.name, stored.api_key, stored.api_secret) == ("Renamed", "SECRET-didomi-key", "SECRET-didomi-secret")


def test_another_address_takes_key_and_secret_again(world: World, owner: Client) -> None:
    connection = world.rows[DidomiConnection]
    change = url(DidomiConnection, "change", connection.pk)
    answer = owner.post(change, form(host="https://elsewhere.example", api_key="mine"))
    assert "Enter the API secret again: it would go to another address." in answer.content.decode()
    connection.refresh_from_db()
    assert connection.host == HOST


@pytest.mark.parametrize("role", [Role.MARKETER, Role.OPERATOR, Role.AUDITOR])
def test_only_owners_set_it_up(world: World, role: Role) -> None:
    client, connection = client_of(member(world, role)), world.rows[DidomiConnection]
    assert 'name="api_secret"' not in page(client, connection)
    answer = client.post(url(DidomiConnection, "change", connection.pk), form(name="Forged"))
    assert answer.status_code == 403
    assert client.get(url(DidomiConnection, "add")).status_code == 403
    connection.refresh_from_db()
    assert connection.name != "Forged"


def test_an_empty_list_says_what_a_connection_is_for() -> None:
    person = make.MembershipFactory.make(role=Role.OWNER).user
    text = client_of(person).get(url(DidomiConnection, "changelist")).content.decode()
    assert "A connection brings in what people consent to in Didomi" in text
    home = client_of(person).get("/admin/").content.decode()
    assert "Connect Didomi" in home


def test_a_connection_goes_with_its_catalogue(world: World, owner: Client) -> None:
    connection = world.rows[DidomiConnection]
    assert owner.post(url(DidomiConnection, "delete", connection.pk), {"post": "yes"}).status_code == 302
    assert not DidomiConnection.objects.filter(pk=connection.pk).exists()


# Testing


def test_a_test_shows_each_step_and_the_webhooks_address(
    world: World, owner: Client, connection: DidomiConnection
) -> None:
    answer = try_out(owner, connection)
    assert steps(answer) == [
        ("Session", "good", "Didomi accepts the API key and secret."), ("Purposes", "good", "5 purposes."),
        ("Preferences", "good", "3 preferences."), ("A person", "good", "Consents can be read."),
    ]  # fmt: skip
    text = answer.content.decode()
    assert "The connection works" in text
    assert ADDRESS.format(world.tenant.slug) in text
    assert "Nothing was received yet." in text
    assert not any(secret in text for secret in (KEY, SECRET))


def test_a_test_reads_a_person(owner: Client, didomi: DidomiSandbox, connection: DidomiConnection) -> None:
    didomi.say(ANNA, purposes={"newsletter": True, "events": False})
    assert steps(try_out(owner, connection, f" {ANNA} "))[-1] == (
        "A person", "good", f"“{ANNA}” was read: choices on 2 purposes."
    )  # fmt: skip
    _title, tone, sentence = steps(try_out(owner, connection, "nobody"))[-1]
    assert (tone, sentence) == ("bad", "Didomi knows nobody by the id “nobody”.")


def test_a_person_is_looked_for_under_each_regulation(
    owner: Client, didomi: DidomiSandbox, connection: DidomiConnection
) -> None:
    connection.regulations = ["gdpr", "cpra"]
    connection.save()
    didomi.say(ANNA, purposes={"newsletter": True})
    didomi.say(ANNA, purposes={"events": True}, regulation="cpra")
    assert steps(try_out(owner, connection, ANNA))[-1][2] == f"“{ANNA}” was read: choices on 2 purposes."


def test_a_wrong_pair_ends_the_test(owner: Client, didomi: DidomiSandbox, connection: DidomiConnection) -> None:
    connection.api_secret = "wrong"
    connection.save()
    answer = try_out(owner, connection)
    assert [tone for _title, tone, _said in steps(answer)] == ["bad", "quiet", "quiet", "quiet"]
    assert "The connection does not work yet" in answer.content.decode()
    assert len(didomi.requests) == 1
    assert Lane.objects.get(pk=connection.lane_id).paused_at is None  # it was a test


def test_what_the_key_may_not_read_is_named_and_the_rest_is_tried(
    owner: Client, didomi: DidomiSandbox, connection: DidomiConnection
) -> None:
    didomi.arm(Fault("status", "/preferences", status=403))
    found = steps(try_out(owner, connection))
    assert [tone for _title, tone, _said in found] == ["good", "good", "bad", "good"]
    assert "may not read preferences" in found[2][2]


@pytest.mark.parametrize(("status", "words"), [(403, "Check the organisation ID"), (404, "the organisation ID")])
def test_a_wrong_organisation_is_named(
    owner: Client, didomi: DidomiSandbox, connection: DidomiConnection, status: int, words: str
) -> None:
    didomi.switch(foreign_status=status)
    connection.organization_id = "wrong-org"
    connection.save()
    last = steps(try_out(owner, connection))[-1]
    assert (last[1], "“wrong-org”" in last[2], words in last[2]) == ("bad", True, True)


def test_a_didomi_that_does_not_answer_ends_the_test(owner: Client, connection: DidomiConnection) -> None:
    connection.host = "http://127.0.0.1:9"
    connection.save()
    assert [tone for _title, tone, _said in steps(try_out(owner, connection))] == ["bad", "quiet", "quiet", "quiet"]


def test_operators_do_not_test(world: World, connection: DidomiConnection) -> None:
    assert try_out(client_of(member(world, Role.OPERATOR)), connection).status_code == 403
    assert try_out(client_of(member(world, Role.MARKETER)), connection).status_code == 200


# Its page


def test_the_page_says_where_didomi_posts_and_what_came_last(world: World, owner: Client) -> None:
    connection = world.rows[DidomiConnection]
    text = page(owner, connection)
    assert ADDRESS.format(world.tenant.slug) in text
    assert "Nothing was received yet." in text
    receipt = ledger.record(
        tenant_id=connection.tenant_id, lane_id=connection.lane_id, kind="didomi.catalogue", source=connection.source,
        subject="x", payload={},
    )  # fmt: skip
    text = page(owner, connection)
    assert "Last event received just now." in text
    assert url(Event, "change", receipt.event_id) in text


def test_the_page_leads_to_the_pairing_without_which_nothing_follows(
    world: World, owner: Client, connection: DidomiConnection
) -> None:
    pairings = Pairing.objects.filter(consents=connection.source)
    paired = make.PairingFactory.make(tenant=connection.tenant, name="Web", consents=connection.source)
    assert url(Pairing, "change", paired.pk) in page(owner, connection)
    pairings.delete()
    assert url(Pairing, "add") in page(owner, connection)
    assert url(Pairing, "add") not in page(client_of(member(world, Role.OPERATOR)), connection)


def test_the_last_use_of_its_key_counts_where_events_are_gone(world: World, owner: Client) -> None:
    connection = world.rows[DidomiConnection]
    key, _secret = make_key(world.tenant, "Didomi", [Scope.DIDOMI_LISTENER], bound_to=connection.source)
    key.last_used_at = timezone.now()
    key.save()
    assert "Last event received" in page(owner, connection)


def test_a_paused_connection_is_red_and_is_resumed(world: World) -> None:
    connection, client = world.rows[DidomiConnection], client_of(member(world, Role.OPERATOR))
    assert "resume" not in page(client, connection)
    Lane.objects.filter(pk=connection.lane_id).update(paused_at=timezone.now(), pause_reason="Wrong key.")
    assert "Paused: Wrong key." in page(client, connection)
    assert "Paused: Wrong key." in client.get(url(DidomiConnection, "changelist")).content.decode()
    client.post(action(DidomiConnection, connection.pk, "resume"), SUBMIT)
    assert Lane.objects.get(pk=connection.lane_id).paused_at is None


def test_the_catalogue_is_asked_for_by_marketers(world: World) -> None:
    connection = world.rows[DidomiConnection]
    address = action(DidomiConnection, connection.pk, "read-catalogue")
    assert client_of(member(world, Role.OPERATOR)).post(address, SUBMIT).status_code == 403
    client_of(member(world, Role.MARKETER)).post(address, SUBMIT)
    assert Event.objects.get(kind="didomi.catalogue").payload == {"connection": connection.pk}


def test_limits_are_changed_by_owners(world: World, owner: Client) -> None:
    connection = world.rows[DidomiConnection]
    address = action(DidomiConnection, connection.pk, "limits")
    assert client_of(member(world, Role.MARKETER)).post(address, SUBMIT).status_code == 403
    owner.post(address, {**SUBMIT, "max_running": 3, "calls_per_minute": 60})
    lane = Lane.objects.get(pk=connection.lane_id)
    assert (lane.max_running, lane.calls_per_minute) == (3, 60)


def test_an_event_of_didomis_leads_to_its_connection_and_not_to_actitos(world: World) -> None:
    """Both vendors' events name their connection by its number."""
    didomi = world.rows[DidomiConnection]
    actito = world.rows[ActitoConnection]
    for kind, row in (("didomi.catalogue", didomi), ("actito.structure", actito)):
        event = make.EventFactory.make(tenant=world.tenant, kind=kind, payload={"connection": row.pk}, subject="x")
        assert [each.url for each in related([event])] == [url(type(row), "change", row.pk)]
