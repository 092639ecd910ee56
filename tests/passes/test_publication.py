"""Publishing a template as a job: each pass once, and each customer who is to get one."""

from __future__ import annotations

from collections.abc import Iterator
from unittest import mock

import pytest

from passes import publication
from passes.models import PassTemplate, TemplateField, WalletPass
from portal import jobs, ledger
from portal.models import Event, Job
from tests import factories as make
from tests.passes import world
from tests.portal.jobs_world import Worker

pytestmark = pytest.mark.django_db


@pytest.fixture
def few_at_once() -> Iterator[None]:
    """So that a job of some rows takes many batches."""
    with mock.patch("portal.jobs.feed.LEAST_AT_ONCE", 4), mock.patch("portal.jobs.pace.WINDOW_MOST", 4):
        yield


def publish(design: PassTemplate) -> Job:
    return publication.publish(design, by=make.UserFactory.make())


def test_each_pass_of_the_template_is_renewed_once(few_at_once: None) -> None:
    design = world.template(issue=PassTemplate.Issue.BY_HAND)
    passes = [world.wallet_pass(design, world.customer(design.tenant)) for _ in range(11)]
    other = world.wallet_pass(world.template(name="Another"), world.customer())
    TemplateField.objects.filter(template=design, key="points").update(label="Stars")

    job = Worker().until_ended(publish(design))

    asked = Event.objects.filter(job=job, kind="pass.refresh").order_by("pk")
    assert [event.payload["pass"] for event in asked] == [held.pk for held in passes]
    assert job.fed == job.total == 11
    labels = {each.content["fields"][0]["label"] for each in WalletPass.objects.filter(template=design)}
    assert labels == {"Stars"}
    other.refresh_from_db()
    assert other.content["fields"][0]["label"] != "Stars"


def test_every_customer_gets_a_pass_where_the_template_says_so(few_at_once: None) -> None:
    design = world.template()
    first = world.wallet_pass(design, world.customer(design.tenant))
    for _ in range(9):
        world.customer(design.tenant)
    world.customer(world.tenant("other"))

    job = Worker().until_ended(publish(design))

    assert (job.total, job.fed) == (10, 10)
    assert Event.objects.filter(job=job, kind="pass.due").count() == 9
    assert WalletPass.objects.filter(template=design).count() == 10
    assert set(WalletPass.objects.values_list("tenant", flat=True)) == {first.tenant_id}


def test_nobody_gets_a_pass_of_a_template_that_is_off() -> None:
    design = world.template(active=False)
    world.customer(design.tenant)
    assert publish(design).total == 0
    assert design.published


def test_a_template_that_is_removed_meanwhile_ends_the_job() -> None:
    design = world.template()
    world.customer(design.tenant)
    job = publish(design)
    design.delete()
    job = Worker().until_ended(job)
    assert (job.state, job.fed) == ("done", 0)


def test_a_pass_that_cannot_be_worked_out_is_a_failed_row_and_is_retried() -> None:
    design = world.template()
    held = world.wallet_pass(design, world.customer(design.tenant))
    field = design.fields.get(key="points")
    field.expression = "{{ points|divisibleby:0 }}"
    field.save()
    worker = Worker()
    job = worker.until_ended(publish(design))
    assert (jobs.tally(job).failed, jobs.tally(job).percent) == (1, 100)

    field.expression = "{{ points }} left"
    field.save()
    design = PassTemplate.objects.get(pk=design.pk)
    design.published = publication.design_of(design)
    design.save()
    jobs.retry_failed(job, by="bram")
    job = worker.until_ended(job)
    held.refresh_from_db()
    assert (jobs.tally(job).failed, jobs.tally(job).done) == (0, 1)
    assert "left" in held.content["fields"][0]["value"]


def test_a_design_with_errors_is_not_published_and_all_of_them_are_told() -> None:
    design = world.template(icon=False)
    before = design.published
    design.fields.filter(key="points").update(expression="{% if %}")

    with pytest.raises(publication.Refused) as refusal:
        publish(PassTemplate.objects.get(pk=design.pk))

    assert [finding.field for finding in refusal.value.errors] == ["fields.expression", "images"]
    assert PassTemplate.objects.get(pk=design.pk).published == before
    assert not Job.objects.exists()


def test_what_the_rows_lead_to_is_done_too() -> None:
    design = world.template()
    world.customer(design.tenant)
    job = Worker().until_ended(publish(design))
    row = Event.objects.get(job=job)
    assert row.correlation_id != job.correlation_id
    assert ledger.kind_title(row.kind) == "Pass due"
