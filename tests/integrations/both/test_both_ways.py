"""What somebody says in one system is so in the other within moments, and can be told why."""

from __future__ import annotations

import pytest
from django.db.models import Q

from portal import ledger
from portal.models import ConsentRecord, Customer, Event
from portal.sandbox import Fault, Sandbox
from tests.integrations.both.both_world import ANNA, NEWSLETTER, Both

pytestmark = pytest.mark.django_db(transaction=True)

BEN = "ben@example.com"


def second(number: int) -> str:
    """A time of decision: of the same one, the opt-out would win."""
    return f"2026-03-01T10:00:{number:02}.000Z"


def calls(sandbox: Sandbox, method: str, path: str) -> int:
    return sum(each["method"] == method and path in each["path"] for each in sandbox.requests)


def test_a_consent_in_didomi_becomes_a_subscription_in_actito(both: Both) -> None:
    both.didomi.say(ANNA, purposes={"newsletter": True})
    both.settle()
    assert both.in_actito() is True
    assert Customer.objects.get(key=ANNA).values[NEWSLETTER] is True
    assert both.outcome("actito.consents").outcome == "Subscribed in Actito: newsletter."
    told = ConsentRecord.objects.filter(customer__key=ANNA).order_by("number").values_list("kind", "source")
    assert list(told) == [("given", both.consents.source), ("confirmed", both.profiles.source)]


def test_what_comes_back_of_our_own_writing_ends_there(both: Both) -> None:
    both.didomi.say(ANNA, purposes={"newsletter": True})
    both.settle()
    events = calls(both.didomi, "POST", "/consents/events")
    writes = calls(both.actito, "PUT", "/profile/")
    both.settle()
    assert (calls(both.didomi, "POST", "/consents/events"), calls(both.actito, "PUT", "/profile/")) == (events, writes)
    assert (events, writes) == (0, 1)


def test_a_change_in_actito_becomes_one_event_in_didomi_with_only_what_changed(both: Both) -> None:
    both.didomi.say(ANNA, purposes={"newsletter": True, "promotions": True})
    both.settle()
    both.subscribe(False)
    both.settle()
    assert both.in_didomi() is False
    assert both.in_didomi(purpose="promotions") is True
    ours = [each for each in both.didomi.events if each.get("delegate")]
    assert len(ours) == 1
    assert [each["id"] for each in ours[0]["consents"]["purposes"]] == ["newsletter"]
    assert ours[0]["delegate"]["metadata"]["connection"] == str(both.consents.uid)
    assert both.in_actito() is False


def test_to_and_fro_comes_to_rest_with_the_last_word(both: Both) -> None:
    for wanted in (True, False, True):
        both.didomi.say(ANNA, purposes={"newsletter": wanted})
        both.settle()
        both.subscribe(not wanted)
        both.settle()
        assert (both.in_actito(), both.in_didomi()) == (not wanted, not wanted)


def test_absent_and_null_end_no_subscription(both: Both) -> None:
    both.didomi.say(ANNA, purposes={"newsletter": True})
    both.settle()
    both.didomi.say(ANNA, purposes={"newsletter": None})
    both.didomi.say(ANNA, purposes={"promotions": False})
    both.settle()
    assert both.in_actito() is True


def test_an_unknown_person_is_skipped_visibly(both: Both) -> None:
    both.didomi.say(BEN, purposes={"newsletter": True})
    both.settle()
    wanted = both.outcome("profile.wanted/actito")
    assert (wanted.status, wanted.outcome) == (
        Event.Status.IGNORED,
        "Skipped: Actito has no profile ben@example.com, and the pairing does not create people.",
    )
    assert len(both.profiles_in_actito()) == 1


def test_with_upsert_ten_events_of_somebody_new_create_one_profile(both: Both) -> None:
    both.pairing.upsert_mode = True
    both.pairing.save()
    for number in range(10):
        both.didomi.say(BEN, purposes={"newsletter": number % 2 == 1}, created_at=second(number))
    both.settle()
    assert [each["emailAddress"] for each in both.profiles_in_actito()] == [ANNA, BEN]
    assert both.in_actito(BEN) is True
    assert calls(both.actito, "POST", "/profile") == 1


def test_a_profile_whose_creation_was_not_heard_is_found_and_not_made_again(both: Both) -> None:
    both.pairing.upsert_mode = True
    both.pairing.save()
    both.actito.arm(Fault("drop", r"/profile\Z", method="POST"))
    both.didomi.say(BEN, purposes={"newsletter": True})
    both.settle()
    assert [each["emailAddress"] for each in both.profiles_in_actito()] == [ANNA, BEN]
    assert calls(both.actito, "POST", "/profile") == 1
    assert both.in_actito(BEN) is True


def test_a_new_person_without_what_actito_wants_is_skipped_by_name(both: Both) -> None:
    both.pairing.upsert_mode = True
    both.pairing.save()
    kept = both.profiles.structure
    for each in kept.parts["attributes"]:
        each["mandatory"] = each["name"] in {"lastName", "emailAddress"}
    kept.save()
    both.didomi.say(BEN, purposes={"newsletter": True})
    both.settle()
    assert both.outcome("profile.wanted/actito").outcome == (
        "Skipped: Actito wants “lastName” for a new profile, and Didomi did not tell it."
    )
    both.didomi.say(BEN, purposes={"newsletter": True}, metadata={"lastName": "Bos"})
    both.pairing.all_metadata = True
    both.pairing.save()
    both.settle()
    assert both.in_actito(BEN, "lastName") == "Bos"


def test_metadata_goes_to_the_attributes_that_are_there_and_the_rest_is_reported(both: Both) -> None:
    both.pairing.all_metadata = True
    both.pairing.save()
    both.didomi.say(ANNA, purposes={"newsletter": True}, metadata={"tier": "Gold", "shoe": 38, "nested": {"a": 1}})
    both.settle()
    both.didomi.say(ANNA, purposes={"newsletter": True}, metadata={"tier": "Silver"})
    both.settle()
    assert both.in_actito(subscription="tier") == "Silver"
    told = " ".join(Event.objects.filter(kind="attributes.told/actito").values_list("outcome", flat=True))
    assert "Not in Actito's table, so not sent: shoe." in told


def test_a_lost_answer_of_didomi_makes_one_event(both: Both) -> None:
    both.didomi.say(ANNA, purposes={"newsletter": True})
    both.settle()
    both.didomi.arm(Fault("drop", "/v1/consents/events", method="POST"))
    both.subscribe(False)
    both.settle()
    assert both.in_didomi() is False
    assert len([each for each in both.didomi.events if each.get("delegate")]) == 1


def test_a_deleted_event_is_read_again_and_a_deleted_user_changes_nothing(both: Both) -> None:
    both.didomi.say(ANNA, purposes={"newsletter": True})
    both.settle()
    made = both.didomi.say(ANNA, purposes={"newsletter": False})
    both.settle()
    assert both.in_actito() is False
    both.didomi.take_back(made["id"])
    both.settle()
    assert both.in_actito() is True


def test_many_events_of_one_person_at_once_end_with_the_last(both: Both) -> None:
    for number in range(30):
        both.didomi.say(ANNA, purposes={"newsletter": number % 2 == 0}, created_at=second(number))
    both.settle()
    assert both.in_actito() is False


def test_with_an_erasure_what_didomi_told_of_the_person_goes(both: Both) -> None:
    both.didomi.say(ANNA, purposes={"newsletter": True})
    both.settle()
    customer = Customer.objects.get(key=ANNA)
    assert Event.objects.filter(kind="didomi.event", payload__body__isnull=False).exists()
    ledger.record(
        tenant_id=both.tenant.pk, lane_id=ledger.lane_id_for(both.tenant.pk), kind="customer.erase",
        subject=f"customer:{customer.pk}", payload={"customer": customer.pk}, source="portal",
    )  # fmt: skip
    both.settle()
    told = Event.objects.filter(kind="didomi.event")
    assert {(str(each.payload), each.subject) for each in told} == {("{}", f"customer:{customer.pk}")}
    assert not Event.objects.filter(Q(payload__icontains=ANNA) | Q(subject__icontains=ANNA)).exists()
