"""Whoever changes, adds or takes away a record in the database itself is found out."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import override_settings
from django.utils import timezone

from portal.consents import anchors, chain, erasing
from portal.models import ConsentHead, ConsentRecord, Customer, Event
from tests.apart import run_apart
from tests.portal.consents_world import decide, entry, read, withdrawn
from tests.world import arrive, make_connection, make_tenant

pytestmark = pytest.mark.django_db

ONE, OTHER = (f"{'A' * 42}{last}=" for last in "AE")  # keys of 32 bytes


@pytest.fixture
def cause() -> Event:
    return arrive(make_connection(make_tenant(), api_key=""), 1)


@pytest.fixture
def anna(cause: Event) -> Customer:
    """Has three records."""
    customer = read(cause, {}, 1).customer
    decide(customer, [entry(), withdrawn(), entry(name="sms")], cause)
    return customer


def checked(*arguments: str, **options: Any) -> str:
    """What the check says: an error's words come last."""
    told = StringIO()
    try:
        call_command("check_consents", *arguments, stdout=told, stderr=told, **options)
    except CommandError as error:
        return f"{told.getvalue()}{error}"
    return told.getvalue()


def change(number: int, **columns: Any) -> None:
    """As somebody does who writes to the database itself."""
    assert ConsentRecord._base_manager.filter(number=number).update(**columns)


def cut(*numbers: int) -> None:
    assert ConsentRecord._base_manager.filter(number__in=numbers).delete()[0] == len(numbers)


def head_line() -> str:
    head = ConsentHead.objects.get()
    return f"verdi:{head.number}:{head.hash}"


def put_back(head: ConsentHead) -> None:
    """The head as it was once, seal and all."""
    ConsentHead.objects.update(number=head.number, hash=head.hash, seal=head.seal)


def test_a_chain_in_order_is_told_with_its_end(anna: Customer) -> None:
    make_tenant("empty")
    assert checked() == f"empty: nothing recorded\n{head_line()}\n  in order, 0 without contents\n"


@pytest.mark.parametrize("columns", [
    {"kind": "withdrawn"}, {"name": "other"}, {"source": "portal"}, {"recorded_at": timezone.now()},
    {"content_hash": "0" * 64, "contents_text": "", "emptied_at": timezone.now()},
])  # fmt: skip
def test_a_changed_record_is_found(anna: Customer, columns: dict[str, Any]) -> None:
    change(1, **columns)
    assert checked() == "verdi: Record 1 was changed.\nNot in order: verdi"


def test_changed_contents_are_found(anna: Customer) -> None:
    text = ConsentRecord.objects.get(number=2).contents_text
    change(2, contents_text=text.replace("Anna", "Bert"))
    assert "The contents of record 2 were changed." in checked()


def test_contents_that_somebody_else_took_are_found(anna: Customer) -> None:
    change(2, contents_text="")
    assert "The contents of record 2 are gone, and the portal did not remove them." in checked()


def test_a_record_that_was_changed_with_its_own_fingerprint_breaks_the_next_link(anna: Customer) -> None:
    record = ConsentRecord.objects.get(number=2)
    record.name = "other"
    change(2, name="other", hash=chain.link_hash(record))
    assert "Record 3 does not stand behind record 2." in checked()


@pytest.mark.parametrize("number", [1, 2])
def test_a_record_that_was_taken_out_is_missing(anna: Customer, number: int) -> None:
    cut(number)
    assert f"Record {number} is missing." in checked()


def test_a_cut_end_is_found_by_the_head(anna: Customer) -> None:
    cut(3)
    assert "Record 3 is missing." in checked()


def test_what_was_added_behind_the_head_is_found(anna: Customer) -> None:
    record = ConsentRecord.objects.get(number=3)
    record.pk, record.number, record._state.adding = None, 4, True
    record.save()
    assert "Record 4 stands behind the head, which knows 3 only." in checked()


def test_a_head_that_was_written_to_fit_a_cut_end_has_no_seal(anna: Customer) -> None:
    cut(3)
    ConsentHead.objects.update(number=2, hash=ConsentRecord.objects.get(number=2).hash)
    assert "The head at record 2 was not written by this portal" in checked()


def test_a_broken_seal_stays_broken_when_the_chain_grows(anna: Customer, cause: Event) -> None:
    cut(3)
    ConsentHead.objects.update(number=2, hash=ConsentRecord.objects.get(number=2).hash)
    decide(anna, [entry()], cause)
    assert "The head at record 3 was not written by this portal" in checked()


def test_somebody_who_knows_why_seals_it_anew(anna: Customer) -> None:
    ConsentHead.objects.update(seal="")
    assert "was not written by this portal" in checked()
    assert "in order" in checked("verdi", seal=True)
    assert "in order" in checked()


def test_sealing_names_its_tenants(anna: Customer) -> None:
    assert checked(seal=True) == "Name the tenants whose heads are to be sealed anew."


def test_a_lost_head_is_told_and_does_not_stop_consents(anna: Customer, cause: Event) -> None:
    ConsentHead.objects.all().delete()
    assert "The head is gone." in checked()
    decide(anna, [entry()], cause)
    assert ConsentRecord.objects.get(number=4).previous == ConsentRecord.objects.get(number=3).hash
    assert "The head at record 4 was not written by this portal" in checked()


def test_a_cut_end_with_the_head_of_then_is_found_by_the_line_that_was_kept(anna: Customer, cause: Event) -> None:
    earlier = ConsentHead.objects.get()
    decide(anna, [entry(), withdrawn()], cause)
    kept = head_line()
    assert "in order" in checked(head=[kept])
    cut(4, 5)
    put_back(earlier)
    assert "in order" in checked()
    assert "Records 4 to 5 are missing at the end: the head that you kept knew them." in checked(head=[kept])


def test_a_cut_end_with_the_head_of_then_is_found_by_what_was_noted_that_day(anna: Customer, cause: Event) -> None:
    earlier = ConsentHead.objects.get()
    decide(anna, [entry()], cause)
    anchors.note([cause.tenant_id])
    cut(4)
    put_back(earlier)
    event = Event.objects.get(kind=anchors.ANCHORED)
    assert f"Records 4 to 4 are missing at the end: event {event.pk} of" in checked()
    decide(anna, [withdrawn()], cause)
    assert f"Record 4 is another one than event {event.pk} of" in checked()


def test_each_day_the_end_is_noted_once_it_moved(
    anna: Customer, cause: Event, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="portal.consents")
    make_tenant("empty")
    for _ in range(2):
        anchors.note([cause.tenant_id])
    assert caplog.messages == [f"consents={head_line()}"] * 2
    event = Event.objects.get(kind=anchors.ANCHORED)
    assert event.payload == {"number": 3, "hash": ConsentHead.objects.get().hash}
    assert (event.status, event.outcome) == ("done", "The proof of consents ends with record 3.")
    decide(anna, [entry()], cause)
    anchors.note([cause.tenant_id])
    assert Event.objects.filter(kind=anchors.ANCHORED).count() == 2


@pytest.mark.parametrize(("line", "said"), [
    ("verdi:3", "verdi:3 is not of the form tenant:number:fingerprint."),
    (f"nobody:3:{'0' * 64}", "There is no tenant nobody."),
])  # fmt: skip
def test_a_kept_line_that_says_nothing_is_refused(anna: Customer, line: str, said: str) -> None:
    assert checked(head=[line]) == said


def test_one_tenants_chain_says_nothing_of_anothers(anna: Customer) -> None:
    theirs = arrive(make_connection(make_tenant("theirs")), 1)
    decide(read(theirs, {}, 1).customer, [entry()], theirs)
    change_theirs = ConsentRecord._base_manager.filter(tenant__slug="theirs")
    assert change_theirs.get().number == 1
    change_theirs.update(name="other")
    assert "theirs: Record 1 was changed." in checked()
    assert "verdi:3:" in checked("verdi")


def test_the_seal_goes_over_to_a_new_key(anna: Customer) -> None:
    with override_settings(ENCRYPTION_KEYS=[ONE]):
        call_command("check_consents", "verdi", seal=True, stdout=StringIO())
    with override_settings(ENCRYPTION_KEYS=[OTHER, ONE]):
        assert "in order" in checked()
        assert "Seals of consents: 1 to rotate" in rotate(dry_run=True)
        assert "Seals of consents: 1 rotated" in rotate()
    with override_settings(ENCRYPTION_KEYS=[OTHER]):
        assert "in order" in checked()
    with override_settings(ENCRYPTION_KEYS=[ONE]):
        assert "with a key that is not in ENCRYPTION_KEYS" in checked()


def test_rotation_does_not_make_a_broken_seal_good(anna: Customer) -> None:
    ConsentHead.objects.update(number=2)
    with override_settings(ENCRYPTION_KEYS=[ONE]), pytest.raises(CommandError, match="check_consents says whose"):
        rotate()
    assert "Record 3 stands behind the head, which knows 2 only." in checked()


def rotate(**options: Any) -> str:
    told = StringIO()
    call_command("rotate_secrets", stdout=told, **options)
    return told.getvalue()


def test_erasing_a_person_leaves_the_chain_whole(anna: Customer, cause: Event) -> None:
    bert = read(cause, {}, 2, name="2").customer
    decide(bert, [entry(details={"who": "Bert"})], cause)
    assert "The contents of 3 consent records" in erasing.preview(anna)
    assert erasing.erase(anna, cause) == "3 consent records without contents."
    assert ConsentRecord.objects.filter(customer=anna, contents_text="", emptied_at__isnull=False).count() == 3
    assert [each.contents["who"] for each in ConsentRecord.objects.filter(customer=bert)] == ["Bert"]
    assert "in order, 3 without contents" in checked()
    assert erasing.erase(anna, cause) == erasing.preview(anna) == ""


def age(number: int, days: int) -> None:
    change(number, recorded_at=timezone.now() - timedelta(days=days))


def test_only_what_was_replaced_long_ago_loses_its_contents(anna: Customer, settings: Any) -> None:
    for number in (1, 2, 3):
        age(number, 500)
    prune()
    assert ConsentRecord.objects.exclude(contents_text="").count() == 3  # kept for good, unless it is set
    settings.RETENTION_CONSENTS_DAYS = 365
    prune()
    assert list(ConsentRecord.objects.filter(contents_text="").values_list("number", flat=True)) == [1]


def test_what_was_replaced_lately_keeps_its_contents(anna: Customer, settings: Any) -> None:
    age(1, 500)
    settings.RETENTION_CONSENTS_DAYS = 365
    prune()
    assert not ConsentRecord.objects.filter(contents_text="").exists()


def prune() -> None:
    call_command("prune", yes=True, names=["consents"], stdout=StringIO())


def test_many_workers_that_add_at_once_make_one_chain(own_database: str, tmp_path: Path) -> None:
    ended = run_apart("tests.portal.consents_race", "main()", url=own_database, folder=tmp_path, timeout=90)
    assert json.loads(ended.stdout) == {"records": 4 * 25 * 2, "exits": [0] * 4, "problem": ""}
