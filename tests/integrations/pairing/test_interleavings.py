"""Whatever comes in whatever order: both systems end alike, by the policy, and at rest."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.pairing.models import ConsentMapping, ConsentReview, PairedPerson
from portal.models import ConsentRecord, Customer
from tests import factories as make
from tests.integrations.pairing.pairing_world import CONSENTS, KEY, NEWSLETTER, PROFILES, START, Played, paired

Policy = ConsentMapping.Policy
Steps = list[tuple[str, Any, Any]]
SIDES = st.sampled_from([CONSENTS, PROFILES])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("choose"), SIDES, st.booleans()),
        st.tuples(st.just("deliver"), st.integers(0, 5), st.none()),
        st.tuples(st.just("write"), SIDES, st.none()),
    ),
    max_size=14,
)


class Clock:
    """A second goes by whenever somebody looks."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at


def _played(policy: str, steps: Steps, check: Callable[[Played], object]) -> None:
    """Plays the steps with a new person, has all come to rest, and takes everything back."""
    clock = Clock()
    with transaction.atomic(), patch.object(timezone, "now", clock.now):
        tenant = make.TenantFactory.make()
        customer = make.CustomerFactory.make(tenant=tenant, key=KEY)
        game = Played(paired(tenant, policy), customer)
        PairedPerson.objects.create(pairing=game.pairing, customer=customer)
        for what, which, state in steps:
            if what == "choose":
                game.choose(which, state, clock.now())
            elif what == "deliver" and game.reports:
                game.deliver(which)
            elif what == "write":
                game.write(which)
        game.settle()
        check(game)
        transaction.set_rollback(True)


def _ended_alike(game: Played) -> bool | None:
    held = PairedPerson.objects.get(pairing=game.pairing, customer=game.customer)
    if held.paused_at:
        return None
    standing = held.standing(NEWSLETTER)
    if standing.state is None:
        assert not game.choices or not any(state for _, state in game.choices)
        return None
    assert game.profile == standing.state
    assert game.on_platform() == standing.state
    return standing.state


EXAMPLES = settings(
    max_examples=int(os.environ.get("EXAMPLES", "20")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@EXAMPLES
@given(steps=STEPS)
@pytest.mark.django_db
def test_with_the_newest_policy_the_last_decision_stands_on_both_sides(steps: Steps) -> None:
    def check(game: Played) -> None:
        state = _ended_alike(game)
        if state is not None:
            assert state == max(game.choices)[1], (steps, game.choices, game.platform, game.profile)

    _played(Policy.NEWEST, steps, check)


@EXAMPLES
@given(steps=STEPS)
@pytest.mark.django_db
def test_with_the_most_restrictive_policy_nobody_is_subscribed_against_a_later_refusal(steps: Steps) -> None:
    def check(game: Played) -> None:
        state = _ended_alike(game)
        if state:
            refusals = [at for at, given in game.choices if not given]
            yeses = [at for at, given in game.choices if given]
            assert not refusals or max(yeses) > max(refusals), steps

    _played(Policy.RESTRICTIVE, steps, check)


@EXAMPLES
@given(steps=STEPS, policy=st.sampled_from([Policy.CONSENTS, Policy.PROFILES]))
@pytest.mark.django_db
def test_with_any_policy_both_sides_end_alike_and_at_rest(steps: Steps, policy: str) -> None:
    _played(policy, steps, _ended_alike)


@EXAMPLES
@given(steps=STEPS)
@pytest.mark.django_db
def test_what_is_held_for_review_is_asked_about_and_left_alone(steps: Steps) -> None:
    def check(game: Played) -> None:
        held = PairedPerson.objects.get(pairing=game.pairing, customer=game.customer)
        asked = ConsentReview.objects.filter(customer=game.customer, answered_at=None).exists()
        assert asked == bool(held.standing(NEWSLETTER).held or held.paused_at)
        if not asked:
            _ended_alike(game)

    _played(Policy.HOLD, steps, check)


@EXAMPLES
@given(steps=STEPS)
@pytest.mark.django_db
def test_the_customers_value_is_what_stands_and_the_proof_tells_how_it_came(steps: Steps) -> None:
    def check(game: Played) -> None:
        state = _ended_alike(game)
        if state is not None:
            customer = Customer.objects.get(pk=game.customer.pk)
            assert customer.values[NEWSLETTER] is state
            last = ConsentRecord.objects.filter(customer=customer, kind__in=["given", "withdrawn"]).latest("number")
            assert last.kind == ("given" if state else "withdrawn")

    _played(Policy.NEWEST, steps, check)
