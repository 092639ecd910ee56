"""Publishing a template: a job over its passes, and over the customers who are to get one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import QuerySet

from passes.conditions import matches
from passes.design import design_of
from passes.findings import Finding, Severity
from passes.happenings import subject_of
from passes.inspection import inspect_template
from passes.models import PassTemplate
from passes.refresh import BY_ITSELF, PASS_DUE, PASS_REFRESH, next_tag
from portal import jobs
from portal.jobs import Row
from portal.ledger import lane_id_for
from portal.models import Customer, Job
from portal.sentences import Sentence, say

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

PUBLICATION = "template.publication"
PASSES, CUSTOMERS = "passes", "customers"
LOOKED_AT = 10_000


class Refused(Exception):
    """The design has errors, all of which are told."""

    def __init__(self, errors: Sequence[Finding]) -> None:
        super().__init__(" ".join(error.sentence for error in errors))
        self.errors = errors


def publish(template: PassTemplate, *, by: AbstractBaseUser, silent: bool = False) -> Job:
    """Makes the saved design the one that passes show, and starts the job that renews them. Raises Refused.

    `silent`: phones show the new design without a line on the lock screen.
    """
    if errors := [finding for finding in inspect_template(template) if finding.severity == Severity.ERROR]:
        raise Refused(errors)
    with transaction.atomic():
        template.quiet = _quiet(template) if silent else None
        template.published = design_of(template)
        template.save(update_fields=["published", "quiet"])
        job = jobs.prepared(
            PUBLICATION,
            tenant_id=template.tenant_id,
            payload={"template": template.pk, "silent": silent},
            title=_title(template, silent),
        )
        return jobs.start(job, by=by)


def _quiet(template: PassTemplate) -> dict[str, Any] | None:
    """For passes that another change reaches before the job does."""
    if template.apple is None or template.published is None:
        return None
    return {"tag": next_tag(template.apple.pass_type_identifier), "before": template.published}


def _title(template: PassTemplate, silent: bool) -> Sentence:
    if silent:
        return say("Publish “%(template)s” silently", template=template)
    return say("Publish “%(template)s”", template=template)


class Publication:
    """The rows: a `pass.refresh` for each pass, then a `pass.due` for each customer without one.

    Keys: ["passes", 7], then ["customers", 9].
    """

    def count(self, job: Job) -> int:
        template = _template(job)
        return template.passes.count() + _without(template).count() if template else 0

    def rows(self, job: Job, after: Any, limit: int) -> Sequence[Row]:
        template = _template(job)
        if template is None:
            return []
        part, key = after or (PASSES, 0)
        lane_id = lane_id_for(job.tenant_id)
        found: list[Row] = []
        if part == PASSES:
            passes = _keys(template.passes.all(), key, limit)
            silent = {"silent": True} if job.payload.get("silent") else {}
            found = [Row([PASSES, n], PASS_REFRESH, subject_of(n), {"pass": n, **silent}, lane_id) for n in passes]
            key = 0
        without = _due(template, key, limit - len(found))
        return [*found, *(Row([CUSTOMERS, n], PASS_DUE, f"due:{n}", {"customer": n}, lane_id) for n in without)]

    def lane_id(self, job: Job) -> int | None:
        return lane_id_for(job.tenant_id)


def _template(job: Job) -> PassTemplate | None:
    return PassTemplate.objects.for_tenant(job.tenant_id).filter(pk=job.payload["template"]).first()


def _without(template: PassTemplate) -> QuerySet[Customer]:
    """The customers who are to get a pass of it, or may be: each row looks at the conditions itself."""
    customers = Customer.objects.for_tenant(template.tenant_id)
    if template.active and template.issue in BY_ITSELF:
        return customers.exclude(passes__template=template)
    return customers.none()


def _due(template: PassTemplate, after: int, limit: int) -> list[int]:
    """The next customers who match the conditions.

    Where few do, a look at a million must not take a run of the feeder: behind so many, the next ones are taken as they
    come, and their rows find out that there is nothing to do.
    """
    customers, conditions = _without(template), (template.published or {}).get("conditions")
    if template.issue != PassTemplate.Issue.CONDITION or not limit:
        return list(_keys(customers, after, limit))
    looked_at = customers.filter(pk__gt=after).order_by("pk").values_list("pk", "values")[:LOOKED_AT]
    found: list[int] = []
    for key, values in looked_at.iterator(chunk_size=1000):
        after = key
        if matches(conditions or {}, values):
            found.append(key)
            if len(found) == limit:
                return found
    return [*found, *_keys(customers, after, limit - len(found))]


def _keys(rows: QuerySet[Any], after: int, limit: int) -> Iterable[int]:
    return rows.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:limit] if limit else []
