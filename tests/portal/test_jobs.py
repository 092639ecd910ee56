"""Jobs: fed at a pace, paused, resumed, cancelled, what failed tried again. Nothing twice, nothing left out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from portal import jobs, ledger
from portal.jobs import CannotSteer
from portal.ledger import Result, Work
from portal.models import Event, Job
from portal.sentences import say
from tests import factories as make
from tests.portal.jobs_world import Worker, numbers, registered_jobs, start
from tests.portal.ledger_world import ACT, Desk, again, at, on

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _kinds() -> Iterator[None]:
    with registered_jobs():
        yield


@pytest.fixture
def worker() -> Worker:
    return Worker()


def failing_on(*wanted: int) -> None:
    """These rows fail for good, whenever they are tried."""

    def behave(work: Work) -> Result:
        if work.event.payload["number"] in wanted:
            raise ledger.dead(say("It is broken."))
        return ledger.done(say("Done."))

    on(ACT, behave)


# Feeding


def test_every_row_is_fed_once_and_the_job_ends(desk: Desk, worker: Worker) -> None:
    job = worker.until_ended(start(desk, 600))
    assert numbers(job) == list(range(600))
    assert (job.state, job.fed, jobs.tally(job).done, jobs.tally(job).percent) == ("done", 600, 600, 100)
    feeder = jobs.feeder_of(job)
    assert feeder is not None
    assert (feeder.status, feeder.outcome) == ("done", "600 of 600 rows have ended.")
    assert Event.objects.filter(kind="portal.job").count() == 1


def test_a_job_without_rows_ends_at_once(desk: Desk, worker: Worker) -> None:
    job = worker.until_ended(start(desk, 0), turns=2)
    assert (job.state, jobs.tally(job).percent) == ("done", 100)


def test_a_job_that_was_started_knows_its_chain(desk: Desk) -> None:
    job = start(desk, 1)
    assert job.correlation_id == Event.objects.get(kind="job.started").correlation_id


def test_a_row_has_a_chain_of_its_own_and_follows_from_the_job(desk: Desk, worker: Worker) -> None:
    job = worker.until_ended(start(desk, 3))
    rows = list(Event.objects.filter(job=job))
    assert len({row.correlation_id for row in rows} | {job.correlation_id}) == 4
    assert {row.parent for row in rows} == {jobs.feeder_of(job)}
    chain = Event.objects.filter(correlation_id=job.correlation_id).order_by("pk")
    assert list(chain.values_list("kind", flat=True)) == ["job.started", "portal.job"]


def test_a_webhook_of_the_lane_waits_for_few_rows_only(desk: Desk, worker: Worker) -> None:
    slow = desk.new_lane("slow", max_running=4)
    job = start(desk, 1_000, lane=slow)
    for _ in range(5):
        (feeder,) = ledger.claim(1, "tester")  # nothing of the lane is worked off
        ledger.run(feeder)
        Event.objects.filter(pk=feeder.pk).update(due_at=feeder.created_at)
        slow.paused_at = feeder.created_at
        slow.save()
    assert Event.objects.filter(job=job).count() == 4


def test_the_window_grows_with_what_the_lane_ends(desk: Desk, worker: Worker) -> None:
    job = start(desk, 100_000, lane=desk.new_lane("fast", max_running=4))
    fed = []
    for _ in range(12):
        worker.turn()
        job.refresh_from_db()
        fed.append(job.fed)
    assert fed[0] == 4
    assert fed[-1] > 100


@pytest.mark.parametrize("rate", [6, 60, 600])
def test_a_rate_is_kept(desk: Desk, worker: Worker, rate: int) -> None:
    job = start(desk, 10_000, rate=rate)
    for _ in range(60):
        worker.turn()
    job.refresh_from_db()
    assert 0.97 * rate - 1 <= job.fed <= rate + 1


def test_rows_that_are_tried_again_later_do_not_hold_up_the_others(desk: Desk, worker: Worker) -> None:
    broken = set(range(40))

    def behave(work: Work) -> Result:
        if work.event.payload["number"] in broken:
            raise ledger.retry(say("Not now."))
        return ledger.done(say("Done."))

    on(ACT, behave)
    job = start(desk, 200, lane=desk.new_lane("slow", max_running=4))
    for _ in range(90):
        worker.turn()
    assert numbers(job, "done") == list(range(40, 200))
    broken.clear()
    job = worker.until_ended(job)
    assert (job.state, jobs.tally(job).done) == ("done", 200)


def test_an_account_that_refuses_everything_is_not_asked_for_all_rows(desk: Desk, worker: Worker) -> None:
    on(ACT, lambda work: (_ for _ in ()).throw(ledger.retry(say("Not now."))))
    job = start(desk, 100_000)
    for _ in range(120):
        worker.turn()
    job.refresh_from_db()
    assert job.fed < 2_600


def test_a_job_of_one_tenant_takes_no_turn_from_another(worker: Worker) -> None:
    first, second = Desk(), Desk("other")
    one, two = start(first, 300), start(second, 300)
    worker.until_ended(one)
    worker.until_ended(two)
    for job in (one, two):
        assert numbers(job) == list(range(300))
        assert set(Event.objects.filter(job=job).values_list("tenant", flat=True)) == {job.tenant_id}


def test_a_worker_that_dies_while_feeding_feeds_nothing_twice(desk: Desk, worker: Worker) -> None:
    job = start(desk, 100)
    (feeder,) = ledger.claim(1, "dying")
    ledger.release_leases("dying")  # another took over; the first one finishes all the same
    assert ledger.run(feeder) == "lost"
    assert not Event.objects.filter(job=job).exists()
    worker.now += timedelta(seconds=10)
    worker.until_ended(job)
    assert numbers(job) == list(range(100))


# Steering


def test_a_paused_job_feeds_nothing_and_what_was_fed_ends(desk: Desk, worker: Worker) -> None:
    job = start(desk, 600)
    for _ in range(5):
        worker.turn()
    jobs.pause(job, by="bram")
    fed = Job.objects.get(pk=job.pk).fed
    assert 0 < fed < 600
    for _ in range(5):
        worker.turn()
    job.refresh_from_db()
    assert (job.state, job.fed, jobs.tally(job).open) == ("paused", fed, 0)
    jobs.resume(job, by="bram")
    job = worker.until_ended(job)
    assert numbers(job) == list(range(600))
    chain = Event.objects.filter(correlation_id=job.correlation_id, kind__startswith="job.").order_by("pk")
    assert [event.outcome for event in chain][1:] == ["bram paused it.", "bram resumed it."]


def test_a_pause_that_comes_while_the_feeder_reads_lets_nothing_through(desk: Desk) -> None:
    job = start(desk, 100)
    (feeder,) = ledger.claim(1, "tester")
    work = ledger.registry.registry.handler(feeder.kind)(Work(feeder, None))  # type: ignore[attr-defined,arg-type]
    jobs.pause(job, by="bram")
    ledger.finish(feeder, work)
    assert not Event.objects.filter(job=job).exists()


def test_pausing_and_resuming_at_once_leaves_one_feeder(desk: Desk, worker: Worker) -> None:
    job = start(desk, 500)
    worker.turn()
    for _ in range(3):
        jobs.pause(job, by="bram")
        jobs.resume(job, by="bram")
    worker.until_ended(job)
    assert numbers(job) == list(range(500))
    assert Event.objects.filter(kind="portal.job").exclude(status__in=["done", "merged"]).count() == 0


def test_cancelling_ends_what_waits_with_a_sentence(desk: Desk, worker: Worker) -> None:
    job = start(desk, 1_000)
    (feeder,) = ledger.claim(1, "tester")
    ledger.run(feeder)
    running = ledger.claim(2, "tester")
    ended = jobs.cancel(job, by="bram")
    fed = Job.objects.get(pk=job.pk).fed
    assert ended == fed - 2
    for event in running:
        ledger.run(event)
    job = worker.until_ended(job)
    counted = jobs.tally(job)
    assert (job.state, counted.done, counted.nothing, counted.open) == ("cancelled", 2, fed - 2, 0)
    assert set(Event.objects.filter(job=job, status="ignored").values_list("outcome", flat=True)) == {
        "The job was cancelled before this was done."
    }
    with pytest.raises(CannotSteer):
        jobs.resume(job, by="bram")


def test_what_fails_after_a_cancellation_is_not_tried_again(desk: Desk, worker: Worker) -> None:
    on(ACT, lambda work: (_ for _ in ()).throw(ledger.retry(say("Not now."))))
    job = start(desk, 1)
    (feeder,) = ledger.claim(1, "tester")
    ledger.run(feeder)
    (row,) = ledger.claim(1, "tester")
    assert jobs.cancel(job, by="bram") == 0
    ledger.run(row)
    assert again(row).status == "waiting"
    worker.until_ended(job)
    assert again(row).status == "ignored"


def test_failed_rows_are_tried_again(desk: Desk, worker: Worker) -> None:
    failing_on(3, 7, 299)
    job = worker.until_ended(start(desk, 300))
    assert (job.state, jobs.tally(job).failed, jobs.tally(job).done) == ("done", 3, 297)
    failing_on(7)
    assert jobs.retry_failed(job, by="bram") == 3
    job.refresh_from_db()
    assert (job.state, job.finished_at) == ("running", None)
    job = worker.until_ended(job)
    assert numbers(job, "failed") == [7]
    assert (jobs.tally(job).done, job.fed) == (299, 300)
    assert again(Event.objects.get(job=job, payload__number=3)).attempts == 2
    with pytest.raises(CannotSteer):
        jobs.cancel(job, by="bram")


def test_failed_rows_are_tried_again_while_the_job_goes_on(desk: Desk, worker: Worker) -> None:
    failing_on(0, 1)
    job = start(desk, 1_000)
    for _ in range(4):
        worker.turn()
    failing_on()
    jobs.retry_failed(job, by="bram")
    job = worker.until_ended(job)
    assert numbers(job, "done") == list(range(1_000))


def test_nothing_is_tried_again_where_nothing_failed(desk: Desk, worker: Worker) -> None:
    job = worker.until_ended(start(desk, 2))
    with pytest.raises(CannotSteer):
        jobs.retry_failed(job, by="bram")


def test_a_job_whose_feeding_failed_is_resumed(desk: Desk, worker: Worker) -> None:
    job = start(desk, 50)
    Event.objects.filter(kind="portal.job").update(status="failed")
    jobs.resume(job, by="bram")
    worker.until_ended(job)
    assert numbers(job) == list(range(50))
    assert not Event.objects.filter(kind="portal.job", status="failed").exists()


# Replays


def dead(desk: Desk, count: int) -> list[Event]:
    return [
        desk.event(f"n:{n}", ACT, payload={"number": n}, status="failed", finished_at=Worker().now, attempts=1)
        for n in range(count)
    ]


def replay(desk: Desk, **payload: object) -> Job:
    made = jobs.prepared("events.replay", tenant_id=desk.tenant.pk, payload=payload, title=say("Replay"))
    return jobs.start(made, by=make.UserFactory.make(username="bram@example.com"))


def test_chosen_events_run_again_as_the_same_events(desk: Desk, worker: Worker) -> None:
    first, second, third = dead(desk, 3)
    stranger = Desk("other")
    (theirs,) = dead(stranger, 1)
    job = worker.until_ended(replay(desk, events=[first.pk, third.pk, theirs.pk]))
    assert [again(event).status for event in (first, second, third, theirs)] == ["done", "failed", "done", "failed"]
    assert (job.total, job.fed, again(first).attempts) == (2, 2, 2)
    noted = Event.objects.get(kind="portal.replayed", parent=first)
    assert noted.outcome.startswith("bram@example.com replayed event")


def test_the_dead_letters_of_a_connection_since_a_moment_run_again(desk: Desk, worker: Worker) -> None:
    old, *recent = dead(desk, 4)
    moment = Worker().now
    Event.objects.filter(pk=old.pk).update(finished_at=moment - timedelta(days=2))
    Event.objects.filter(pk=recent[0].pk).update(source="vendor:2")
    since = (moment - timedelta(days=1)).isoformat()
    payload = {"source": "vendor:1", "since": since, "kind": "", "until": recent[-1].pk}
    job = worker.until_ended(replay(desk, **payload))
    assert [again(event).status for event in (old, *recent)] == ["failed", "failed", "done", "done"]
    assert (job.total, job.fed) == (2, 2)


def test_a_row_of_another_job_is_that_jobs_no_more(desk: Desk, worker: Worker) -> None:
    failing_on(1)
    job = worker.until_ended(start(desk, 3))
    row = Event.objects.get(job=job, status="failed")
    failing_on()
    other = worker.until_ended(replay(desk, events=[row.pk]))
    job.refresh_from_db()
    assert again(row).job == other
    assert (job.fed, jobs.tally(job).done, jobs.tally(job).failed) == (2, 2, 0)


def test_what_cannot_be_replayed_any_more_is_left_out(desk: Desk, worker: Worker) -> None:
    first, second = dead(desk, 2)
    job = replay(desk, events=[first.pk, second.pk])
    Event.objects.filter(pk=first.pk).update(status="merged", merged_into=second)
    job = worker.until_ended(job)
    assert (job.fed, job.skipped, jobs.tally(job).percent) == (1, 1, 100)


def test_a_suspended_tenants_job_waits(desk: Desk, worker: Worker) -> None:
    job = start(desk, 10)
    desk.tenant.suspended_at = worker.now
    desk.tenant.save()
    with at(worker.now):
        assert worker.turn() == 0
    job.refresh_from_db()
    assert job.fed == 0
