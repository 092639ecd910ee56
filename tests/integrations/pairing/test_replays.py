"""What a consent platform tells again, or of long ago, undoes nothing that was decided later."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.pairing import hub
from integrations.pairing.models import ConsentMapping, ConsentReview, PairedPerson, Pairing
from integrations.pairing.standing import Seen, Standing
from portal.models import Customer, Event, Tenant
from tests.integrations.pairing.pairing_world import CONSENTS, NEWSLETTER, PROFILES, START, cause, paired, said, stands

pytestmark = pytest.mark.django_db
Policy = ConsentMapping.Policy
MINUTE = timedelta(minutes=1)


def knows(pairing: Pairing, customer: Customer, side: str, state: bool) -> None:
    """The side is written with what stands."""
    pairing = Pairing.objects.prefetch_related("mappings").get(pk=pairing.pk)
    hub.wrote(pairing, customer, side, cause(pairing.tenant), states={}, written={NEWSLETTER: state})


@pytest.mark.parametrize("both_ways", [True, False])
@pytest.mark.parametrize(("policy", "first"), [
    (Policy.NEWEST, True), (Policy.NEWEST, False), (Policy.CONSENTS, True), (Policy.CONSENTS, False),
    (Policy.RESTRICTIVE, False), (Policy.HOLD, True),
])  # fmt: skip
def test_a_consent_event_that_comes_again_does_not_undo_a_later_decision_in_the_other_system(
    brand: Tenant, anna: Customer, policy: str, first: bool, both_ways: bool
) -> None:
    pairing = paired(brand, policy, enable_webhooks=both_ways)
    hub.told(CONSENTS, said(first, START), cause(brand))
    knows(pairing, anna, PROFILES, first)
    hub.seen(PROFILES, anna, {NEWSLETTER: not first}, cause(brand), at=None, decides=True)
    assert stands(pairing, anna) is (not first)
    hub.told(CONSENTS, said(first, START), cause(brand))
    assert stands(pairing, anna) is (not first)
    assert not PairedPerson.objects.get().standing(NEWSLETTER).held


def test_an_event_that_comes_again_takes_no_part_in_a_question_that_is_open(brand: Tenant, anna: Customer) -> None:
    pairing = paired(brand, Policy.HOLD)
    hub.told(CONSENTS, said(True, START), cause(brand))
    hub.told(CONSENTS, said(False, START + MINUTE), cause(brand))
    hub.seen(PROFILES, anna, {NEWSLETTER: True}, cause(brand), at=START, decides=True)
    (before,) = ConsentReview.objects.values_list("claims", flat=True)
    hub.told(CONSENTS, said(True, START), cause(brand))
    assert ConsentReview.objects.get().claims == before
    assert stands(pairing, anna) is False


@pytest.mark.parametrize(("late", "ends"), [(True, False), (False, False)])
def test_a_yes_from_before_both_systems_were_compared_does_not_undo_the_no_that_was_found(
    brand: Tenant, anna: Customer, late: bool, ends: bool
) -> None:
    pairing, now = paired(brand), timezone.now()
    held = PairedPerson(pairing=pairing, customer=anna)
    held.keep(NEWSLETTER, Standing(False, None, CONSENTS, {CONSENTS: Seen(False, now)}))
    held.save()
    hub.told(CONSENTS, said(late, now - 10 * MINUTE), cause(brand))
    assert stands(pairing, anna) is ends
    hub.told(CONSENTS, said(True, now - MINUTE), cause(brand))
    assert stands(pairing, anna) is True  # clocks differ


@pytest.mark.parametrize("both_ways", [True, False])
def test_what_is_read_after_a_deletion_does_not_undo_what_was_decided_in_the_other_system(
    brand: Tenant, anna: Customer, both_ways: bool
) -> None:
    pairing = paired(brand, enable_webhooks=both_ways)
    hub.told(CONSENTS, said(True, START), cause(brand))
    knows(pairing, anna, PROFILES, True)
    hub.seen(PROFILES, anna, {NEWSLETTER: False}, cause(brand), at=None, decides=True)
    hub.told(CONSENTS, said(True, timezone.now(), was_read=True), cause(brand))
    assert stands(pairing, anna) is False


def test_what_is_read_after_a_deletion_takes_back_what_the_deleted_event_said(brand: Tenant, anna: Customer) -> None:
    pairing = paired(brand)
    hub.told(CONSENTS, said(False, START), cause(brand))
    hub.told(CONSENTS, said(True, START + MINUTE), cause(brand))
    knows(pairing, anna, PROFILES, True)
    hub.told(CONSENTS, said(False, timezone.now(), was_read=True), cause(brand))
    assert stands(pairing, anna) is False
    hub.told(CONSENTS, said(True, START + 2 * MINUTE), cause(brand))
    assert stands(pairing, anna) is False  # of before the reading


def test_a_reading_of_somebody_unknown_looks_for_nobody(brand: Tenant) -> None:
    paired(brand)
    outcome = hub.told(CONSENTS, said(True, START, key="nobody", was_read=True), cause(brand))
    assert outcome == "The portal does not know nobody, so nothing follows."
    assert not Event.objects.filter(kind__startswith="profile.wanted").exists()
