"""When a pairing is switched on, what the comparison found comes to stand by what was chosen, and is written."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.pairing import aligning, hub, report, switching
from integrations.pairing.aligning import settled
from integrations.pairing.models import PairedPerson, Pairing
from portal import jobs
from portal.models import ConsentRecord, Customer, Event, Lane
from portal.sentences import Explained
from tests.integrations.pairing.activation.activation_world import LETTER, OF_LETTER, OFFERS, Brand
from tests.portal.jobs_world import Worker
from tests.world import arrive

pytestmark = pytest.mark.django_db
Choice = Pairing.Differences


@pytest.mark.parametrize(("ours", "theirs", "by_ours", "by_theirs", "restrictive"), [
    (True, True, True, True, True),
    (False, False, False, False, False),
    (True, False, True, False, False),
    (False, True, False, True, False),
    (True, None, True, None, None),
    (False, None, False, None, False),
    (None, True, None, True, None),
    (None, False, None, None, None),
    (None, None, None, None, None),
])  # fmt: skip
def test_what_stands_follows_from_both_states_and_the_choice(
    ours: bool | None, theirs: bool | None, by_ours: bool | None, by_theirs: bool | None, restrictive: bool | None
) -> None:
    wanted = {Choice.CONSENTS: by_ours, Choice.PROFILES: by_theirs, Choice.RESTRICTIVE: restrictive,
              Choice.LEAVE: ours if ours == theirs else None}  # fmt: skip
    assert {choice: settled(ours, theirs, choice)[0] for choice in Choice} == wanted


def test_didomis_state_is_written_to_actito(brand: Brand) -> None:
    ours = brand.person("ours", didomi={LETTER: True, OFFERS: True}, actito={"Promotions": True})
    theirs = brand.person("theirs", didomi={LETTER: False}, actito={"Newsletter": True, "Promotions": True})
    brand.compare()
    planned = {each.line.name: each for each in report.planned(brand.pairing, report.found(brand.pairing), "consents")}
    assert (planned[LETTER].given_there, planned[LETTER].ended_there) == (1, 1)
    assert not planned[OFFERS].anything
    brand.switch_on(Choice.CONSENTS)
    assert brand.in_actito("ours@example.com") == {LETTER: True, OFFERS: True}
    assert brand.in_actito("theirs@example.com") == {LETTER: False, OFFERS: True}
    assert brand.pairing.phase == Pairing.Phase.ON
    assert brand.pairing.on_since
    ours.refresh_from_db()
    theirs.refresh_from_db()
    assert (ours.values[LETTER], ours.values[OFFERS], theirs.values[LETTER]) == (True, True, False)
    assert OFFERS not in theirs.values  # nobody knows who decided that


def test_the_proof_says_what_both_systems_said_and_whose_word_it_is(brand: Brand) -> None:
    anna = brand.person("anna", didomi={LETTER: False}, actito={"Newsletter": True})
    brand.compare()
    brand.switch_on(Choice.CONSENTS)
    withdrawn, confirmed = ConsentRecord.objects.filter(customer=anna, name=LETTER).order_by("number")
    assert (withdrawn.kind, confirmed.kind) == ("withdrawn", "confirmed")
    told = withdrawn.contents
    assert (told["after"], told["at"], withdrawn.source) == (False, None, brand.platform.source)
    assert told["compared"] == {brand.platform.source: False, brand.system.source: True}


def test_who_is_alike_in_both_systems_is_known_to_be_and_nothing_is_written(brand: Brand) -> None:
    anna = brand.person("anna", didomi={LETTER: True, OFFERS: False}, actito={"Newsletter": True})
    brand.compare()
    brand.switch_on(Choice.CONSENTS)
    standing = brand.held(anna).standing(LETTER)
    assert (standing.state, standing.at, standing.by) == (True, None, brand.platform.source)
    assert standing.knows(brand.system.source)
    assert not brand.events("actito.consents")
    brand.subscribe("anna@example.com", "Promotions")
    arrive(brand.system, brand.profiles["anna@example.com"], "UPDATED_SUBSCRIPTION")
    Worker().turn()
    assert brand.held(anna).standing(OFFERS).state is True  # a new decision, not a conflict


@pytest.mark.parametrize("both_ways", [True, False])
def test_the_most_restrictive_only_takes_away(brand: Brand, both_ways: bool) -> None:
    Pairing.objects.update(enable_webhooks=both_ways)
    ours = brand.person("ours", didomi={LETTER: True})
    theirs = brand.person("theirs", didomi={LETTER: False}, actito={"Newsletter": True})
    brand.compare()
    brand.switch_on(Choice.RESTRICTIVE)
    assert brand.in_actito("ours@example.com")[LETTER] is brand.in_actito("theirs@example.com")[LETTER] is False
    assert brand.held(ours).standing(LETTER).by == brand.system.source
    assert brand.held(theirs).standing(LETTER).by == brand.platform.source
    told = [each.payload["sides"] for each in brand.events("consents.changed/didomi")]
    assert ([brand.platform.source] in told) is both_ways


def test_actitos_state_goes_to_didomi_only_where_the_flow_is_bidirectional(brand: Brand) -> None:
    brand.person("theirs", didomi={LETTER: False}, actito={"Newsletter": True})
    brand.compare()
    assert Choice.PROFILES not in switching.choices(brand.pairing)
    with pytest.raises(Explained):
        switching.switch_on(brand.pairing, Choice.PROFILES, by=brand.owner)
    Pairing.objects.update(enable_webhooks=True)
    brand.person("alone", didomi=None, actito={"Newsletter": True})
    brand.compare()
    brand.switch_on(Choice.PROFILES)
    told = [each.payload["sides"] for each in brand.events("consents.changed/didomi")]
    assert told == [[brand.platform.source]] * 2
    assert brand.in_actito("theirs@example.com")[LETTER] is True


def test_differences_that_are_left_stay_until_somebody_decides(brand: Brand) -> None:
    anna = brand.person("anna", didomi={LETTER: False}, actito={"Newsletter": True})
    brand.compare()
    brand.switch_on(Choice.LEAVE)
    arrive(brand.system, brand.profiles["anna@example.com"], "UPDATED")
    Worker().turn()
    assert brand.held(anna).standing(LETTER).state is None
    assert brand.in_actito("anna@example.com")[LETTER] is True
    hub.told(brand.platform.source, brand.told("anna@example.com", {OF_LETTER: False}), brand.any_event())
    Worker().turn()
    assert brand.in_actito("anna@example.com")[LETTER] is False


def test_nobody_is_told_to_didomi_who_is_known_in_actito_alone(brand: Brand) -> None:
    Pairing.objects.update(enable_webhooks=True)
    anna = brand.person("anna", didomi=None, actito={"Newsletter": True})
    brand.compare()
    brand.switch_on(Choice.CONSENTS)
    assert brand.held(anna).standing(LETTER).state is None
    assert not brand.events("consents.changed/actito")


def test_news_of_somebody_whose_turn_is_still_to_come_meet_what_was_compared(brand: Brand) -> None:
    """Else a profile that is read for its points would win over a refusal that Didomi holds."""
    anna = brand.person("anna", didomi={LETTER: False}, actito={"Newsletter": True})
    brand.compare()
    switching.switch_on(brand.pairing, Choice.CONSENTS, by=brand.owner)
    hub.seen(brand.system.source, anna, {"Newsletter": True}, brand.any_event(), at=timezone.now(), decides=True)
    assert brand.held(anna).standing(LETTER).state is False
    job = Worker().until_ended(switching.newest_alignment(brand.pairing))
    Worker().turn()
    assert (job.total, job.fed) == (1, 0)
    assert brand.in_actito("anna@example.com")[LETTER] is False


def test_what_was_said_after_the_comparison_wins_over_it(brand: Brand) -> None:
    anna = brand.person("anna", didomi={LETTER: False}, actito={"Newsletter": True})
    brand.compare()
    switching.switch_on(brand.pairing, Choice.CONSENTS, by=brand.owner)
    later = brand.told("anna@example.com", {OF_LETTER: True}, timezone.now() + timedelta(seconds=1))
    hub.told(brand.platform.source, later, brand.any_event())
    Worker().turn()
    assert brand.held(anna).standing(LETTER).state is True
    assert brand.in_actito("anna@example.com")[LETTER] is True


def test_a_reading_that_ends_after_it_was_switched_on_is_not_lost(brand: Brand) -> None:
    anna = brand.person("anna", didomi={LETTER: True})
    brand.compare()
    brand.didomi.say("anna@example.com", muted=True, purposes={LETTER: False})
    hub.told(brand.platform.source, brand.told("anna@example.com", {OF_LETTER: False}), brand.any_event())
    waiting = Event.objects.filter(kind="didomi.compare", status="waiting")
    waiting.update(due_at=timezone.now() + timedelta(hours=2))
    brand.switch_on(Choice.CONSENTS)
    assert brand.held(anna).standing(LETTER).state is True
    waiting.update(due_at=timezone.now())
    Worker().turn()
    assert brand.held(anna).standing(LETTER).state is False
    assert brand.in_actito("anna@example.com")[LETTER] is False


def test_a_replay_changes_nothing(brand: Brand) -> None:
    brand.person("anna", didomi={LETTER: True})
    brand.compare()
    worker = brand.switch_on(Choice.CONSENTS)
    people, records = list(PairedPerson.objects.values()), ConsentRecord.objects.count()
    Event.objects.filter(kind="consents.align").update(status="waiting")
    worker.turn()
    (event,) = brand.events("consents.align")
    assert (event.status, event.outcome) == ("ignored", "News brought this person there already.")
    assert (list(PairedPerson.objects.values()), ConsentRecord.objects.count()) == (people, records)


def test_what_a_cancelled_alignment_left_is_done_later(brand: Brand) -> None:
    brand.person("anna", didomi={LETTER: True})
    brand.compare()
    job = switching.switch_on(brand.pairing, Choice.CONSENTS, by=brand.owner)
    jobs.cancel(job, by="anna")
    Worker().turn()
    assert brand.in_actito("anna@example.com")[LETTER] is False
    worker = Worker()
    worker.until_ended(switching.align_rest(brand.pairing, by=brand.owner))
    worker.turn()
    assert brand.in_actito("anna@example.com")[LETTER] is True
    assert switching.align_rest(brand.pairing, by=brand.owner) is None


def test_somebody_who_is_paused_waits_for_the_answer(brand: Brand) -> None:
    anna = brand.person("anna", didomi={LETTER: True})
    brand.compare()
    PairedPerson.objects.update(paused_at=timezone.now())
    brand.switch_on(Choice.CONSENTS)
    assert brand.held(anna).standing(LETTER).state is None


def test_it_is_not_switched_on_before_the_comparison_has_ended_or_by_an_old_mapping(brand: Brand) -> None:
    brand.person("anna", didomi={LETTER: True})
    with pytest.raises(Explained, match="Compare both systems first"):
        switching.switch_on(brand.pairing, Choice.CONSENTS, by=brand.owner)
    job = switching.compare(brand.pairing, by=brand.owner)
    with pytest.raises(Explained, match="still under way"):
        switching.switch_on(brand.pairing, Choice.CONSENTS, by=brand.owner)
    Worker().until_ended(job)
    brand.pairing.mappings.filter(target="Newsletter").update(path="consents_channels_email_enabled")
    with pytest.raises(Explained, match="The mapping has changed"):
        switching.switch_on(brand.pairing, Choice.CONSENTS, by=brand.owner)


def test_without_comparing_nothing_is_known_but_what_comes(brand: Brand) -> None:
    anna = brand.person("anna", didomi={LETTER: True})
    switching.switch_on_blind(brand.pairing)
    Worker().turn()
    assert (brand.pairing.phase, brand.pairing.compared_since) == (Pairing.Phase.ON, None)
    assert not PairedPerson.objects.exists()
    hub.told(brand.platform.source, brand.told("anna@example.com", {OF_LETTER: True}), brand.any_event())
    Worker().turn()
    assert brand.held(anna).standing(LETTER).state is True


def test_forty_people_are_compared_and_aligned(brand: Brand) -> None:
    for number in range(40):
        brand.person(f"p{number}", didomi={LETTER: number % 2 == 0}, actito={"Newsletter": number % 4 < 2})
    Lane.objects.update(calls_per_minute=0)  # a licence's budget would be used up for minutes
    job = brand.compare()
    assert (job.fed, jobs.tally(job).failed) == (80, 0)
    found = report.found(brand.pairing)[0]
    assert [found.of(group) for group in report.PAIRS] == [20, 10, 10, 0]
    brand.switch_on(Choice.CONSENTS)
    assert all(brand.in_actito(f"p{number}@example.com")[LETTER] is (number % 2 == 0) for number in range(40))
    assert len(brand.events("actito.consents")) == 20
    assert Customer.objects.filter(values__newsletter=True).count() == 20
    assert not aligning.compared(brand.pairing).filter(aligned_at=None).exists()
