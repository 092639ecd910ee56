"""Every night the oldest readings are made again, and what no webhook told is found."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from integrations.actito import nightly
from integrations.actito.models import ActitoConnection
from integrations.actito.sandbox import ActitoSandbox
from integrations.mapping import ValueType
from portal.models import Customer, Event, Identity, Job, Lane
from tests.portal.jobs_world import Worker
from tests.portal.ledger_world import at
from tests.world import ENTITY, TABLE, make_connection, make_tenant, map_value, run_one

pytestmark = pytest.mark.django_db
# 02:30 in Brussels
NIGHT = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)


@pytest.fixture
def verdi(actito: ActitoSandbox) -> ActitoConnection:
    people = [{"emailAddress": f"c{number}@example.com", "points": 1} for number in range(3)]
    actito.seed(entity=ENTITY, table=TABLE, profiles=people)
    connection = make_connection(make_tenant(), actito.url)
    map_value(connection, "points", "points", ValueType.NUMBER)
    return connection


def nights(moment: datetime) -> int:
    with at(moment):
        nightly.ask_due([each.tenant_id for each in ActitoConnection.objects.all()])
    return Event.objects.filter(kind="actito.nightly").count()


def test_a_change_that_no_webhook_told_is_found(actito: ActitoSandbox, verdi: ActitoConnection) -> None:
    known = [1, 2, 3]
    for profile in known:
        run_one(verdi, profile)
    verdi.nightly_reads = 2
    verdi.save()
    for profile in known:
        actito.set_attribute(ENTITY, TABLE, profile, "points", 500)
    nightly.ask(verdi, timezone.now().date())
    worker = Worker()
    worker.turn()
    job = worker.until_ended(Job.objects.get())
    assert (job.total, job.rate, job.who) == (2, 50, "portal")
    points = [each.customer.values["points"] for each in Identity.objects.filter(namespace=verdi.source).order_by("pk")]
    assert points == [500, 500, 1]
    assert Customer.objects.count() == 3


def test_a_profile_that_is_gone_from_actito_does_not_keep_the_others_from_their_turn(
    actito: ActitoSandbox, verdi: ActitoConnection
) -> None:
    verdi.nightly_reads = 1
    verdi.save()
    for profile in (1, 2):
        run_one(verdi, profile)
    table = actito._table(ENTITY, TABLE)
    table.delete(next(iter(table.profiles.values())))
    worker, read = Worker(), []
    for night in (date(2026, 11, 23), date(2026, 11, 24)):
        nightly.ask(verdi, night)
        worker.turn()
        job = Job.objects.latest("pk")
        read.append(job.payload["profiles"])
        worker.until_ended(job)
    assert read == [["1"], ["2"]]


def test_once_a_night_by_the_brands_clock_and_also_after_an_outage(verdi: ActitoConnection) -> None:
    assert nights(NIGHT - timedelta(hours=1)) == 0
    assert nights(NIGHT) == 1
    assert nights(NIGHT + timedelta(minutes=30)) == 1
    assert nights(NIGHT + timedelta(days=1, hours=3)) == 2  # it was down at two o'clock
    assert nights(NIGHT + timedelta(days=2, hours=4)) == 2  # too late: the day begins


def test_none_where_it_is_switched_off(verdi: ActitoConnection) -> None:
    ActitoConnection.objects.update(nightly_reads=0)
    assert nights(NIGHT) == 0


@pytest.mark.parametrize(
    ("why", "said"),
    [("paused", "paused"), ("running", "read again already"), ("nobody", "No customer of this connection")],
)
def test_what_stands_against_it_is_told(verdi: ActitoConnection, why: str, said: str) -> None:
    if why != "nobody":
        customer = Customer.objects.create(tenant=verdi.tenant, key="a")
        Identity.objects.create(tenant=verdi.tenant, customer=customer, namespace=verdi.source, value="1")
    if why == "paused":
        Lane.objects.filter(pk=verdi.lane_id).update(paused_at=timezone.now())
    if why == "running":
        Job.objects.create(
            tenant=verdi.tenant, kind="actito.rereading", title="x", total=1, payload={"connection": verdi.pk}
        )
    nightly.ask(verdi, timezone.now().date())
    Worker().turn()
    event = Event.objects.get(kind="actito.nightly")
    assert event.status == Event.Status.IGNORED
    assert said in str(event.outcome)
