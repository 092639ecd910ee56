"""The proof of consents: what is recorded, that it is only added to, and what it says of a person."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from portal.consents import append, chain
from portal.consents.heads import GENESIS, is_sealed
from portal.models import ConsentHead, ConsentRecord, Customer, Event
from portal.models.change import Unchangeable
from tests.portal.consents_world import ACTITO, DIDOMI, SAID_AT, decide, entry, read, withdrawn
from tests.world import arrive, make_connection, make_tenant

pytestmark = pytest.mark.django_db


@pytest.fixture
def cause() -> Event:
    return arrive(make_connection(make_tenant()), 1)


@pytest.fixture
def anna(cause: Event) -> Customer:
    return read(cause, {"newsletter": False, "points": 5}, 1).customer


def test_a_consent_becomes_a_value_and_a_record(cause: Event, anna: Customer) -> None:
    applied = decide(anna, [entry()], cause)
    assert applied.changed == {"newsletter": (False, True)}
    assert Customer.objects.get().values == {"newsletter": True, "points": 5}
    record = ConsentRecord.objects.get()
    assert (record.number, record.kind, record.name, record.source) == (1, "given", "newsletter", DIDOMI)
    told = record.contents
    assert (told["title"], told["who"], told["before"], told["after"]) == ("Newsletter", "Anna", False, True)
    assert (told["at"], told["event"]) == ("2026-02-03T10:12:00+00:00", cause.pk)


def test_the_vendors_own_number_of_an_event_does_not_hide_ours(cause: Event, anna: Customer) -> None:
    decide(anna, [entry(details={"event": "0b1c-77"})], cause)
    told = ConsentRecord.objects.get().contents
    assert (told["event"], told["vendor_event"]) == (cause.pk, "0b1c-77")


def test_each_record_stands_behind_the_one_before(cause: Event, anna: Customer) -> None:
    decide(anna, [entry(), entry("confirmed", source=ACTITO)], cause)
    decide(anna, [withdrawn()], cause)
    first, second, third = ConsentRecord.objects.order_by("number")
    assert [first.previous, second.previous, third.previous] == [GENESIS, first.hash, second.hash]
    head = ConsentHead.objects.get()
    assert (head.number, head.hash, is_sealed(head)) == (3, third.hash, True)


def test_two_records_of_the_same_contents_have_different_fingerprints_of_them(cause: Event, anna: Customer) -> None:
    decide(anna, [entry(), entry()], cause)
    first, second = ConsentRecord.objects.all()
    assert first.content_hash != second.content_hash


def test_what_is_hashed_is_read_back_as_it_was_whatever_its_numbers(cause: Event, anna: Customer) -> None:
    decide(anna, [entry(details={"who": "Änne \0 \ud800", "weight": 1e20, "list": [1.0, None]})], cause)
    record = ConsentRecord.objects.get()
    assert chain.sha256(record.contents_text) == record.content_hash
    assert chain.link_hash(record) == record.hash


@pytest.mark.parametrize("number", [1, 10_000_000])
def test_a_reading_of_the_state_before_does_not_undo_a_consent(
    cause: Event, anna: Customer, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.consents.entries._providers", [f"{__name__}.newsletter"])
    decide(anna, [entry()], cause)
    assert read(cause, {"newsletter": False, "points": 6}, number).changed == {"points": (5, 6)}
    assert Customer.objects.get().values["newsletter"] is True


def newsletter(tenant_id: int) -> list[str]:
    return ["newsletter"]


def test_a_consent_wins_over_a_reading_that_came_before_it_was_carried_out(cause: Event, anna: Customer) -> None:
    newer = cause.pk + 100
    read(cause, {"newsletter": False, "points": 5}, newer)
    decide(anna, [entry()], cause)
    assert Customer.objects.get().values["newsletter"] is True
    assert read(cause, {"newsletter": False, "points": 5}, newer - 1).changed == {}


def test_where_no_consents_decide_a_value_any_more_readings_fill_it_again(cause: Event, anna: Customer) -> None:
    decide(anna, [entry()], cause)
    assert read(cause, {"newsletter": False, "points": 5}, cause.pk + 1).changed == {"newsletter": (True, False)}


def test_only_given_and_withdrawn_ones_change_a_value(cause: Event, anna: Customer) -> None:
    decide(anna, [entry(kind) for kind in ("overruled", "held", "confirmed")], cause)
    assert Customer.objects.get().values["newsletter"] is False
    assert ConsentRecord.objects.count() == 3


def test_given_and_withdrawn_again_at_once_changes_nothing_but_is_recorded(cause: Event, anna: Customer) -> None:
    applied = decide(anna, [entry(), withdrawn()], cause)
    assert not applied.differs
    assert ConsentRecord.objects.count() == 2


def test_nothing_is_written_of_somebody_who_was_erased_meanwhile(cause: Event, anna: Customer) -> None:
    Customer.objects.update(erased_at=SAID_AT)
    assert not decide(anna, [entry()], cause).differs
    assert not ConsentRecord.objects.exists()


def test_a_customer_of_another_tenant_is_refused(cause: Event, anna: Customer) -> None:
    theirs = arrive(make_connection(make_tenant("theirs")), 1)
    with pytest.raises(ValueError, match="another tenant"), transaction.atomic():
        append(anna, [entry()], cause=theirs)


def test_a_kind_that_there_is_not_is_refused(cause: Event, anna: Customer) -> None:
    with pytest.raises(ValueError, match="perhaps"), transaction.atomic():
        append(anna, [entry("perhaps")], cause=cause)


def test_no_record_is_changed_or_removed(cause: Event, anna: Customer) -> None:
    decide(anna, [entry()], cause)
    record = ConsentRecord.objects.get()
    record.name = "other"
    records = ConsentRecord.objects.all()
    for attempt in (record.save, record.delete, records.delete, lambda: records.update(name="other"),
                    lambda: records.bulk_update([record], ["name"])):  # fmt: skip
        with pytest.raises(Unchangeable):
            attempt()
    assert ConsentRecord.objects.get().name == "newsletter"


def test_many_records_take_as_many_statements_as_one(cause: Event, anna: Customer) -> None:
    decide(anna, [entry()], cause)
    with CaptureQueriesContext(connection) as few:
        decide(anna, [entry()], cause)
    with CaptureQueriesContext(connection) as many:
        decide(anna, [entry() for _ in range(50)], cause)
    assert len(many) == len(few) == 7
