"""Reading all customers of a connection again, against the sandbox's Actito."""

from __future__ import annotations

import pytest
from django.test import Client

from integrations.actito import rereading
from integrations.actito.models import ActitoConnection
from portal import jobs
from portal.models import Customer, Event, Job
from portal.tenancy import Role
from tests import factories as make
from tests.portal.admin_world import World, client_of, make_world, member, url
from tests.portal.jobs_world import Worker

pytestmark = pytest.mark.django_db
SUBMIT = {"_form_submitted": "True"}


def action(connection: ActitoConnection, name: str) -> str:
    return f"{url(ActitoConnection, 'changelist')}{connection.pk}/{name}/"


def known(connection: ActitoConnection, count: int) -> list[str]:
    customers = [make.CustomerFactory.make(tenant=connection.tenant) for _ in range(count)]
    return [
        make.IdentityFactory.make(customer=customer, namespace=connection.source, value=str(1000 + number)).value
        for number, customer in enumerate(customers)
    ]


def test_each_known_profile_is_a_row(world: World) -> None:
    connection = world.rows[ActitoConnection]
    profiles = known(connection, 12)
    known(make.ConnectionFactory.make(tenant=world.tenant), 2)
    make_world("Other")
    job = rereading.prepared(connection)
    assert job.total == 13
    source, after, found = rereading.Rereading(), None, []
    while rows := source.rows(job, after, 5):
        found += rows
        after = rows[-1].key
    assert sorted(row.payload["profile"] for row in found) == sorted([*profiles, "Verdi-147471"])
    assert {(row.kind, row.lane_id) for row in found} == {("actito.profile", connection.lane_id)}


def test_an_operator_starts_it_after_seeing_how_many_and_how_long(world: World) -> None:
    connection = world.rows[ActitoConnection]
    known(connection, 5)
    client = client_of(member(world, Role.OPERATOR))
    shown = client.get(action(connection, "read-again")).content.decode()
    assert "Customers known from this connection: 6" in shown
    response = client.post(action(connection, "read-again"), {**SUBMIT, "rate": "60"}, HTTP_HX_REQUEST="true")
    job = Job.objects.get(kind="actito.rereading")
    assert response["HX-Redirect"] == url(Job, "change", job.pk)
    assert (job.rate, job.total, str(job)) == (60, 6, "Read all profiles of Verdi connection again")


@pytest.mark.parametrize("role", [Role.MARKETER, Role.AUDITOR])
@pytest.mark.parametrize("name", ["read-again", "replay-failed"])
def test_long_work_on_a_connection_is_for_those_who_operate(world: World, role: Role, name: str) -> None:
    client = client_of(member(world, role))
    assert client.get(action(world.rows[ActitoConnection], name)).status_code == 403
    assert client.post(action(world.rows[ActitoConnection], name), SUBMIT).status_code == 403
    assert Job.objects.filter(tenant=world.tenant).count() == 1


def test_there_is_no_job_where_there_is_nothing_to_do(world: World, owner: Client) -> None:
    connection = make.ConnectionFactory.make(tenant=world.tenant)
    text = owner.post(action(connection, "read-again"), SUBMIT, follow=True).content.decode()
    assert "There is nothing to do." in text
    assert "Nothing of this connection has failed." in owner.get(action(connection, "replay-failed")).content.decode()


def test_what_failed_of_a_connection_is_replayed_since_a_moment(world: World, owner: Client) -> None:
    connection = world.rows[ActitoConnection]
    lane = {"lane_id": connection.lane_id, "tenant": world.tenant, "status": Event.Status.FAILED}
    subjects = [f"{connection.source}:profile:{n}" for n in range(3)]
    payload = {"connection": connection.pk, "unreadable": "It is unreadable.", "profile": "1"}
    failed = [make.EventFactory.make(kind="actito.profile", subject=each, payload=payload, **lane) for each in subjects]
    make.EventFactory.make(kind="actito.action", source=connection.source, payload=payload, **lane)
    shown = owner.get(action(connection, "replay-failed")).content.decode()
    for part in ("Actito profile changed", "Custom action", "One of them carries values"):
        assert part in shown, part
    data = {**SUBMIT, "since": "2026-01-01T00:00", "kind": "actito.profile", "rate": ""}
    owner.post(action(connection, "replay-failed"), data)
    job = Worker().until_ended(Job.objects.get(tenant=world.tenant, total=3, fed=0))
    assert {Event.objects.get(pk=event.pk).attempts for event in failed} == {1}
    assert (job.fed, jobs.tally(job).failed) == (3, 3)
    assert str(job).startswith("Replay what failed of Verdi connection since 01.01.2026")


def test_customers_are_read_from_actito_again(world: World) -> None:
    """A connection that was deleted meanwhile ends the job: nothing is left to read."""
    connection = make.ConnectionFactory.make(tenant=world.tenant)
    known(connection, 3)
    job = jobs.start(rereading.prepared(connection), by=world.owner)
    connection.delete()
    job = Worker().until_ended(job)
    assert (job.state, job.fed) == ("done", 0)
    assert Customer.objects.filter(tenant=world.tenant).count() == 4
