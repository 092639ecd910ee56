"""Before a pairing is switched on: both systems are read, and the differences are counted. Nothing is written."""

from __future__ import annotations

import pytest

from integrations.didomi.comparing import merged
from integrations.pairing import comparing, report, switching
from integrations.pairing.models import PairedPerson, Pairing
from integrations.pairing.report import ONE_SIDE, OURS, SAME, THEIRS
from portal import jobs
from portal.models import Attempt, Event, Identity
from portal.sentences import Explained
from tests.integrations.pairing.activation.activation_world import LETTER, OFFERS, Brand
from tests.portal.jobs_world import Worker
from tests.world import arrive

pytestmark = pytest.mark.django_db


def groups(brand: Brand) -> dict[str, dict[str, int]]:
    return {
        each.line.name: {group: each.of(group) for group in (SAME, OURS, THEIRS, ONE_SIDE)}
        for each in report.found(brand.pairing)
    }


def test_people_are_counted_by_what_each_system_says_of_them(brand: Brand) -> None:
    brand.person("both", didomi={LETTER: True, OFFERS: False}, actito={"Newsletter": True})
    brand.person("ours", didomi={LETTER: True, OFFERS: True})
    brand.person("theirs", didomi={LETTER: False, OFFERS: False}, actito={"Newsletter": True})
    brand.person("nobody", didomi=None, actito={"Promotions": True})
    job = brand.compare()
    assert (job.total, job.fed, jobs.tally(job).failed) == (8, 8, 0)
    assert groups(brand) == {
        LETTER: {SAME: 1, OURS: 1, THEIRS: 1, ONE_SIDE: 1},
        OFFERS: {SAME: 2, OURS: 1, THEIRS: 0, ONE_SIDE: 1},
    }
    line = report.found(brand.pairing)[0].line
    assert [str(each.customer) for each in report.people_of(brand.pairing, line, OURS)] == ["ours@example.com"]
    assert PairedPerson.objects.filter(differs=True).count() == 2


def test_nothing_is_written_to_either_system(brand: Brand) -> None:
    ours = brand.person("ours", didomi={LETTER: True}, actito={"Promotions": True})
    events = len(brand.didomi.events)
    brand.compare()
    calls = Attempt.objects.values_list("method", "url")
    assert {method for method, url in calls if "sessions" not in url and "auth" not in url} == {"GET"}
    assert len(brand.didomi.events) == events
    assert brand.in_actito("ours@example.com") == {LETTER: False, OFFERS: True}
    assert not brand.held(ours).standings


def test_who_cannot_be_read_is_told_with_the_reason(brand: Brand) -> None:
    brand.person("keyless", didomi={LETTER: True}, known=False)
    brand.customer("gone@example.com")
    brand.compare()
    said = {(each.side, str(each.reason)): each.count for each in report.missing(brand.pairing)}
    assert said == {
        (brand.platform.source, "The portal does not know the unique key, by which Didomi knows people."): 1,
        (brand.system.source, "Actito has no such profile, or hides it."): 1,
    }
    assert groups(brand)[LETTER] == {SAME: 0, OURS: 0, THEIRS: 0, ONE_SIDE: 0}


def test_of_several_people_with_one_key_who_said_no_counts() -> None:
    assert merged([{LETTER: True, OFFERS: False}, {LETTER: False}, {"events": True}]) == {
        LETTER: False, OFFERS: False, "events": True,
    }  # fmt: skip


def test_a_change_in_didomi_meanwhile_has_the_person_read_again(brand: Brand) -> None:
    anna = brand.person("anna", didomi={LETTER: True})
    brand.compare()
    brand.didomi.say("anna@example.com", muted=True, purposes={LETTER: False})
    event = brand.any_event()
    assert comparing.heard(brand.platform.source, "anna@example.com", event)
    assert comparing.heard(brand.platform.source, "anna@example.com", event)
    assert not comparing.heard(brand.platform.source, "stranger@example.com", event)
    assert len(brand.events("didomi.compare")) == 2  # of two reports that wait, one reading
    Worker().turn()
    assert brand.held(anna).compared[brand.platform.source] == {LETTER: False}


def test_a_change_in_actito_meanwhile_is_taken_as_it_is_read(brand: Brand) -> None:
    anna = brand.person("anna", didomi={LETTER: True})
    brand.compare()
    brand.subscribe("anna@example.com", "Newsletter")
    arrive(brand.system, brand.profiles["anna@example.com"], "UPDATED_SUBSCRIPTION")
    Worker().turn()
    assert brand.held(anna).compared[brand.system.source] == {LETTER: True, OFFERS: False}
    assert not brand.held(anna).differs
    assert not brand.held(anna).standings


def test_comparing_anew_forgets_what_was_found_before(brand: Brand) -> None:
    anna = brand.person("anna", didomi={LETTER: True})
    brand.compare()
    Identity.objects.filter(customer=anna, namespace__endswith=":key").delete()
    brand.compare()
    held = brand.held(anna)
    assert (list(held.compared), list(held.unread)) == ([brand.system.source], [brand.platform.source])


def test_a_comparison_is_ended_without_a_trace_in_either_system(brand: Brand) -> None:
    brand.person("anna", didomi={LETTER: True})
    job = switching.compare(brand.pairing, by=brand.owner)
    switching.stop_comparing(brand.pairing, by=brand.owner)
    job.refresh_from_db()
    assert (job.state, brand.pairing.phase) == ("cancelled", Pairing.Phase.DRAFT)
    Worker().turn()
    assert not PairedPerson.objects.exists()


def test_a_row_that_runs_after_the_end_changes_nothing(brand: Brand) -> None:
    brand.person("anna", didomi={LETTER: True})
    brand.compare()
    switching.stop_comparing(brand.pairing, by=brand.owner)
    before = list(PairedPerson.objects.values())
    for event in brand.events("didomi.compare"):
        Event.objects.filter(pk=event.pk).update(status="waiting")
    Worker().turn()
    (event,) = brand.events("didomi.compare")
    assert event.outcome == "The comparison was ended, or the customer is no longer there."
    assert list(PairedPerson.objects.values()) == before


def test_the_rows_are_the_same_however_they_are_cut(brand: Brand) -> None:
    for number in range(5):
        brand.person(f"person{number}")
    brand.pairing.mappings.all()
    job = comparing.prepared(brand.pairing)
    whole = [row.key for row in comparing.Comparison().rows(job, None, 100)]
    for size in (1, 2, 3):
        after, found = None, []
        while rows := comparing.Comparison().rows(job, after, size):
            found += [row.key for row in rows]
            after = rows[-1].key
        assert found == whole
    assert len(whole) == job.total == 10


@pytest.mark.parametrize("state", ["no line", "no connection", "on"])
def test_what_cannot_be_compared_says_why(brand: Brand, state: str) -> None:
    if state == "no line":
        brand.pairing.mappings.all().delete()
    elif state == "no connection":
        brand.platform.delete()
    else:
        Pairing.objects.update(phase=Pairing.Phase.ON)
    with pytest.raises(Explained) as refused:
        switching.compare(brand.pairing, by=brand.owner)
    said = {"no line": "No subscription is mapped", "no connection": "was deleted", "on": "It is on already."}
    assert said[state] in str(refused.value)
