"""Silent updates: which fields a card announces, whatever order of silent and loud changes came before."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from passes import publication
from passes.apple.document import pass_json
from passes.hush import hushed
from passes.models import TemplateField, WalletPass
from passes.refresh import refresh, refresh_pass
from passes.update import PASS_UPDATE, Update, order, update_pass
from passes.values import Write
from portal.models import Event
from tests import factories as make
from tests.passes import world

TIER = ("back", "tier", "Tier", "{{ tier }}", "You are %@ now")
IDENTITY = {"serialNumber": "1"}


def announced(document: dict[str, Any]) -> set[str]:
    """The keys of the fields that may be announced."""
    groups = (group for group in document["storeCard"].values())
    return {field["key"] for group in groups for field in group if "changeMessage" in field}


def content(points: int, tier: str = "Gold", **more: Any) -> dict[str, Any]:
    fields = [
        {"place": "header", "key": "points", "label": "", "value": points, "change_message": "%@ points"},
        {"place": "back", "key": "tier", "label": "", "value": tier, "change_message": "%@ now"},
        {"place": "back", "key": "name", "label": "", "value": f"Anna {points}", "change_message": ""},
    ]
    return {"fields": fields, "texts": {}, **more}


def quiet(data: dict[str, Any]) -> list[str]:
    return [field["key"] for field in data["fields"] if field.get("hushed")]


def after(*steps: tuple[dict[str, Any], bool], fetched: bool = False) -> list[str]:
    """The hushed fields after contents that followed each other, each silent or not; nobody fetched one meanwhile."""
    data, untold = content(0), list[str]()
    for new, silent in steps:
        data, untold = hushed(data, new, [] if fetched else untold, silent=silent)
    return quiet(data)


class TestTheRule:
    def test_a_silent_change_is_hushed_and_only_it(self) -> None:
        assert after((content(1), True)) == ["points"]

    def test_what_follows_without_touching_the_field_leaves_it_hushed(self) -> None:
        assert after((content(1), True), (content(1, "Silver"), False)) == ["points"]

    def test_a_loud_change_of_the_field_is_heard_again(self) -> None:
        assert after((content(1), True), (content(2), False)) == []

    def test_loud_wins_over_a_later_silent_change_that_comes_before_a_fetch(self) -> None:
        assert after((content(1), False), (content(2), True)) == []

    def test_a_loud_change_of_another_field_does_not_make_a_silent_one_heard(self) -> None:
        assert after((content(0, "Silver"), False), (content(2, "Silver"), True)) == ["points"]

    def test_what_was_fetched_meanwhile_has_been_heard(self) -> None:
        assert after((content(1), False), (content(2), True), fetched=True) == ["points"]

    def test_equal_content_stays_equal(self) -> None:
        data, _ = hushed(content(0), content(1), [], silent=True)

        assert hushed(data, content(1), [], silent=False)[0] == data
        assert hushed(data, content(1), [], silent=True)[0] == data

    def test_a_translation_is_a_change_too(self) -> None:
        before = content(0, texts={"fr": {"Gold": "Or"}})

        data, _ = hushed(before, content(0, texts={"fr": {"Gold": "Doré"}}), [], silent=True)

        assert quiet(data) == ["tier"]

    def test_a_first_content_has_no_marks(self) -> None:
        assert hushed({}, content(1), [], silent=True) == (content(1), [])


class TestPasses:
    pytestmark = pytest.mark.django_db

    @pytest.fixture
    def held(self) -> WalletPass:
        design = world.template(fields=(world.POINTS, world.NAME, TIER))
        return world.wallet_pass(design, world.customer(design.tenant, tier="Gold"))

    def put(self, held: WalletPass, silent: bool, **values: Any) -> Event:
        writes = tuple(Write(name, value) for name, value in values.items())
        cause = world.cause(held.tenant)
        order(held, Update(writes, silent=silent), cause=cause, number=cause.pk)
        event = Event.objects.filter(kind=PASS_UPDATE).latest("pk")
        world.effects(update_pass, event)
        held.refresh_from_db()
        return event

    def announces(self, held: WalletPass) -> set[str]:
        held.refresh_from_db()
        return announced(pass_json(held.content, IDENTITY))

    def test_a_silent_update_changes_the_card_and_wakes_the_phone_without_a_message(self, held: WalletPass) -> None:
        before = held.update_tag

        self.put(held, True, points=60)

        assert held.content["fields"][0]["value"] == 60
        assert held.update_tag > before
        assert self.announces(held) == {"tier"}

    def test_a_refresh_that_changes_nothing_leaves_a_silent_content_alone(self, held: WalletPass) -> None:
        self.put(held, True, points=60)
        kept = held.content_hash

        world.change(held.customer)

        held.refresh_from_db()
        assert held.content_hash == kept

    def test_a_change_whose_renewal_still_waits_is_not_silenced_along(self, held: WalletPass) -> None:
        held.customer.values = {**held.customer.values, "tier": "Silver"}
        held.customer.save()

        self.put(held, True, points=60)

        assert self.announces(held) == {"tier"}
        assert held.untold == ["tier"]
        self.put(held, True, tier="Bronze")
        assert self.announces(held) == {"tier"}

    def test_what_a_phone_has_fetched_may_be_silenced(self, held: WalletPass) -> None:
        self.put(held, False, points=60)
        WalletPass.objects.update(fetched_at=timezone.now())

        self.put(held, True, points=70)

        assert self.announces(held) == {"tier"}

    def test_additions_to_pass_json_are_silent_too(self) -> None:
        news = {"storeCard": {"backFields": [{"key": "news", "value": "{{ points }}", "changeMessage": "%@"}]}}
        design = world.template(fields=(world.NAME,), apple_additions=news)
        held = world.wallet_pass(design, world.customer(design.tenant))
        assert self.announces(held) == {"news"}

        self.put(held, True, points=60)
        assert self.announces(held) == set()

        self.put(held, False, points=70)
        assert self.announces(held) == {"news"}


class TestPublishing:
    pytestmark = pytest.mark.django_db

    def silently(self, held: WalletPass) -> None:
        TemplateField.objects.filter(template=held.template, key="points").update(expression="{{ points }} points")
        held.template.refresh_from_db()
        publication.publish(held.template, by=make.UserFactory.make(), silent=True)

    def test_a_design_that_is_published_silently_rings_nowhere(self) -> None:
        held = world.wallet_pass()
        self.silently(held)

        world.effects(refresh_pass, world.cause(held.tenant, **{"pass": held.pk, "silent": True}))

        held.refresh_from_db()
        assert held.content["fields"][0]["value"] == "10 points"
        assert announced(pass_json(held.content, IDENTITY)) == set()

    def test_a_value_that_changes_while_the_job_runs_is_heard(self) -> None:
        held = world.wallet_pass()
        self.silently(held)

        world.change(held.customer, points=11)

        held.refresh_from_db()
        assert held.content["fields"][0]["value"] == "11 points"
        assert announced(pass_json(held.content, IDENTITY)) == {"points"}

    def test_a_customer_whose_other_values_change_while_the_job_runs_does_not_hear_of_the_design(self) -> None:
        held = world.wallet_pass()
        self.silently(held)

        world.change(held.customer, first_name="Bram")

        held.refresh_from_db()
        assert held.content["fields"][0]["value"] == "10 points"
        assert announced(pass_json(held.content, IDENTITY)) == set()

    def test_after_the_job_changes_are_heard_as_usual(self) -> None:
        held = world.wallet_pass()
        self.silently(held)
        world.effects(refresh_pass, world.cause(held.tenant, **{"pass": held.pk, "silent": True}))

        world.change(held.customer, points=12)

        held.refresh_from_db()
        assert announced(pass_json(held.content, IDENTITY)) == {"points"}

    def test_the_next_publication_is_loud_again(self) -> None:
        held = world.wallet_pass()
        self.silently(held)
        publication.publish(held.template, by=make.UserFactory.make())

        held.template.refresh_from_db()
        assert held.template.quiet is None
        with transaction.atomic():
            held.refresh_from_db()
            refresh(held, cause=world.cause(held.tenant))
        assert announced(pass_json(held.content, IDENTITY)) == {"points"}
