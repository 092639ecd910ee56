"""A rehearsal says what would have changed, and changes nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from integrations.actito.models import ActitoConnection
from integrations.pairing.models import PairedPerson, Pairing
from integrations.pairing.standing import Seen, Standing, Verdict
from integrations.pairing.trial import SHOWN, trial
from portal.models import ConsentRecord, Customer, Event, Tenant
from tests import factories as make
from tests.integrations.pairing.admin.paired_world import known
from tests.integrations.pairing.sides import LATER, NEWSLETTER, PROMOTIONS, Paper, received, told

pytestmark = pytest.mark.django_db


def say(*events: object) -> None:
    """The events of the test, oldest first."""
    Paper.received_ones = [received(number, each) for number, each in enumerate(events, 1)][::-1]  # type: ignore[arg-type]


def test_it_counts_who_would_be_subscribed_and_who_left_alone_and_writes_nothing(
    pairing: Pairing, anna: Customer, brand: Tenant, actito: ActitoConnection
) -> None:
    known(brand, actito, "bram@example.com", news=True)
    say(told(**{NEWSLETTER: True}), told("bram@example.com", **{NEWSLETTER: True}), told(**{NEWSLETTER: None}))
    events = Event.objects.count()
    found = trial(pairing, 10)
    assert (found.events, found.subscribed, found.unsubscribed, found.known) == (3, 1, 0, 1)
    assert [(each.person.title, each.target, each.before, each.after, each.event) for each in found.first] == [
        ("anna@example.com", "Newsletter", False, True, 1)
    ]
    assert [str(why) for why, _number in found.skipped] == ["Nothing in it is mapped."]
    assert (Event.objects.count(), PairedPerson.objects.count(), ConsentRecord.objects.count()) == (events, 0, 0)
    assert Customer.objects.get(pk=anna.pk).values == {"news": False}


def test_a_withdrawal_after_a_consent_is_two_changes_in_their_order(pairing: Pairing, anna: Customer) -> None:
    say(told(**{NEWSLETTER: True}), told(at=LATER + timedelta(hours=1), **{NEWSLETTER: False}))
    found = trial(pairing, 10)
    assert (found.subscribed, found.unsubscribed) == (1, 1)
    assert [(each.before, each.after) for each in found.first] == [(False, True), (True, False)]


def test_an_older_word_that_comes_late_changes_nothing(pairing: Pairing, anna: Customer) -> None:
    say(told(at=LATER + timedelta(hours=1), **{NEWSLETTER: True}), told(**{NEWSLETTER: False}))
    found = trial(pairing, 10)
    assert (found.subscribed, found.unsubscribed, found.overruled) == (1, 0, 1)
    assert found.first[-1].verdict is Verdict.OVERRULED


def test_what_the_policy_holds_would_wait_for_review(pairing: Pairing, anna: Customer) -> None:
    own = Standing(True, LATER, pairing.profiles, {pairing.profiles: Seen(True, LATER)})
    make.PairedPersonFactory.make(pairing=pairing, customer=anna, standings={"promotions": own.as_json()})
    say(told(at=LATER + timedelta(hours=1), **{PROMOTIONS: False}))
    found = trial(pairing, 10)
    assert (found.held, found.unsubscribed) == (1, 0)
    assert (found.first[0].verdict, found.first[0].before) == (Verdict.HELD, True)


def test_a_subscription_that_was_read_as_on_is_what_actito_says(pairing: Pairing, anna: Customer) -> None:
    Customer.objects.filter(pk=anna.pk).update(values={"news": True})
    pairing.mappings.filter(target="Newsletter").update(policy="profiles")
    say(told(**{NEWSLETTER: False}))
    found = trial(pairing, 10)
    assert (found.overruled, found.unsubscribed) == (1, 0)


def test_a_subscription_that_is_off_is_no_refusal(pairing: Pairing, anna: Customer) -> None:
    pairing.mappings.filter(target="Newsletter").update(policy="restrictive")
    say(told(**{NEWSLETTER: True}))
    assert trial(pairing, 10).subscribed == 1


@pytest.mark.parametrize(("upsert", "said"), [(False, "skipped if they are"), (True, "created if they are")])
def test_whom_the_portal_does_not_know_is_skipped_with_a_reason(pairing: Pairing, upsert: bool, said: str) -> None:
    pairing.upsert_mode = upsert
    say(told("nobody@example.com", **{NEWSLETTER: True}))
    found = trial(pairing, 10)
    assert found.subscribed == 0
    assert said in found.skipped[0][0]


def test_an_event_that_brings_nothing_says_why_and_a_paused_person_waits(pairing: Pairing, anna: Customer) -> None:
    make.PairedPersonFactory.make(pairing=pairing, customer=anna, paused_at=LATER)
    Paper.received_ones = [received(1, None, "It is pending."), received(2, told(**{NEWSLETTER: True}))]
    found = trial(pairing, 10)
    assert {str(why) for why, _number in found.skipped} == {
        "It is pending.", "The person is paused and waits for an answer.",
    }  # fmt: skip


def test_what_could_not_be_taken_is_told_and_no_more_is_shown_than_a_dialog_holds(
    pairing: Pairing, anna: Customer
) -> None:
    words = [told(at=LATER + timedelta(hours=n), **{NEWSLETTER: n % 2 == 0}) for n in range(SHOWN + 5)]
    say(*words, told(ambiguous=[PROMOTIONS], at=LATER + timedelta(days=9), **{NEWSLETTER: True}))
    found = trial(pairing, 500)
    assert len(found.first) == SHOWN
    assert "means two consents" in found.unread[0][0]
