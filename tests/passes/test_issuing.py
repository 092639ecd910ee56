"""When a pass comes into being: as its template says, and in no other way."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest

from passes import publication
from passes.eligible import Share, share
from passes.inspection import inspect_template
from passes.issuing import OPEN_TO, Refused, Way, make
from passes.models import PassTemplate, TemplateCondition, WalletPass
from portal import ledger
from portal.models import Event
from portal.sentences import say
from tests import factories
from tests.passes import world
from tests.portal.jobs_world import Worker

pytestmark = pytest.mark.django_db
Issue = PassTemplate.Issue


def for_gold(**changes: Any) -> PassTemplate:
    """A template whose passes are for customers of the tier Gold."""
    design = world.template(issue=Issue.CONDITION, **changes)
    TemplateCondition.objects.create(template=design, name="tier", operator="equals", value="Gold")
    return world.published(design)


class TestByConditions:
    def test_a_customer_gets_a_pass_as_soon_as_they_match_and_keeps_it(self) -> None:
        for_gold()
        anna = world.customer(tier="Silver")

        assert world.change(anna, points=1).status == Event.Status.IGNORED
        assert world.change(anna, tier="Gold") == ledger.done("Made Loyalty card.")
        assert world.change(anna, tier="Silver", points=2) == ledger.done("New content for Loyalty card.")
        assert not anna.passes.get().voided

    def test_conditions_count_once_they_are_published(self) -> None:
        design = for_gold()
        design.conditions.update(value="Silver")
        anna = world.customer(tier="Silver")

        assert world.change(anna, points=1).status == Event.Status.IGNORED
        world.published(design)
        assert world.change(anna, points=2) == ledger.done("Made Loyalty card.")

    def test_a_template_without_conditions_makes_nothing_and_cannot_be_published(self) -> None:
        design = world.template(issue=Issue.CONDITION, apple=None)

        assert world.change(world.customer(), points=1).status == Event.Status.IGNORED
        [finding] = inspect_template(design)
        assert (finding.severity, finding.field) == ("error", "conditions")
        assert "nobody would get a pass" in finding.sentence

    def test_what_looks_like_a_mistake_is_told(self) -> None:
        design = for_gold()
        factories.TemplateConditionFactory.make(template=design, name="points", operator="less", value="12,5")
        world.customer(design.tenant)

        found = {finding.field: finding.sentence for finding in inspect_template(design)}

        assert "No customer has the value “tier”" in found["conditions.name"]
        assert "“12,5” is neither a number such as 12.5 nor a date" in found["conditions.value"]

    def test_how_many_match_is_known_before_publishing(self) -> None:
        design = for_gold()
        for tier in ("Gold", "Gold", "Silver"):
            world.customer(design.tenant, tier=tier)
        world.customer(world.tenant("other"), tier="Gold")

        assert share(design) == Share(matching=2, looked_at=3)
        assert share(world.template(name="For all")) is None

    @pytest.mark.parametrize("looked_at", [10_000, 3])
    def test_publishing_looks_for_those_who_match_and_gives_them_a_pass(self, looked_at: int) -> None:
        design = for_gold()
        golden = [world.customer(design.tenant, tier="Gold" if n % 4 == 0 else "Silver") for n in range(12)][::4]

        with mock.patch("passes.publication.LOOKED_AT", looked_at), mock.patch("portal.jobs.feed.LEAST_AT_ONCE", 2), \
                mock.patch("portal.jobs.pace.WINDOW_MOST", 2):  # fmt: skip
            job = Worker().until_ended(publication.publish(design, by=factories.UserFactory.make()))

        assert sorted(WalletPass.objects.values_list("customer", flat=True)) == [one.pk for one in golden]
        rows = Event.objects.filter(job=job)
        assert not rows.exclude(status__in=[Event.Status.DONE, Event.Status.IGNORED]).exists()
        if looked_at == 10_000:
            assert rows.count() == 3


class TestWays:
    @pytest.mark.parametrize("choice", Issue.values)
    @pytest.mark.parametrize("way", list(Way))
    def test_a_template_is_open_to_the_ways_of_its_choice(self, choice: str, way: Way) -> None:
        design = for_gold()
        PassTemplate.objects.update(issue=choice)
        design.refresh_from_db()
        anna = world.customer(tier="Gold")

        if way in OPEN_TO[choice]:
            assert make(design, anna, way, kind="pass.made", said=say("Made.")) is True
            assert make(design, anna, way, kind="pass.made", said=say("Made.")) is False
            assert Event.objects.filter(kind="pass.made", payload__customer=anna.pk).count() == 1
        else:
            with pytest.raises(Refused, match="made in another way"):
                make(design, anna, way, kind="pass.made", said=say("Made."))
            assert not WalletPass.objects.exists()

    @pytest.mark.parametrize("choice", [Issue.LINK, Issue.BY_HAND, Issue.API, Issue.RULE])
    def test_nothing_is_made_by_itself_where_somebody_must_ask(self, choice: str) -> None:
        world.template(issue=choice)
        assert world.change(world.customer(), points=1).status == Event.Status.IGNORED

    @pytest.mark.parametrize("way", list(Way))
    def test_conditions_hold_whoever_asks(self, way: Way) -> None:
        with pytest.raises(Refused, match="does not match the conditions"):
            make(for_gold(), world.customer(tier="Silver"), way, kind="pass.made", said=say("Made."))

    @pytest.mark.parametrize("changes", [{"active": False}, {"published": None}])
    def test_a_template_that_is_off_or_not_published_makes_none(self, changes: dict[str, Any]) -> None:
        design = world.template()
        PassTemplate.objects.update(**changes)
        design.refresh_from_db()
        with pytest.raises(Refused, match="not active, or not published yet"):
            make(design, world.customer(), Way.HAND, kind="pass.made", said=say("Made."))
