"""What waits for an answer: found on Home and on the customer's page, decided once, and carried out."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations.pairing import hub
from integrations.pairing.models import ConsentReview, PairedPerson, Pairing
from portal import erasure, ledger
from portal.models import ConsentRecord, Customer, Event, Tenant
from portal.sentences import say
from portal.tenancy import Role
from tests import factories as make
from tests.integrations.pairing.admin.test_pairings import SUBMIT, content, person
from tests.integrations.pairing.sides import LATER
from tests.portal.admin_world import action, url

pytestmark = pytest.mark.django_db


@pytest.fixture
def marketer(brand: Tenant) -> Client:
    return person(brand, Role.MARKETER)


def asked(pairing: Pairing, anna: Customer, **values: Any) -> ConsentReview:
    claims = [
        {"name": "promotions", "side": pairing.consents, "state": True, "at": LATER.isoformat()},
        {"name": "promotions", "side": pairing.profiles, "state": False, "at": None},
    ]  # fmt: skip
    wanted = {"name": "promotions", "claims": claims, **values}
    made: ConsentReview = make.ConsentReviewFactory.make(pairing=pairing, customer=anna, **wanted)
    return made


def run_answers() -> list[Event]:
    events = [event for event in ledger.claim(8, "tests") if event.kind == "consents.answer"]
    for event in events:
        ledger.run(event)
    return list(Event.objects.filter(pk__in=[event.pk for event in events]))


def test_the_page_says_what_each_system_says_and_when(pairing: Pairing, anna: Customer, marketer: Client) -> None:
    review = asked(pairing, anna)
    page = content(marketer.get(url(ConsentReview, "change", review.pk)))
    assert "3 Feb 2026" in page
    assert "time unknown" in page
    assert "Promotions" in page
    dialog = content(marketer.get(action(ConsentReview, review.pk, "decide")))
    assert "says so, since 3 Feb 2026" in dialog
    assert "says so, time unknown" in dialog


def test_an_answer_stands_and_is_proven_with_the_name_of_who_gave_it(
    pairing: Pairing, anna: Customer, marketer: Client
) -> None:
    Pairing.objects.update(phase=Pairing.Phase.ON)
    review = asked(pairing, anna)
    chosen = {**SUBMIT, "consent__promotions": "no"}
    marketer.post(action(ConsentReview, review.pk, "decide"), chosen)
    assert "being carried out" in content(marketer.get(url(ConsentReview, "change", review.pk)))
    marketer.post(action(ConsentReview, review.pk, "decide"), {**SUBMIT, "consent__promotions": "yes"})
    assert [event.status for event in run_answers()] == ["done"]
    review.refresh_from_db()
    assert (review.answer, bool(review.answered_by)) == ({"promotions": False}, True)
    assert Customer.objects.get(pk=anna.pk).values["promotions"] is False
    record = ConsentRecord.objects.get()
    assert (record.name, record.kind) == ("promotions", "withdrawn")
    page = content(marketer.get(url(ConsentReview, "change", review.pk)))
    assert review.answered_by in page
    assert action(ConsentReview, review.pk, "decide") not in page


def test_every_consent_must_be_decided(pairing: Pairing, anna: Customer, marketer: Client) -> None:
    review = asked(pairing, anna)
    answer = content(marketer.post(action(ConsentReview, review.pk, "decide"), SUBMIT))
    assert "This field is required." in answer
    assert not Event.objects.filter(kind="consents.answer").exists()


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.AUDITOR])
def test_others_read_it_and_decide_nothing(pairing: Pairing, anna: Customer, role: Role) -> None:
    review = asked(pairing, anna)
    client = person(pairing.tenant, role)
    assert client.get(url(ConsentReview, "change", review.pk)).status_code == 200
    answer = client.post(action(ConsentReview, review.pk, "decide"), {**SUBMIT, "consent__promotions": "yes"})
    assert answer.status_code == 403
    assert not Event.objects.filter(kind="consents.answer").exists()


def test_a_person_deleted_in_didomi_is_kept_or_erased_on_their_page(
    pairing: Pairing, anna: Customer, marketer: Client
) -> None:
    review = asked(pairing, anna, reason="deleted", name="", claims=[])
    page = content(marketer.get(url(ConsentReview, "change", review.pk)))
    assert "Keep as it is" in page
    assert action(ConsentReview, review.pk, "decide") not in page
    assert url(Customer, "change", anna.pk) in page
    marketer.post(action(ConsentReview, review.pk, "keep"), SUBMIT)
    run_answers()
    review.refresh_from_db()
    assert (review.answer, Customer.objects.get(pk=anna.pk).values) == ({}, anna.values)


def test_the_list_begins_with_open_ones_and_answers_questions(
    pairing: Pairing, anna: Customer, marketer: Client, brand: Tenant
) -> None:
    asked(pairing, anna)
    bram = make.CustomerFactory.make(tenant=brand, key="bram@example.com")
    asked(pairing, bram, answered_at=LATER, answered_by="eva", answer={"promotions": True})
    carl = make.CustomerFactory.make(tenant=brand, key="carl@example.com")
    asked(pairing, carl, reason="flips", name="")

    def names(query: str) -> list[str]:
        page = content(marketer.get(url(ConsentReview, "changelist") + query))
        return [each for each in ("anna@", "bram@", "carl@") if each in page]

    assert names("") == ["anna@", "carl@"]
    assert names("?answer=answered") == ["bram@"]
    assert names("?answer=all") == ["anna@", "bram@", "carl@"]
    assert names("?reason=flips") == ["carl@"]


def test_home_says_how_many_wait_and_the_customer_page_who_is_paused(
    pairing: Pairing, anna: Customer, marketer: Client
) -> None:
    assert "waits for an answer" not in content(marketer.get(reverse("admin:index")))
    review = asked(pairing, anna, reason="flips", name="")
    make.PairedPersonFactory.make(pairing=pairing, customer=anna, paused_at=LATER)
    home = content(marketer.get(reverse("admin:index")))
    assert "1 consent waits for an answer" in home
    assert url(ConsentReview, "changelist") in home
    page = content(marketer.get(url(Customer, "change", anna.pk)))
    assert "wait in “Main”, for they went to and fro" in page
    assert url(ConsentReview, "change", review.pk) in page


def test_an_erased_customer_leaves_nothing_between_the_systems(pairing: Pairing, anna: Customer) -> None:
    asked(pairing, anna)
    make.PairedPersonFactory.make(pairing=pairing, customer=anna)
    erasure.erase(anna, make.UserFactory.make())
    for event in ledger.claim(8, "tests"):
        ledger.run(event)
    assert not PairedPerson.objects.exists()
    assert not ConsentReview.objects.exists()


def test_who_flips_to_and_fro_is_asked_about_and_goes_on_after_the_answer(
    pairing: Pairing, anna: Customer, marketer: Client
) -> None:
    review = asked(pairing, anna, reason="flips", name="")
    held = make.PairedPersonFactory.make(pairing=pairing, customer=anna, paused_at=LATER)
    marketer.post(action(ConsentReview, review.pk, "decide"), {**SUBMIT, "consent__promotions": "yes"})
    run_answers()
    held.refresh_from_db()
    assert (held.paused_at, held.standing("promotions").state) == (None, True)
    cause = ledger.news("test", tenant_id=pairing.tenant_id, subject="x", result=ledger.done(say("Read.")))
    assert hub.deleted(pairing.consents, "nobody@example.com", cause)
