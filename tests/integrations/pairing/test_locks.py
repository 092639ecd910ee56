"""Workers that are about one person at once wait for each other, and never for good."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, transaction

from integrations.pairing import hub, reviews
from integrations.pairing.answering import _answer
from integrations.pairing.models import ConsentReview, Pairing
from portal.consents.heads import locked_head
from portal.models import Customer, Event, Tenant
from tests import factories as make
from tests.databases import ON_SQLITE
from tests.integrations.pairing import pairing_world
from tests.integrations.pairing.pairing_world import CONSENTS, KEY, START, PlayedSide, cause, paired, said

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(ON_SQLITE, reason="SQLite has one writer at a time"),
]


class Elsewhere:
    """A transaction of another worker, which runs until it has to wait."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.work, self.errors = work, list[Exception]()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            with transaction.atomic():
                self.work()
        except Exception as error:
            self.errors.append(error)
        finally:
            connection.close()


@contextmanager
def running_against(customer: Customer, work: Callable[[], object]) -> Iterator[None]:
    """The customer is locked here, and somebody else's work waits for that."""
    with transaction.atomic():
        Customer.objects.select_for_update().get(pk=customer.pk)
        other = Elsewhere(work)
        _until_waiting()
        yield
    other.thread.join(20)
    assert (other.thread.is_alive(), other.errors) == (False, [])


def _until_waiting() -> None:
    for _ in range(200):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                           "AND wait_event_type = 'Lock'")  # fmt: skip
            if cursor.fetchone()[0]:
                return
        time.sleep(0.02)
    raise AssertionError("Nobody waits.")


def asked(pairing: Pairing, customer: Customer) -> None:
    with transaction.atomic():
        reviews.ask_deleted(pairing, customer, cause(pairing.tenant))


def test_an_answer_locks_the_customer_before_the_question(brand: Tenant, anna: Customer) -> None:
    pairing = paired(brand)
    asked(pairing, anna)
    review = ConsentReview.objects.get()
    reviews.ask_answer(review, {}, "anna")
    event = Event.objects.get(kind=reviews.CONSENTS_ANSWER)
    with running_against(anna, lambda: _answer(event)):
        ConsentReview.objects.select_for_update(nowait=True).get()
    assert ConsentReview.objects.get().answered_by == "anna"


def test_of_a_deleted_person_the_customer_is_locked_before_anything_is_asked(brand: Tenant, anna: Customer) -> None:
    pairing = paired(brand)
    asked(pairing, anna)
    event = cause(brand)
    with running_against(anna, lambda: hub.deleted(CONSENTS, KEY, event)):
        ConsentReview.objects.select_for_update(nowait=True).get()


def test_with_two_pairings_all_customers_are_locked_before_the_proof(
    brand: Tenant, anna: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    paired(brand)
    paired(brand, name="Webshop", profiles="system:3")
    other = make.CustomerFactory.make(tenant=brand, key="anna of the shop")
    whom = {pairing_world.PROFILES: anna, "system:3": other}
    monkeypatch.setattr(PlayedSide, "find", lambda self, source, key: whom[source])
    event = cause(brand)
    with running_against(other, lambda: hub.told(CONSENTS, said(True, START), event)):
        locked_head(brand.pk)
