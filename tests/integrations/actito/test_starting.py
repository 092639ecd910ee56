"""Starting scenarios: once for each click, row or firing; what is not known to have happened is left to a person."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
import requests
from django.test import Client

from integrations.actito import starting, starting_chosen
from integrations.actito.models import ActitoConnection, ActitoScenario, ScenarioEntry
from integrations.actito.sandbox import ActitoSandbox
from integrations.actito.scenarios import ask
from integrations.actito.starting import Unknown, order
from portal import jobs, ledger
from portal.models import Customer, Event, Identity, Job
from portal.sandbox import Fault
from portal.tenancy import Role
from tests import factories as make
from tests.integrations.actito.double import Double, answer
from tests.portal.admin_world import client_of, make_world, url
from tests.portal.jobs_world import Worker
from tests.world import ENTITY, TABLE, make_connection, make_tenant, run_due

pytestmark = pytest.mark.django_db

SUBMIT = {"_form_submitted": "True"}
Status = Event.Status


@pytest.fixture
def verdi(actito: ActitoSandbox) -> ActitoConnection:
    scenarios = [{"name": "Welcome"}, {"name": "Autumn", "isActive": False}]
    actito.seed(entity=ENTITY, table=TABLE, scenarios=scenarios, profiles=[{"emailAddress": "bram@example.com"}])
    connection = make_connection(make_tenant(), actito.url)
    ask(connection)
    run_due("actito.scenarios")
    return connection


@pytest.fixture
def anna(verdi: ActitoConnection) -> Customer:
    return known(verdi, "1", "anna.peeters@example.com")


def known(connection: ActitoConnection, profile: str, key: str) -> Customer:
    made = Customer.objects.create(tenant=connection.tenant, key=key)
    Identity.objects.create(tenant=connection.tenant, customer=made, namespace=connection.source, value=profile)
    return made


def scenario(name: str = "Welcome") -> ActitoScenario:
    return ActitoScenario.objects.get(display_name=name)


def entered(actito: ActitoSandbox, name: str = "Welcome") -> list[dict[str, Any]]:
    """Who entered, by the sandbox's own account."""
    place = f"{actito.url}/_sandbox/entity/{ENTITY}/table/{TABLE}/scenario/{scenario(name).remote_id}"
    return list(requests.get(place, timeout=5).json()["entries"])


def started() -> Event:
    (event,) = run_due("actito.start")
    return event


@pytest.fixture
def doubled(double: Double) -> Double:
    """A scenario and Anna in a connection to the second stand-in."""
    connection = make_connection(make_tenant(), double.url)
    make.ScenarioFactory.make(connection=connection, display_name="Welcome")
    known(connection, "7", "anna@example.com")
    return double


def order_doubled() -> Event:
    order(scenario(), Customer.objects.get(), who="anna", click="1")
    return started()


def starts(double: Double) -> list[str]:
    return [seen.path for seen in double.seen if seen.method == "POST"]


# One


def test_a_customer_enters_once_and_the_page_knows_who_when_and_by_whom(
    verdi: ActitoConnection, actito: ActitoSandbox, anna: Customer
) -> None:
    for _ in range(2):  # the same click, sent twice
        order(scenario(), anna, who="bram@example.com", click="c1")
    event = started()

    [entry] = ScenarioEntry.objects.all()
    assert entered(actito) == [{"profileId": 1, "interactionBusinessKey": entry.interaction}]
    assert (event.status, event.outcome) == (Status.DONE, f"“Welcome” was started. Interaction {entry.interaction}.")
    assert (entry.customer, entry.scenario, entry.who, entry.event) == (anna, scenario(), "bram@example.com", event)
    assert event.subject == f"{verdi.source}:profile:1"


def test_another_click_is_another_start_and_a_replay_is_none(actito: ActitoSandbox, anna: Customer) -> None:
    for click in ("c1", "c2"):
        order(scenario(), anna, who="x", click=click)
        event = started()
    ledger.replay(event.pk, by="bram")
    assert started().outcome == "This start has been made. For another one, start the scenario anew."
    assert len(entered(actito)) == 2


def test_a_dialog_that_is_sent_again_for_another_scenario_starts_that_one_too(anna: Customer) -> None:
    """Whose first answer got lost on its way, and who then chose otherwise, is told that the choice starts."""
    for name in ("Welcome", "Autumn"):
        order(scenario(name), anna, who="x", click="c1")
    assert Event.objects.filter(kind="actito.start").count() == 2


def test_a_rule_starts_it_as_part_of_its_own_chain(actito: ActitoSandbox, anna: Customer) -> None:
    cause = make.EventFactory.make(tenant=anna.tenant)
    order(scenario(), anna, who="Rule “Welcome back”", cause=cause)
    event = started()
    assert (event.parent, event.correlation_id) == (cause, cause.correlation_id)
    assert ScenarioEntry.objects.get().who == "Rule “Welcome back”"


def test_a_customer_without_a_profile_id_is_named_by_the_key(verdi: ActitoConnection, actito: ActitoSandbox) -> None:
    key = "anna.peeters@example.com"
    made = Customer.objects.create(tenant=verdi.tenant, key=key)
    Identity.objects.create(tenant=verdi.tenant, customer=made, namespace=f"{verdi.source}:key", value=key)
    order(scenario(), made, who="x", click="c")
    assert started().status == Status.DONE
    assert [each["profileId"] for each in entered(actito)] == [1]


def test_nobody_starts_for_a_customer_whom_the_connection_does_not_know(verdi: ActitoConnection) -> None:
    stranger = Customer.objects.create(tenant=verdi.tenant, key="nobody")
    with pytest.raises(Unknown):
        order(scenario(), stranger, who="x", click="c")
    assert not Event.objects.filter(kind="actito.start").exists()


# What Actito refuses


def test_nothing_is_started_for_a_customer_who_is_gone_meanwhile(actito: ActitoSandbox, anna: Customer) -> None:
    order(scenario(), anna, who="eva")
    anna.delete()

    assert started().status == Status.IGNORED
    assert entered(actito) == []


def test_a_scenario_that_was_stopped_meanwhile_is_told_and_the_list_read_again(
    verdi: ActitoConnection, actito: ActitoSandbox, anna: Customer
) -> None:
    actito._store.entity(ENTITY).table(TABLE).scenario(scenario().remote_id).is_active = False
    order(scenario(), anna, who="x", click="c")
    event = started()
    assert event.status == Status.FAILED
    assert "Actito did not start it: it was stopped" in event.outcome
    run_due("actito.scenarios")
    assert not scenario().is_active
    ledger.replay(event.pk, by="bram")
    assert started().outcome == "“Welcome” is not active in Actito."


@pytest.mark.parametrize(
    ("refuse", "told"),
    [
        (lambda actito: setattr(actito.switches, "start_right", False), "may not start scenarios"),
        (lambda actito: Identity.objects.update(value="999"), "Actito knows the profile or the scenario no more"),
    ],
)
def test_a_missing_right_or_profile_stops_this_start_and_not_the_connection(
    actito: ActitoSandbox, anna: Customer, refuse: Any, told: str
) -> None:
    refuse(actito)
    order(scenario(), anna, who="x", click="c")
    event = started()
    assert (event.status, event.lane.paused_at) == (Status.FAILED, None)
    assert told in event.outcome
    assert not ScenarioEntry.objects.exists()


# What nobody saw


@pytest.mark.parametrize("reply", [b"", answer(500, b"<html>"), answer(502), answer(504)])
def test_a_call_that_may_have_been_heard_is_uncertain_and_never_repeated(doubled: Double, reply: bytes) -> None:
    doubled.profile = reply
    event = order_doubled()
    assert event.status == Status.UNCERTAIN, event.outcome
    assert len(starts(doubled)) == 1
    assert run_due("actito.start") == []

    doubled.profile = answer(200, {"interactionBusinessKey": "df98"})
    ledger.replay(event.pk, by="bram")  # a person has looked, and wants it
    assert started().status == Status.DONE
    assert len(starts(doubled)) == 2


@pytest.mark.parametrize("reply", [answer(429), answer(503, b"", Retry_After="5")])
def test_a_call_that_was_turned_away_is_made_later(doubled: Double, reply: bytes) -> None:
    doubled.profile = reply
    assert order_doubled().status == Status.WAITING


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"interactionBusinessKey": null}'])
def test_an_answer_without_a_key_is_a_start_all_the_same(doubled: Double, body: bytes) -> None:
    doubled.profile = answer(200, body)
    assert order_doubled().outcome == "“Welcome” was started."
    assert ScenarioEntry.objects.get().interaction == ""


def test_an_expired_token_is_renewed_and_the_scenario_started_once(actito: ActitoSandbox, anna: Customer) -> None:
    actito.faults.append(Fault("status", path="/scenario/", status=401, method="POST"))
    order(scenario(), anna, who="x", click="c")
    assert started().status == Status.DONE
    assert len(entered(actito)) == 1


# In the admin


def test_an_operator_starts_it_from_the_customers_page_after_reading_what_happens(
    verdi: ActitoConnection, actito: ActitoSandbox, anna: Customer
) -> None:
    operator = make.MembershipFactory.make(tenant=verdi.tenant, role=Role.OPERATOR).user
    client, address = client_of(operator), f"/admin/portal/customer/{anna.pk}/start_scenario/".replace("_", "-")
    text = client.get(address).content.decode()
    assert ">Welcome<" in text
    assert "Autumn" not in text
    given = {**SUBMIT, "scenario": scenario().pk, "click": str(uuid.uuid4())}

    first = client.post(address, given)
    assert "“Welcome” starts for anna.peeters@example.com, once." in first.content.decode()
    assert not Event.objects.filter(kind="actito.start").exists()
    for _ in range(2):
        client.post(address, {**given, "seen": seen_in(first)})

    started()
    assert len(entered(actito)) == 1
    page = client.get(url(ActitoScenario, "change", scenario().pk)).content.decode()
    for part in ("anna.peeters@example.com", operator.username, ScenarioEntry.objects.get().interaction):
        assert part in page, part


def seen_in(response: Any) -> str:
    return str(response.context["form"].data["seen"])


def test_another_tenants_scenario_cannot_be_started(verdi: ActitoConnection, anna: Customer) -> None:
    theirs = make_world("Their").rows[ActitoScenario]
    client = client_of(make.MembershipFactory.make(tenant=verdi.tenant).user)
    given = {**SUBMIT, "scenario": theirs.pk, "click": "c"}
    text = client.post(f"/admin/portal/customer/{anna.pk}/start-scenario/", given).content.decode()
    assert "Select a valid choice" in text
    assert not Event.objects.filter(kind="actito.start").exists()


class TestForMany:
    def many(self, client: Client, **given: Any) -> Any:
        address = f"/admin/actito/actitoscenario/{scenario().pk}/start-many/"
        data = {**SUBMIT, "click": "c", "keys": "", **given}
        first = client.post(address, data)
        if first.status_code != 200 or not (first.context["form"].data.get("seen")):
            return first
        for _ in range(2):
            client.post(address, {**data, "seen": seen_in(first)})
        return first

    def test_everybody_known_enters_once_and_a_second_click_starts_no_second_job(
        self, verdi: ActitoConnection, actito: ActitoSandbox, anna: Customer
    ) -> None:
        known(verdi, "2", "bram@example.com")
        client = client_of(make.MembershipFactory.make(tenant=verdi.tenant, role=Role.MARKETER).user)
        assert "starts for 2 customers" in self.many(client, rate=6000).content.decode()
        job = Worker().until_ended(Job.objects.get())
        assert (job.total, job.fed, job.rate) == (2, 2, 6000)
        assert sorted(each["profileId"] for each in entered(actito)) == [1, 2]
        assert set(ScenarioEntry.objects.values_list("who", flat=True)) == {job.who}

    def test_a_choice_of_keys_or_of_a_template_narrows_it(self, verdi: ActitoConnection, anna: Customer) -> None:
        bram = known(verdi, "2", "bram@example.com")
        held = make.PassFactory.make(template__tenant=verdi.tenant, customer=bram)
        make.PassFactory.make(template=held.template, customer=anna, voided=True)
        client = client_of(make.MembershipFactory.make(tenant=verdi.tenant).user)
        assert "starts for 1 customer," in self.many(client, template=held.template_id).content.decode()
        assert [row.payload["customer"] for row in starting.Starting().rows(Job.objects.get(), None, 9)] == [bram.pk]
        Job.objects.all().delete()
        self.many(client, keys=f"{anna.key}\n\n", click="d")
        assert [row.payload["customer"] for row in starting.Starting().rows(Job.objects.get(), None, 9)] == [anna.pk]
        assert "knows nobody with these keys: nobody." in self.many(client, keys="nobody").content.decode()

    def test_a_paused_job_starts_nobody_more(
        self, verdi: ActitoConnection, actito: ActitoSandbox, anna: Customer
    ) -> None:
        job = jobs.start(
            starting.prepared(scenario(), template=None, customers=None, rate=0), by=make.UserFactory.make()
        )  # fmt: skip
        jobs.pause(job, by="bram")
        Worker().turn()
        assert entered(actito) == []

    def test_operators_do_not_start_it_for_many(self, verdi: ActitoConnection, anna: Customer) -> None:
        client = client_of(make.MembershipFactory.make(tenant=verdi.tenant, role=Role.OPERATOR).user)
        assert self.many(client).status_code == 403


class TestForThoseWhoWereTicked:
    @pytest.fixture
    def mia(self, verdi: ActitoConnection) -> Client:
        return client_of(make.MembershipFactory.make(tenant=verdi.tenant, role=Role.MARKETER).user)

    def ask(self, client: Client, *customers: Customer, **given: Any) -> str:
        chosen = {"action": "start_for_chosen", "_selected_action": [each.pk for each in customers]}
        answer = client.post(url(Customer, "changelist"), {**chosen, **given}, follow=True)
        return str(answer.content.decode())

    def test_how_many_is_said_first_and_one_click_starts_once(
        self, actito: ActitoSandbox, verdi: ActitoConnection, anna: Customer, mia: Client
    ) -> None:
        stranger = Customer.objects.create(tenant=verdi.tenant, key="nobody@example.com")
        assert "For 2 chosen customers" in self.ask(mia, anna, stranger)
        given = {"scenario": scenario().pk, "rate": "", "click": str(uuid.uuid4())}
        page = self.ask(mia, anna, stranger, **given)
        assert "starts for one customer" in page
        assert "One is left out" in page
        assert not Job.objects.exists()
        for _ in range(2):
            self.ask(mia, anna, stranger, **given, confirmed="1")
        Worker().until_ended(Job.objects.get())
        assert len(entered(actito)) == 1

    def test_more_than_are_taken_at_once_are_refused_and_not_cut(
        self, verdi: ActitoConnection, anna: Customer, mia: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(starting_chosen, "KEYS_MOST", 1)
        known(verdi, "9", "bram@example.com")
        page = self.ask(mia, anna, scenario=scenario().pk, select_across="1", click="c", confirmed="1")
        assert "more than 1 customer" in page
        assert not Job.objects.exists()

    def test_the_page_that_is_sent_again_for_others_is_another_start(
        self, verdi: ActitoConnection, anna: Customer, mia: Client
    ) -> None:
        bram = known(verdi, "9", "bram@example.com")
        for chosen in (anna, bram, bram):
            self.ask(mia, chosen, scenario=scenario().pk, rate="", click="the same", confirmed="1")
        assert [each.payload["customers"] for each in Job.objects.order_by("pk")] == [[anna.pk], [bram.pk]]

    def test_nobody_whom_the_connection_knows_starts_nothing(self, verdi: ActitoConnection, mia: Client) -> None:
        stranger = Customer.objects.create(tenant=verdi.tenant, key="nobody@example.com")
        page = self.ask(mia, stranger, scenario=scenario().pk, rate="", click=str(uuid.uuid4()), confirmed="1")
        assert "knows none of them" in page
        assert not Job.objects.exists()

    def test_a_scenario_that_cannot_be_started_or_is_anothers_is_refused(
        self, verdi: ActitoConnection, anna: Customer, mia: Client
    ) -> None:
        foreign = make.ScenarioFactory.make()
        for refused in (scenario("Autumn"), foreign):
            page = self.ask(mia, anna, scenario=refused.pk, rate="", click=str(uuid.uuid4()), confirmed="1")
            assert "Select a valid choice" in page
        assert not Job.objects.exists()

    def test_who_may_not_configure_has_no_such_action(self, verdi: ActitoConnection, anna: Customer) -> None:
        client = client_of(make.MembershipFactory.make(tenant=verdi.tenant, role=Role.OPERATOR).user)
        self.ask(client, anna, scenario=scenario().pk, rate="", click=str(uuid.uuid4()), confirmed="1")
        assert not Job.objects.exists()
