"""Custom actions: from Actito's webhook through the ledger to what the pass shows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from integrations.actito.models import ParameterMapping
from integrations.mapping import ValueType
from passes.design import design_of
from passes.models import PassTemplate, WalletPass
from passes.refresh import values_of
from portal import ledger
from portal.admin.about import people
from portal.admin.customers import events_about
from portal.admin.extend import extensions
from portal.models import Customer, Event, Identity
from portal.tenancy import Role
from tests import factories as make
from tests.portal.admin_world import client_of
from tests.world import Speaker, make_due, make_speaker, payload

pytestmark = pytest.mark.django_db
Mode, Status = ParameterMapping.Mode, Event.Status
SUBMIT = {"_form_submitted": "True"}


@dataclass
class Shop:
    """A tenant with Anna, profile 147471, and her loyalty card."""

    speaker: Speaker
    customer: Customer
    card: WalletPass

    def post(self, body: Any, status: int = 200) -> None:
        address = f"/api/{self.speaker.tenant.slug}/webhooks/listeners/actito/custom-actions/updatePass"
        headers, sent = {"X-API-KEY": self.speaker.secret}, body if isinstance(body, bytes) else json.dumps(body)
        answer = Client().post(address, sent, content_type="application/json", headers=headers)
        assert answer.status_code == status, answer.content

    def act(self, body: Any = None, status: int = 200, **parameters: Any) -> list[Event]:
        """Posts, lets a worker do all that is due, and returns the custom actions as they ended."""
        known = Event.objects.filter(kind="actito.action").count()
        self.post(body if body is not None else {"data": {"profileId": 147471, **parameters}}, status)
        work()
        return list(Event.objects.filter(kind="actito.action").order_by("pk")[known:])

    @property
    def shown(self) -> dict[str, Any]:
        return values_of(WalletPass.objects.select_related("customer").get(pk=self.card.pk))

    @property
    def fields(self) -> dict[str, Any]:
        self.card.refresh_from_db()
        return {field["key"]: field["value"] for field in self.card.content["fields"]}


def work() -> None:
    while events := [event for event in ledger.claim(32, "tests") if ledger.run(event) or True]:
        assert events


def publish(template: PassTemplate) -> None:
    template.published = design_of(template)
    template.save()


def replay_all() -> None:
    for key in Event.objects.filter(kind__in=["actito.action", "pass.update"]).values_list("pk", flat=True):
        ledger.replay(key, by="anna")
        work()


@pytest.fixture
def shop() -> Shop:
    speaker = make_speaker()
    tenant, connection = speaker.tenant, speaker.connection
    origins = {"points": {"number": 0, "changed": 0}}
    customer = make.CustomerFactory.make(tenant=tenant, key="anna@example.com", origins=origins)
    for namespace, value in ((connection.source, "147471"), (f"{connection.source}:key", "anna@example.com")):
        Identity.objects.create(tenant=tenant, customer=customer, namespace=namespace, value=value)
    template = make.TemplateFactory.make(tenant=tenant, name="Loyalty card")
    make.TemplateFieldFactory.make(template=template, key="points", label="Points", expression="{{ points }}")
    publish(template)
    card = make.PassFactory.make(template=template, customer=customer)
    for parameter, name, kind, mode in (("points", "points", ValueType.NUMBER, Mode.SET),
                                        ("bonus", "points", ValueType.NUMBER, Mode.ADD),
                                        ("tier", "tier", ValueType.TEXT, Mode.SET)):  # fmt: skip
        ParameterMapping.objects.create(connection=connection, parameter=parameter, value_name=name, value_type=kind,
                                        mode=mode, pinned=parameter == "tier")  # fmt: skip
    return Shop(speaker, customer, card)


# Whom, and what


@pytest.mark.parametrize(("sent", "hushed"), [(True, True), ("true", True), ("1", True), ("no", None), (None, None)])
def test_a_silent_action_changes_the_card_without_a_message(shop: Shop, sent: Any, hushed: bool | None) -> None:
    shop.card.template.fields.update(change_message="%@ points")
    publish(shop.card.template)
    WalletPass.objects.update(fetched_at=timezone.now())

    shop.act(points=310, silent=sent)

    assert shop.fields["points"] == 310
    assert shop.card.content["fields"][0].get("hushed") is hushed


@pytest.mark.parametrize("case", ["action_with_flat_keys", "action_nested", "action_of_other_connectors"])
def test_every_shape_reaches_the_card(shop: Shop, case: str) -> None:
    [event] = shop.act(payload(case))
    assert event.status == Status.DONE, event.outcome
    assert shop.fields["points"] in {250, 300}


def test_each_matching_pass_gets_an_event_of_its_own(shop: Shop) -> None:
    second = make.PassFactory.make(
        template=make.TemplateFactory.make(tenant=shop.speaker.tenant, name="Gift"), customer=shop.customer
    )
    [event] = shop.act(points=7)
    assert event.outcome == "For 2 passes."
    updates = Event.objects.filter(kind="pass.update", parent=event)
    assert {update.payload["pass"] for update in updates} == {shop.card.pk, second.pk}
    [event] = shop.act(points=8, passType="gift")
    assert event.outcome == "For 1 pass."
    assert shop.fields["points"] == 7


def test_a_pass_is_named_by_its_serial_number(shop: Shop) -> None:
    [event] = shop.act({"serialNumber": str(shop.card.serial_number), "points": 9})
    assert (event.status, shop.fields["points"]) == (Status.DONE, 9)


def test_a_card_of_another_vendor_is_named_by_the_number_on_it(shop: Shop) -> None:
    shop.card.imported_serial, shop.card.imported_under = "1001", shop.card.template.apple
    shop.card.save()
    theirs = make.PassFactory.make(imported_serial="1001")
    theirs.imported_under = theirs.template.apple
    theirs.save()
    [event] = shop.act({"serialNumber": "1001", "points": 9})
    assert (event.status, shop.fields["points"]) == (Status.DONE, 9)


def test_a_mapped_identifier_names_the_customer(shop: Shop) -> None:
    connection = shop.speaker.connection
    make.MappingFactory.make(connection=connection, attribute="customerId", value_name="card_number", identifies=True,
                             value_type=ValueType.TEXT)  # fmt: skip
    name = {"namespace": f"{connection.source}:card_number", "value": "V10000"}
    Identity.objects.create(tenant=shop.speaker.tenant, customer=shop.customer, **name)
    for given in ({"customerId": "V10000", "points": 11}, {"card_number": "V10000", "points": 12}):
        [event] = shop.act({"data": given})
        assert event.status == Status.DONE, event.outcome
    assert shop.fields["points"] == 12


def test_names_of_two_customers_contradict_each_other(shop: Shop) -> None:
    other = make.CustomerFactory.make(tenant=shop.speaker.tenant)
    source = shop.speaker.connection.source
    Identity.objects.create(
        tenant=shop.speaker.tenant, customer=other, namespace=f"{source}:key", value="b@example.com"
    )
    [event] = shop.act(emailAddress="b@example.com", points=5)
    assert (event.status, event.outcome) == (Status.FAILED, "It names two different customers.")


def test_who_names_nobody_is_refused(shop: Shop) -> None:
    shop.post({"data": {"points": 5}}, 400)
    assert not Event.objects.filter(kind="actito.action").exists()


def test_another_tenants_customer_is_nobody(shop: Shop) -> None:
    other = make.PassFactory.make()
    Identity.objects.create(tenant=other.tenant, customer=other.customer, namespace=shop.speaker.connection.source,
                            value="99")  # fmt: skip
    [event] = shop.act(profileId=99, points=5)
    assert event.status == Status.WAITING
    [event] = shop.act({"serialNumber": str(other.serial_number), "points": 5})
    other.refresh_from_db()
    assert other.values == {}


def test_an_action_may_overtake_the_profile_it_is_about(shop: Shop) -> None:
    Identity.objects.all().delete()
    [event] = shop.act(points=44)
    assert (event.status, event.outcome) == (Status.WAITING, "No customer has this name yet.")
    Identity.objects.create(tenant=shop.speaker.tenant, customer=shop.customer,
                            namespace=shop.speaker.connection.source, value="147471")  # fmt: skip
    make_due(event)
    work()
    assert shop.fields["points"] == 44


def test_an_action_for_nobody_ends_as_ignored(shop: Shop) -> None:
    [event] = shop.act({"data": {"profileId": 5, "points": 1}})
    for _ in range(3):
        make_due(event)
        work()
    event.refresh_from_db()
    assert (event.status, event.outcome) == (Status.IGNORED, "No pass: no customer has this name.")
    WalletPass.objects.all().delete()
    [event] = shop.act(points=1)
    assert event.outcome == "No pass: the customer has no such pass."


def test_home_counts_the_actions_that_met_no_pass(shop: Shop) -> None:
    client = client_of(make.MembershipFactory.make(tenant=shop.speaker.tenant).user)
    assert "Actions without a pass" not in client.get("/admin/").content.decode()
    WalletPass.objects.all().delete()
    shop.act(points=1)
    text = client.get("/admin/").content.decode()
    assert "Actions without a pass today" in text
    assert "?kind=actito.action&amp;status=ignored" in text


# Values


def test_a_value_that_cannot_be_read_leaves_the_others(shop: Shop) -> None:
    [event] = shop.act(points="many", tier="Gold", campaignId="9")
    assert shop.shown["tier"] == "Gold"
    assert shop.shown["points"] == 120
    assert "“points” was kept as it was: “many” is not a number." in event.outcome
    assert "Not mapped: campaignId." in event.outcome


def test_the_same_action_twice_changes_nothing_twice(shop: Shop) -> None:
    body = {"id": "push-1", "data": {"profileId": 147471, "bonus": "50"}}
    shop.act(body)
    assert shop.act(body, status=208) == []
    assert shop.shown["points"] == 170
    event = Event.objects.get(kind="pass.update")
    ledger.replay(event.pk, by="anna")
    work()
    assert shop.shown["points"] == 170


@pytest.mark.parametrize(
    ("sent", "points", "noted"),
    [({"points": "250", "bonus": "abc"}, 250, "“bonus” was kept as it was: “abc” is not a number."),
     ({"points": 250, "bonus": ""}, 250, ""), ({"points": 250, "bonus": 10}, 260, ""),
     ({"bonus": 10, "points": 250}, 260, ""), ({"points": "", "bonus": 10}, 130, ""),
     ({"points": "abc", "bonus": 10}, 130, "“points” was kept as it was: “abc” is not a number.")],
)  # fmt: skip
def test_a_value_may_be_set_and_added_to_at_once(shop: Shop, sent: dict[str, Any], points: int, noted: str) -> None:
    [event] = shop.act(**sent)
    assert shop.shown["points"] == points
    assert event.outcome == f"For 1 pass. {noted}".strip()
    for _ in range(2):
        replay_all()
    assert shop.shown["points"] == points


def test_an_addition_counts_once_however_long_ago_it_was(shop: Shop) -> None:
    [first] = shop.act(bonus=50)
    for _ in range(210):
        shop.post({"data": {"profileId": 147471, "bonus": 1}})
    work()
    assert shop.shown["points"] == 120 + 50 + 210
    for event in (first, Event.objects.get(kind="pass.update", parent=first), first):
        ledger.replay(event.pk, by="anna")
        work()
    assert shop.shown["points"] == 120 + 50 + 210


def test_an_addition_that_failed_counts_when_it_is_replayed(shop: Shop) -> None:
    Customer.objects.update(values={"points": "many"})
    [event] = shop.act(bonus=50)
    failed = Event.objects.get(kind="pass.update")
    assert (failed.status, failed.outcome) == (Status.FAILED, "Only numbers can be added.")
    Customer.objects.update(values={"points": 120})
    ledger.replay(event.pk, by="anna")  # which makes another one for the pass
    work()
    ledger.replay(failed.pk, by="anna")
    work()
    assert shop.shown["points"] == 170


def test_a_parameter_is_known_in_any_case_if_only_one_is_meant(shop: Shop) -> None:
    [event] = shop.act(Points=7)
    assert (shop.fields["points"], event.outcome) == (7, "For 1 pass.")
    [event] = shop.act(points=8, POINTS=9)
    assert (shop.fields["points"], event.outcome) == (8, "For 1 pass. Not mapped: POINTS.")
    [event] = shop.act(Points=10, POINTS=11)
    assert shop.fields["points"] == 8
    ParameterMapping.objects.create(connection=shop.speaker.connection, parameter="POINTS", value_name="tier")
    shop.act(Points=12)
    assert shop.fields["points"] == 8


def test_a_number_beyond_all_measure_is_told_and_loses_no_other(shop: Shop) -> None:
    bulk = b'{"data": [{"profileId": 147471, "points": 1e400, "tier": "Gold"}, {"profileId": 147471, "bonus": -1e999}]}'
    shop.post(bulk)
    work()
    first, second = Event.objects.filter(kind="actito.action").order_by("pk")
    assert first.outcome == "For 1 pass. “points” was kept as it was: “1e400” is too large a number."
    assert "is too large a number" in second.outcome
    assert (shop.shown["points"], shop.shown["tier"]) == (120, "Gold")


def test_an_older_action_that_is_replayed_does_not_undo_a_newer_one(shop: Shop) -> None:
    [older] = shop.act(points=1)
    shop.act(points=2)
    ledger.replay(older.pk, by="anna")
    work()
    assert shop.fields["points"] == 2
    newest = Event.objects.filter(kind="pass.update").order_by("-pk")[0]
    assert (newest.status, newest.outcome) == (Status.IGNORED, "A newer value is there already, or the same.")


def test_a_value_that_stays_holds_against_the_profile_until_it_is_cleared(shop: Shop) -> None:
    shop.act(tier="Gold")
    Customer.objects.update(values={"tier": "Silver"}, origins={"tier": {"number": 10**9, "changed": 10**9}})
    assert shop.shown["tier"] == "Gold"
    shop.act(tier=None)
    assert shop.shown["tier"] == "Silver"


def test_a_message_stands_on_the_back_and_shows_on_the_lock_screen(shop: Shop) -> None:
    shop.act(message="Double points today")
    shop.card.refresh_from_db()
    field = shop.card.content["fields"][-1]
    assert (field["place"], field["value"], field["change_message"]) == ("back", "Double points today", "%@")


@pytest.mark.parametrize("nothing", ["", None, "  "])
def test_an_empty_message_takes_the_last_one_back(shop: Shop, nothing: str | None) -> None:
    shop.act(message="Double points today")
    shop.act(points=5)
    assert shop.shown["message"] == "Double points today"
    shop.act(message=nothing)
    assert "message" not in shop.shown
    assert "Double points today" not in json.dumps(list(shop.fields.values()))


def test_a_pass_moves_to_another_template_of_the_same_pass_type(shop: Shop) -> None:
    old = shop.card.template
    gold = make.TemplateFactory.make(tenant=old.tenant, apple=old.apple, name="Gold card")
    publish(gold)
    shop.act(moveToTemplate="gold CARD")
    shop.card.refresh_from_db()
    assert (shop.card.template, shop.card.content["description"]) == (gold, gold.description)
    elsewhere = make.TemplateFactory.make(tenant=old.tenant, name="Other type")
    publish(elsewhere)
    shop.act(moveToTemplate=elsewhere.name)
    failed = Event.objects.filter(kind="pass.update").order_by("-pk")[0]
    assert (failed.status, "another Apple certificate" in failed.outcome) == (Status.FAILED, True)
    [event] = shop.act(moveToTemplate="Nothing")
    assert event.outcome == "No template is named “Nothing”."


@pytest.mark.parametrize("missing", ["published", "active"])
def test_no_pass_moves_to_a_template_that_is_not_in_use(shop: Shop, missing: str) -> None:
    old = shop.card.template
    draft = make.TemplateFactory.make(tenant=old.tenant, apple=old.apple, name="Draft")
    if missing == "active":
        publish(draft)
        PassTemplate.objects.filter(pk=draft.pk).update(active=False)
    shop.act(moveToTemplate="Draft", points=5)
    failed = Event.objects.get(kind="pass.update")
    assert (failed.status, failed.outcome) == (Status.FAILED, f"“Draft” is not {missing}, so no pass moves there.")
    shop.card.refresh_from_db()
    assert (shop.card.template, shop.shown["points"]) == (old, 120)


# Who shows in lists


@pytest.mark.parametrize("by", ["profileId", "emailAddress", "customerId", "serialNumber"])
def test_an_action_is_one_of_its_customers_events(shop: Shop, by: str) -> None:
    connection = shop.speaker.connection
    make.MappingFactory.make(connection=connection, attribute="customerId", value_name="card_number", identifies=True,
                             value_type=ValueType.TEXT)  # fmt: skip
    Identity.objects.create(
        tenant=shop.speaker.tenant, customer=shop.customer, namespace=f"{connection.source}:card_number", value="V1"
    )
    serial = str(shop.card.serial_number)
    name = {"profileId": "147471", "emailAddress": "anna@example.com", "customerId": "V1", "serialNumber": serial}[by]
    [event] = shop.act({"data": {by: name, "points": 5}})
    assert event.status == Status.DONE, event.outcome
    if by == "serialNumber":
        assert event.subject == f"{connection.source}:serial:{serial}"
        return
    assert people([event]) == {event.pk: "anna@example.com"}
    assert event in events_about(shop.speaker.tenant.pk, extensions.subjects_of(shop.customer))


# Bulk, and repeated ids


def test_one_bad_element_does_not_lose_the_others(shop: Shop) -> None:
    events = shop.act(payload("action_bulk"))
    assert [event.status for event in events] == [Status.DONE, Status.FAILED, Status.FAILED, Status.WAITING]
    assert "Name a customer" in events[1].outcome
    assert "not an object" in events[2].outcome
    assert shop.fields["points"] == 10
    assert shop.act(payload("action_bulk"), status=208) == []


def test_an_id_that_comes_again_with_other_content_is_stored_and_flagged(shop: Shop) -> None:
    shop.act({"id": "push-1", "data": {"profileId": 147471, "points": 1}})
    [event] = shop.act({"id": "push-1", "data": {"profileId": 147471, "points": 2}})
    assert (event.payload["repeated_id"], shop.fields["points"]) == ("push-1", 2)


def test_other_content_under_a_known_id_counts_once(shop: Shop) -> None:
    one, other = ({"id": "push-1", "data": {"profileId": 147471, "bonus": bonus}} for bonus in (1, 10))
    shop.act(one)
    shop.act(other)
    for body in (other, one, other):
        assert shop.act(body, status=208) == []
    assert shop.shown["points"] == 131


def test_a_bulk_in_another_order_counts_once(shop: Shop) -> None:
    elements = [{"profileId": 147471, "bonus": bonus} for bonus in (1, 10, 2, 1)]
    shop.act({"id": "bulk", "data": elements})
    assert shop.act({"id": "bulk", "data": elements[::-1]}, status=208) == []
    assert shop.act({"id": "bulk", "data": elements[:2]}, status=208) == []
    assert shop.shown["points"] == 134


@pytest.mark.parametrize("sent", [12345, "x" * 300])
def test_numbers_and_long_texts_are_ids_too(shop: Shop, sent: Any) -> None:
    shop.act({"id": sent, "data": {"profileId": 147471, "bonus": 5}})
    assert shop.act({"id": sent, "data": {"profileId": 147471, "bonus": 5}}, status=208) == []
    assert shop.shown["points"] == 125


def test_an_id_that_came_to_the_other_listener_is_no_repeat(shop: Shop) -> None:
    body = {"id": "push-1", "data": {"profileId": 147471, "bonus": 5}}
    assert shop.speaker.post(body).status_code == 200
    assert len(shop.act(body)) == 1
    assert shop.shown["points"] == 125


def test_a_connection_may_answer_200_to_what_came_before(shop: Shop) -> None:
    connection = shop.speaker.connection
    connection.answer_already_reported = False
    connection.save()
    body = {"id": "push-1", "data": {"profileId": 147471, "points": 1}}
    shop.act(body)
    assert shop.act(body) == []


def test_an_array_of_envelopes_is_taken(shop: Shop) -> None:
    events = shop.act([payload("action_nested"), {"data": {"profileId": 147471, "points": 3}}, 7])
    assert [event.status for event in events] == [Status.DONE, Status.DONE, Status.FAILED]
    assert shop.fields["points"] == 3


def test_what_came_is_in_the_trace_without_its_secrets(shop: Shop) -> None:
    [event] = shop.act({"data": {"profileId": 147471, "points": 3, "apiToken": "SECRET-1"}})
    client = client_of(make.MembershipFactory.make(tenant=shop.speaker.tenant).user)
    text = client.get(f"/admin/portal/event/{event.pk}/change/").content.decode()
    assert "147471" in text
    assert "SECRET-1" not in text


# Trying one in the admin


def test_trying_shows_what_would_change_and_stores_nothing(shop: Shop) -> None:
    owner = make.MembershipFactory.make(tenant=shop.speaker.tenant, role=Role.OWNER).user
    page = f"/admin/actito/actitoconnection/{shop.speaker.connection.pk}/rehearse/"
    client = client_of(owner)
    assert "Anna" not in client.get(page).content.decode()
    body = json.dumps(payload("action_with_flat_keys"))
    text = client.post(page, {**SUBMIT, "body": body}).content.decode()
    for part in ("anna@example.com", "Loyalty card", "120", "250", "Your points count double today", "campaignId"):
        assert part in text, part
    assert shop.fields["points"] == 120
    assert not Event.objects.filter(kind="actito.action").exists()
    told = {
        "{": "not valid JSON",
        "[]": "an array of 1 to 1000 objects",
        "7": "Send a JSON object, or an array of them.",
        "[7]": "The element is not an object.",
        r'{"data": {"email": "a\ud800\u0000"}}': "No pass is found",
        '{"data": {"profileId": 147471, "points": 1e400}}': "too large a number",
        '[{"data": {"profileId": 147471, "points": 251}}]': "251",
        "[" * 60_000: "not valid JSON",
        '{"data": []}': "at least one element",
        '{"data": {}}': "Name a customer",
        '{"data": {"profileId": 1}}': "No pass is found",
    }
    for wrong, said in told.items():
        assert said in client.post(page, {**SUBMIT, "body": wrong}).content.decode(), wrong


def test_a_parameter_may_not_take_a_reserved_name(shop: Shop) -> None:
    for name in ("profileId", "MESSAGE", "passtype"):
        wrong = ParameterMapping(connection=shop.speaker.connection, parameter=name, value_name="x")
        with pytest.raises(Exception, match="meaning of its own"):
            wrong.full_clean()
    assert PassTemplate.objects.exists()
