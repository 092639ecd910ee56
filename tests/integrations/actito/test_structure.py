"""The table's structure: from Actito's answer, through the ledger, to what changed: on its page and on Home."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from django.test import Client
from django.urls import reverse

from integrations.actito.client import ActitoClient
from integrations.actito.models import ActitoConnection, TableStructure
from integrations.actito.sandbox import ActitoSandbox, Attribute
from integrations.actito.structure import ACTITO_STRUCTURE, ask, ask_all, kept_of
from integrations.actito.tables import Change, Item, concerning, differences, merged, parse_structure
from portal.http import ApiError
from portal.ledger.failure import Decision
from portal.models import Customer, Event
from portal.tenancy import Role
from tests import factories as make
from tests.integrations.actito.double import Double, answer
from tests.portal.admin_world import client_of
from tests.world import ACTITO_KEY, ENTITY, TABLE, make_connection, make_tenant, map_value, payload, run_due, run_one

pytestmark = pytest.mark.django_db


@pytest.fixture
def verdi(actito: ActitoSandbox) -> ActitoConnection:
    return make_connection(make_tenant(), actito.url)


@pytest.fixture
def doubled(double: Double) -> ActitoConnection:
    return make_connection(make_tenant(), double.url)


def read(connection: ActitoConnection) -> Event:
    """The structure is asked for, and a worker reads it."""
    ask(connection)
    (event,) = run_due(ACTITO_STRUCTURE)
    return event


def change(actito: ActitoSandbox, method: str, item: str, **body: Any) -> None:
    """As somebody would in Actito, by the sandbox's own calls."""
    url = f"{actito.url}/_sandbox/entity/{ENTITY}/table/{TABLE}/{item}"
    assert requests.request(method, url, json=body, timeout=5).status_code == 204


def page_of(connection: ActitoConnection, role: Role = Role.MARKETER, page: str = "") -> str:
    person = make.MembershipFactory.make(tenant=connection.tenant, role=role).user
    url = page or reverse("admin:actito_actitoconnection_change", args=[connection.pk])
    return client_of(person).get(url).content.decode()


# What Actito answers


@pytest.mark.parametrize("style", ActitoConnection.PathStyle.values)
@pytest.mark.parametrize("table", [TABLE, "2"])
def test_every_path_style_reaches_the_structure_by_name_and_by_id(
    verdi: ActitoConnection, style: str, table: str
) -> None:
    verdi.path_style, verdi.table = style, table
    found = ActitoClient(verdi).structure()
    assert found.parts["attributes"]["points"] == Item("points", "INTEGER")
    assert found.parts["attributes"]["emailAddress"] == Item(
        "emailAddress", "EMAIL_ADDRESS", unique=True, mandatory=True
    )
    assert list(found.parts["subscriptions"]) == ["Newsletter"]
    assert found.parts["segmentations"] == {}


def test_the_documented_structure_is_read(double: Double, doubled: ActitoConnection) -> None:
    """Its list names the tables alone, and it tells nothing of subscriptions: then nothing is known of them."""
    double.queue = [answer(200, {"profileTables": [{"id": "15", "name": "Old"}, {"id": "16", "name": TABLE}]})]
    double.profile = answer(201, payload("structure_as_documented"))
    found = ActitoClient(doubled).structure()
    assert double.paths()[-1] == f"/profile-table-structure/v5/entities/{ENTITY}/profile-tables/16"
    assert found.parts["attributes"]["lastName"] == Item("lastName", "LASTNAME", label="Last name", mandatory=True)
    assert found.parts["attributes"]["customerId"] == Item("customerId", "STRING", unique=True)
    assert not found.lacks(("subscriptions", "Newsletter"))
    assert found.lacks(("attributes", "points"))


@pytest.mark.parametrize("body", [
    {"attributes": {"points": {"valueType": "integer", "unique": "true"}}, "subscriptions": ["Newsletter"],
     "segmentations": [{"segmentation": {"category": "Club", "name": "Gold"}}]},
    {"attributes": [{"name": "points", "valueType": "INTEGER", "unique": 1, "type": "CUSTOM"}, {"name": 7}, None],
     "subscriptions": {"Newsletter": {}}, "segmentations": [{"name": "Gold"}, {}]},
])  # fmt: skip
def test_other_shapes_of_a_structure_are_the_same(body: Any) -> None:
    found = parse_structure(body)
    assert found.parts["attributes"] == {"points": Item("points", "INTEGER", unique=True)}
    assert (list(found.parts["subscriptions"]), list(found.parts["segmentations"])) == (["Newsletter"], ["Gold"])


@pytest.mark.parametrize("body", [None, [], "text", {}, {"attributes": []}, {"attributes": [{"x": 1}]}])
def test_what_is_no_structure_is_tried_again_and_makes_nothing_vanish(body: Any) -> None:
    with pytest.raises(ApiError) as failed:
        parse_structure(body)
    assert failed.value.decision is Decision.RETRY


# The reading


def test_a_reading_is_kept_with_its_moment(verdi: ActitoConnection) -> None:
    event = read(verdi)
    assert (event.status, event.outcome) == (Event.Status.DONE, "10 attributes, 1 subscription, 0 segmentations.")
    kept = kept_of(verdi)
    assert kept is not None
    assert kept.structure().item(("attributes", "points")) == Item("points", "INTEGER")
    assert (kept.changes, kept.tenant) == ([], verdi.tenant)


def test_it_is_read_every_day_and_two_that_wait_are_one(verdi: ActitoConnection) -> None:
    ask_all([verdi.tenant_id])
    ask(verdi)
    (event,) = run_due(ACTITO_STRUCTURE)
    assert event.status == Event.Status.DONE
    assert Event.objects.filter(kind=ACTITO_STRUCTURE, status=Event.Status.MERGED).count() == 1


@pytest.mark.parametrize(("wrong", "said"), [
    ("right", "may not read the structure of tables"), ("table", "knows no structure of the table"),
])  # fmt: skip
def test_a_missing_right_or_table_is_told_and_keeps_what_was_read(
    verdi: ActitoConnection, actito: ActitoSandbox, wrong: str, said: str
) -> None:
    read(verdi)
    if wrong == "right":
        actito.grant(ACTITO_KEY, {"tables": "none"})
    if wrong == "table":
        ActitoConnection.objects.update(table="Elsewhere")
    event = read(verdi)
    assert event.status == Event.Status.IGNORED
    assert said in event.outcome
    assert TableStructure.objects.get().structure().item(("attributes", "points"))
    verdi.lane.refresh_from_db()
    assert verdi.lane.paused_at is None


# What changed


def of(what: str, name: str = "points", was: str = "INTEGER", now: str = "") -> Change:
    return Change(what, "attributes", name, was, now, 7, "2026-01-31T10:00:00+00:00")


@pytest.mark.parametrize(("known", "found", "left"), [
    ([], [of("gone")], [of("gone")]),
    ([of("gone")], [of("new", now="INTEGER", was="")], []),  # it came back
    ([of("gone")], [of("new", now="STRING", was="")], [of("type", now="STRING")]),  # as another one
    ([of("new", was="", now="INTEGER")], [of("gone")], []),
    ([of("type", now="STRING")], [of("type", was="STRING", now="INTEGER")], []),
    ([of("type", now="STRING")], [of("type", was="STRING", now="LONG")], [of("type", now="LONG")]),
    ([of("type", now="STRING")], [of("gone", was="STRING")], [of("gone")]),
    ([of("gone", "a")], [of("gone", "b")], [of("gone", "a"), of("gone", "b")]),
])  # fmt: skip
def test_changes_add_up_and_cancel_out(known: list[Change], found: list[Change], left: list[Change]) -> None:
    assert merged(known, found) == left


def test_only_what_somebody_should_look_at_is_told() -> None:
    changes = [of("gone"), of("gone", "shoeSize"), of("new", "tier", "", "STRING"), of("new", "lastDevice", "")]
    assert [each.name for each in concerning(changes, {("attributes", "points")})] == ["points", "tier"]


def test_a_part_that_an_answer_leaves_out_has_not_changed() -> None:
    whole = parse_structure({"attributes": [{"name": "a"}], "subscriptions": ["Newsletter"]})
    bare = parse_structure({"attributes": [{"name": "a"}]})
    assert differences(whole, bare, event=1, at="") == differences(bare, whole, event=1, at="") == []


def test_what_is_mapped_and_gone_or_of_another_type_and_what_is_new_is_told(
    verdi: ActitoConnection, actito: ActitoSandbox
) -> None:
    map_value(verdi, "points", "points", "number")
    map_value(verdi, "tier", "tier")
    map_value(verdi, "Newsletter", "newsletter", "yes_no", part="subscriptions")
    read(verdi)
    assert "Changed in Actito" not in page_of(verdi)
    change(actito, "DELETE", "attribute/points")
    change(actito, "PUT", "attribute/loyaltyPoints", valueType="INTEGER")
    change(actito, "PUT", "attribute/tier", valueType="LONG")
    change(actito, "DELETE", "attribute/customerId")  # nobody maps it
    change(actito, "DELETE", "subscription/Newsletter")
    change(actito, "PUT", "segmentation/Gold")
    event = read(verdi)
    assert event.outcome.endswith(
        "Mapped and gone: points, Newsletter. Mapped and of another type now: tier. New: loyaltyPoints, Gold."
    )
    for text in (page_of(verdi), page_of(verdi, Role.AUDITOR, reverse("admin:index"))):
        assert "Attribute “points” is mapped, but gone from the table." in text
        assert "Perhaps it is called “loyaltyPoints” now." in text
        assert "Attribute “tier” was STRING and is LONG now." in text
        assert "Subscription “Newsletter” is mapped, but gone" in text
        assert "Segmentation “Gold” is new and not mapped." in text
        assert "customerId" not in text
        assert reverse("admin:portal_event_change", args=[event.pk]) in text
    read(verdi)  # the next day it is still told
    assert "loyaltyPoints" in page_of(verdi)
    verdi.mappings.filter(attribute="points").update(attribute="loyaltyPoints")  # mended: told no longer
    text = page_of(verdi)
    assert "“points” is mapped" not in text
    assert "“loyaltyPoints” is new" not in text


def test_changes_that_were_seen_are_told_no_longer_and_others_may_not_say_so(
    verdi: ActitoConnection, actito: ActitoSandbox
) -> None:
    map_value(verdi, "points", "points", "number")
    read(verdi)
    change(actito, "DELETE", "attribute/points")
    read(verdi)
    url = reverse("admin:actito_actitoconnection_changelist") + f"{verdi.pk}/changes-seen/"

    def press(role: Role) -> int:
        person: Client = client_of(make.MembershipFactory.make(tenant=verdi.tenant, role=role).user)
        return person.post(url, {"_form_submitted": "True"}).status_code

    assert press(Role.OPERATOR) == 403
    assert "Changed in Actito" in page_of(verdi)
    assert press(Role.MARKETER) == 302
    assert "Changed in Actito" not in page_of(verdi)
    assert "Profile tables that changed" not in page_of(verdi, page=reverse("admin:index"))


def test_customers_keep_a_value_whose_attribute_is_gone_from_the_table(
    verdi: ActitoConnection, actito: ActitoSandbox
) -> None:
    map_value(verdi, "points", "points", "number")
    map_value(verdi, "firstName", "first_name")
    run_one(verdi, 1)
    change(actito, "DELETE", "attribute/points")
    read(verdi)
    actito.set_attribute(ENTITY, TABLE, 1, "firstName", None)
    run_one(verdi, 1)
    assert Customer.objects.get().values == {"points": 420, "first_name": None}


def test_a_connection_that_is_moved_to_another_table_has_changed_nothing_there(
    verdi: ActitoConnection, actito: ActitoSandbox
) -> None:
    map_value(verdi, "points", "points", "number")
    read(verdi)
    actito.seed(entity=ENTITY, table="Members", attributes=[Attribute("emailAddress", unique=True)])
    verdi.table = "Members"
    verdi.save()
    assert kept_of(verdi) is None
    assert read(verdi).outcome.startswith("4 attributes")
    kept = kept_of(verdi)
    assert kept is not None
    assert kept.changes == []


def test_saving_a_connection_and_the_button_ask_for_the_structure(verdi: ActitoConnection) -> None:
    person = client_of(make.MembershipFactory.make(tenant=verdi.tenant, role=Role.MARKETER).user)
    url = reverse("admin:actito_actitoconnection_changelist") + f"{verdi.pk}/read-table/"
    assert person.post(url, {"_form_submitted": "True"}).status_code == 302
    assert Event.objects.get(kind=ACTITO_STRUCTURE).payload == {"connection": verdi.pk}
    empty = {f"{inline}-{count}_FORMS": 0 for inline in ("mappings", "parameters") for count in ("TOTAL", "INITIAL")}
    assert person.post(reverse("admin:actito_actitoconnection_change", args=[verdi.pk]), empty).status_code == 302
    assert Event.objects.filter(kind=ACTITO_STRUCTURE).count() == 2
