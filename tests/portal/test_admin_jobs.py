"""Jobs in the admin: the list, the page, steering, replaying from the list of events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from passes.models import WalletPass
from portal import history, jobs, ledger
from portal.admin.progress import end_in_sight
from portal.ledger import Result, Work
from portal.models import Event, Job
from portal.sentences import say
from portal.tenancy import Role
from tests import factories as make
from tests.portal.admin_world import World, client_of, make_world, member, url
from tests.portal.jobs_world import Worker, registered_jobs, start
from tests.portal.ledger_world import ACT, Desk, on

pytestmark = pytest.mark.django_db
SUBMIT = {"_form_submitted": "True"}


@pytest.fixture(autouse=True)
def _kinds() -> Iterator[None]:
    with registered_jobs():
        yield


@pytest.fixture
def desk(world: World) -> Desk:
    one = Desk.__new__(Desk)
    one.slug, one.tenant = world.tenant.slug, world.tenant
    one.lane = one.new_lane("licence", max_running=16)
    return one


def failing(work: Work) -> Result:
    if work.event.payload["number"] % 10 == 3:
        raise ledger.dead(say("It is broken."))
    return ledger.done(say("Done."))


def action(job: Job, name: str) -> str:
    return f"{url(Job, 'changelist')}{job.pk}/{name}/"


def page(client: Client, job: Job) -> str:
    return client.get(url(Job, "change", job.pk)).content.decode()


def test_a_running_job_shows_how_far_it_is(world: World, owner: Client, desk: Desk) -> None:
    job = start(desk, 1_000, by=world.owner)
    worker = Worker()
    for _ in range(6):
        worker.turn()
    job.refresh_from_db()
    text = page(owner, job)
    percent = jobs.tally(job).percent
    assert 0 < percent < 100
    for part in (f"{percent} %", "Numbers", world.owner.username, "every 3s", 'http-equiv="refresh"', "Pause"):
        assert part in text, part
    listed = owner.get(url(Job, "changelist")).content.decode()
    assert f"{percent} %" in listed
    home = owner.get(reverse("admin:index")).content.decode()
    assert f"{percent} %" in home


def test_a_job_that_has_ended_stands_still_and_lists_what_failed(world: World, owner: Client, desk: Desk) -> None:
    on(ACT, failing)
    job = Worker().until_ended(start(desk, 300, by=world.owner))
    text = page(owner, job)
    row = Event.objects.filter(job=job, status="failed").order_by("-pk")[0]
    for part in ("Done, 30 rows failed", "100 %", "It is broken.", url(Event, "change", row.pk), "These are the newest",
                 f"?job={job.pk}&amp;status=open", "Retry failed rows"):  # fmt: skip
        assert part in text, part
    assert "every 3s" not in text
    assert text.count("It is broken.") == 20
    rows = owner.get(f"{url(Event, 'changelist')}?job={job.pk}&status=open").content.decode()
    assert "30 events" in rows or rows.count("It is broken.") == 30
    assert job.title in owner.get(url(Event, "change", row.pk)).content.decode()


def test_steering_is_a_dialog_noted_in_the_history(world: World, desk: Desk) -> None:
    job = start(desk, 1_000, by=world.owner)
    worker = Worker()
    worker.turn()
    client = client_of(member(world, Role.OPERATOR))
    assert "Pause this job?" in client.get(action(job, "pause")).content.decode()
    assert Job.objects.get(pk=job.pk).state == "running"
    for name, state in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        client.post(action(job, name), SUBMIT)
        assert Job.objects.get(pk=job.pk).state == state
    assert [change.sentence for change in history.of(job)] == ["Cancelled.", "Resumed.", "Paused."]
    refused = client.post(action(job, "resume"), SUBMIT, follow=True)
    assert "Only a paused job can be resumed." in refused.content.decode()


def test_failed_rows_are_tried_again_from_the_page(world: World, desk: Desk, owner: Client) -> None:
    on(ACT, failing)
    worker = Worker()
    job = worker.until_ended(start(desk, 20, by=world.owner))
    on(ACT, lambda work: ledger.done(say("Done.")))
    owner.post(action(job, "retry-failed"), SUBMIT)
    worker.until_ended(job)
    assert "Failed rows</h2>" not in page(owner, job)
    assert jobs.tally(job).done == 20


@pytest.mark.parametrize(
    ("role", "kind", "may"),
    [
        (Role.OWNER, "template.publication", True), (Role.MARKETER, "template.publication", True),
        (Role.OPERATOR, "template.publication", False), (Role.AUDITOR, "template.publication", False),
        (Role.OWNER, "events.replay", True), (Role.MARKETER, "events.replay", False),
        (Role.OPERATOR, "events.replay", True), (Role.AUDITOR, "events.replay", False),
    ],
)  # fmt: skip
def test_steering_takes_what_starting_took(world: World, role: Role, kind: str, may: bool) -> None:
    payload = {"template": 0} if kind == "template.publication" else {"events": []}
    job = make.JobFactory.make(tenant=world.tenant, kind=kind, payload=payload)
    client = client_of(member(world, role))
    assert (">Pause<" in page(client, job) or "/pause/" in page(client, job)) is may
    assert client.get(action(job, "pause")).status_code == (200 if may else 403)
    assert client.post(action(job, "pause"), SUBMIT).status_code == (302 if may else 403)
    assert Job.objects.get(pk=job.pk).state == ("paused" if may else "running")


def test_another_tenants_job_does_not_exist(world: World, owner: Client) -> None:
    theirs = make_world("Other").rows[Job]
    assert owner.get(action(theirs, "pause")).status_code == 404
    assert owner.post(action(theirs, "cancel"), SUBMIT).status_code == 404
    assert "Other job" not in owner.get(url(Job, "changelist")).content.decode()


def test_a_page_that_looks_again_is_loaded_anew_when_its_buttons_change(
    world: World, owner: Client, desk: Desk
) -> None:
    job = start(desk, 40, by=world.owner)
    shown = owner.get(url(Job, "change", job.pk)).context["standing"].signature
    again = owner.get(f"{url(Job, 'change', job.pk)}?seen={shown}", headers={"HX-Request": "true"})
    assert "HX-Refresh" not in again
    Worker().until_ended(job)
    again = owner.get(f"{url(Job, 'change', job.pk)}?seen={shown}", headers={"HX-Request": "true"})
    assert again["HX-Refresh"] == "true"


def test_a_job_whose_feeding_failed_says_why(world: World, owner: Client, desk: Desk) -> None:
    job = start(desk, 40, by=world.owner)
    Event.objects.filter(kind="portal.job").update(status="failed", outcome=say("The job is no longer there."))
    text = page(owner, job)
    assert "No more rows are begun: The job is no longer there." in text
    assert "Stands still" in text
    owner.post(action(job, "resume"), SUBMIT)
    assert Worker().until_ended(job).fed == 40


def queries_of(client: Client, address: str) -> int:
    client.get(address)
    with CaptureQueriesContext(
        connection,
    ) as seen:
        assert client.get(address).status_code == 200
    return len(seen)


def test_pages_ask_as_often_for_many_jobs_and_rows_as_for_few(world: World, owner: Client, desk: Desk) -> None:
    on(ACT, failing)
    job = Worker().until_ended(start(desk, 5, by=world.owner))
    addresses = (url(Job, "changelist"), url(Job, "change", job.pk), reverse("admin:index"))
    few = [queries_of(owner, address) for address in addresses]
    for _ in range(8):
        make.JobFactory.make(tenant=world.tenant)
    make.EventFactory.create_batch(30, tenant=world.tenant, job=job, status="failed")
    many = [queries_of(owner, address) for address in addresses]
    assert many[:2] == few[:2]
    assert many[2] <= few[2] + 8 * 4  # Home tells of at most five jobs, in a few queries each


# Replays from the list of events


def chosen(client: Client, *events: Event, **more: str) -> Any:
    data = {"action": "replay_selected", "_selected_action": [event.pk for event in events], **more}
    return client.post(url(Event, "changelist"), data)


def test_events_are_chosen_in_the_list_and_replayed_after_a_question(world: World, desk: Desk) -> None:
    client = client_of(member(world, Role.OPERATOR))
    failed = [desk.event(f"n:{n}", ACT, status="failed", outcome="Broken.") for n in range(3)]
    covered = desk.event("n:9", ACT, status="merged")
    asked = chosen(client, *failed[:2], covered).content.decode()
    for part in ("2 events run again", "One that you chose is left out"):
        assert part in asked, part
    assert not Job.objects.filter(tenant=world.tenant, total=2).exists()
    response = chosen(client, *failed[:2], confirmed="1", rate="600")
    job = Job.objects.get(tenant=world.tenant, total=2)
    assert (response["Location"], job.rate) == (url(Job, "change", job.pk), 600)
    Worker().until_ended(job)
    assert [Event.objects.get(pk=event.pk).status for event in failed] == ["done", "done", "failed"]


@pytest.mark.parametrize("role", [Role.MARKETER, Role.AUDITOR])
def test_only_those_who_operate_replay_what_they_chose(world: World, desk: Desk, role: Role) -> None:
    event = desk.event("n:1", ACT, status="failed")
    chosen(client_of(member(world, role)), event, confirmed="1")
    assert Job.objects.filter(tenant=world.tenant).count() == 1


def test_events_of_another_tenant_cannot_be_chosen(world: World, owner: Client) -> None:
    theirs = make_world("Other").rows[Event]
    chosen(owner, theirs, confirmed="1")
    assert not Job.objects.exclude(title="Verdi job").exclude(title="Other job").exists()


def test_before_one_that_carries_values_is_replayed_staff_see_what_stays(world: World, owner: Client) -> None:
    wallet_pass = world.rows[WalletPass]
    wallet_pass.values, wallet_pass.origins = {"points": 450}, {"points": {"number": 900_000, "set": 900_000}}
    wallet_pass.save()
    payload = {
        "pass": wallet_pass.pk, "customer": wallet_pass.customer_id, "number": 10, "message": None, "template": None,
        "writes": [{"name": "points", "value": 120, "add": False, "pinned": False},
                   {"name": "tier", "value": "Gold", "add": False, "pinned": False}],
    }  # fmt: skip
    event = make.EventFactory.make(tenant=world.tenant, kind="pass.update", payload=payload)
    text = owner.get(f"{url(Event, 'changelist')}{event.pk}/replay/").content.decode()
    for part in ("This event carries values", "points", "450", "stays", "<b>Gold</b>"):
        assert part in text, part
    plain = owner.get(f"{url(Event, 'changelist')}{world.rows[Event].pk}/replay/").content.decode()
    assert "carries values" not in plain


# Words


def test_the_end_in_sight_goes_by_the_lowest_limit() -> None:
    assert end_in_sight(0, None, 10) == ""
    assert end_in_sight(100, None) == ""
    assert end_in_sight(48_000, None, 100, 400.0) == "about 8 hours at 100 a minute"
    assert end_in_sight(48_000, None, 400, 100.0) == "about 8 hours at 100 a minute"
