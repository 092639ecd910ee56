"""What becomes of a stored webhook: told to the hub, read again, asked about, or skipped in words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations.didomi import consents, reading
from integrations.didomi.answers import DidomiUser
from integrations.didomi.consents import received_of
from integrations.didomi.reading import status_of
from integrations.pairing.models import ConsentMapping, ConsentReview, PairedPerson, Pairing
from portal.models import Event, Identity
from tests.factories import CustomerFactory
from tests.integrations.didomi.arrivals_world import (
    ANNA,
    Organisation,
    make_organisation_that_speaks,
    payload,
    run_due,
)
from tests.world import make_connection

pytestmark = pytest.mark.django_db
Sent = Callable[[Any], Event]


@pytest.fixture
def speaker() -> Organisation:
    return make_organisation_that_speaks()


@pytest.fixture
def sent(speaker: Organisation) -> Sent:
    """Posts a body, or the payload of a case, and runs what it became."""

    def send(body: Any) -> Event:
        assert speaker.post(payload(body) if isinstance(body, str) else body).status_code == 200
        return run_due("didomi.event")[-1]

    return send


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the hub is told, which does all that it does."""
    heard: list[Any] = []
    real = consents.hub.told

    def hear(source: str, event: Any, cause: Event) -> Any:
        heard.append(event)
        return real(source, event, cause)

    monkeypatch.setattr(consents.hub, "told", hear)
    return heard


@pytest.fixture
def pairing(speaker: Organisation) -> Pairing:
    """Anna is known in Actito, and its newsletter follows the channel."""
    actito = make_connection(speaker.tenant)
    made: Pairing = Pairing.objects.create(tenant=speaker.tenant, name="Didomi – Actito", phase=Pairing.Phase.ON,
                                           consents=speaker.connection.source, profiles=actito.source)  # fmt: skip
    ConsentMapping.objects.create(pairing=made, target="Newsletter", path="consents_channels_email_enabled")
    anna = CustomerFactory.make(tenant=speaker.tenant, key=ANNA)
    Identity.objects.create(tenant=speaker.tenant, customer=anna, namespace=f"{actito.source}:key", value=ANNA)
    return made


def changed(case: str, **entity: Any) -> dict[str, Any]:
    body = payload(case)
    return {**body, "parameters": {"entity": {**body["parameters"]["entity"], **entity}}}


# Told


@pytest.mark.parametrize("case", ["event_created_as_documented", "event_flattened_by_number", "event_flattened_by_id"])
def test_a_consent_becomes_what_stands_about_the_person(sent: Sent, pairing: Pairing, case: str) -> None:
    event = sent(case)
    assert event.status == "done", event.outcome
    standing = PairedPerson.objects.get(pairing=pairing).standing("newsletter")
    assert (standing.state, standing.by, standing.at) == (
        True, pairing.consents, datetime(2026, 1, 31, 10, tzinfo=UTC),
    )  # fmt: skip


def test_the_newest_decision_wins_in_whatever_order_they_come(sent: Sent, pairing: Pairing) -> None:
    later = changed("event_created_as_documented", id="e-2", created_at="2026-01-31T11:00:00Z",
                    consents={"channels": [{"id": "email", "enabled": False}]})  # fmt: skip
    sent(later)
    sent("event_created_as_documented")
    assert PairedPerson.objects.get().standing("newsletter").state is False


def test_an_event_that_was_changed_afterwards_counts_from_then(sent: Sent, told: list[Any]) -> None:
    sent("event_updated_as_documented")
    assert told[0].at == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert told[0].leaves["consents_purposes_newsletter_values_frequency_weekly_enabled"] is False


def test_an_approval_is_when_a_waiting_event_begins_to_count(sent: Sent, told: list[Any]) -> None:
    assert sent("event_pending_approval").status == "ignored"
    waiting = payload("event_pending_approval")["parameters"]["entity"]
    approved = {**waiting, "status": "confirmed", "updated_at": "2026-02-01T09:00:00Z"}
    assert (
        sent({"type": "event.updated", "parameters": {"old_entity": waiting, "new_entity": approved}}).status == "done"
    )
    assert [each.at for each in told] == [datetime(2026, 2, 1, 9, tzinfo=UTC)]


def test_without_a_pairing_it_is_kept_and_said_so(sent: Sent) -> None:
    event = sent("event_created_as_documented")
    assert (event.status, "No pairing of this connection is on" in event.outcome) == ("done", True)


# When


def test_a_moment_that_is_yet_to_come_is_the_moment_of_receipt(sent: Sent, told: list[Any]) -> None:
    event = sent("event_from_the_future")
    assert told[0].at == event.created_at
    assert "dated 2999-01-01T00:00:00+00:00, which is yet to come" in event.outcome


def test_clocks_may_differ_by_five_minutes(sent: Sent, told: list[Any]) -> None:
    ahead = timezone.now() + timedelta(minutes=4)
    event = sent(changed("event_created_as_documented", created_at=ahead.isoformat()))
    assert told[0].at == ahead
    assert "yet to come" not in event.outcome


def test_an_event_that_does_not_say_when_is_of_when_it_came(sent: Sent, told: list[Any]) -> None:
    event = sent("event_without_a_time")
    assert told[0].at == event.created_at
    assert "does not say when" in event.outcome


# Skipped


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("event_pending_approval", "waits for its approval"),
        ("event_of_another_regulation", "under the regulation “cpra”"),
        ("event_of_another_organisation", "of the organisation “rivale-org”, and the connection is of “verdi-org”"),
        ("event_of_nobody", "no organization_user_id"),
        ("user_updated", "the same change as a consent event"),
        ("unknown_type", "does nothing with “notice.published”"),
        ("event_deleted_minimal", "does not say whose"),
    ],
)
def test_what_changes_nothing_is_ignored_in_words(
    sent: Sent, pairing: Pairing, told: list[Any], case: str, said: str
) -> None:
    event = sent(case)
    assert (event.status, said in event.outcome) == ("ignored", True), event.outcome
    assert not told
    assert not PairedPerson.objects.exists()


@pytest.mark.parametrize(
    "body", [{"type": "event.created"}, {"type": "event.updated", "parameters": {"new_entity": []}}]
)
def test_an_event_without_contents_is_ignored(sent: Sent, body: Any) -> None:
    event = sent(body)
    assert (event.status, event.outcome) == ("ignored", "Didomi sent no consent event with it.")


def test_a_status_that_is_not_confirmed_counts_for_nothing(sent: Sent, told: list[Any]) -> None:
    event = sent(changed("event_created_as_documented", status="rejected"))
    assert (event.status, "“rejected”" in event.outcome, told) == ("ignored", True, [])


def test_a_regulation_that_the_connection_takes_is_told(sent: Sent, speaker: Organisation, told: list[Any]) -> None:
    speaker.connection.regulations = ["gdpr", "cpra"]
    speaker.connection.save()
    assert sent("event_of_another_regulation").status == "done"
    assert told[0].proof["regulation"] == "cpra"


def test_a_connection_that_was_deleted_is_said(speaker: Organisation) -> None:
    speaker.post(payload("event_created_as_documented"))
    Event.objects.update(payload={**Event.objects.get().payload, "connection": 0})
    (event,) = run_due("didomi.event")
    assert (event.status, event.outcome) == ("ignored", "The Didomi connection that received this was deleted.")


# Deleted


def test_a_deleted_user_is_asked_about_and_nothing_is_withdrawn(sent: Sent, pairing: Pairing) -> None:
    sent("event_created_as_documented")
    event = sent("user_deleted")
    assert (event.status, "Nothing was changed or erased" in event.outcome) == ("done", True)
    assert ConsentReview.objects.get().reason == ConsentReview.Reason.DELETED
    assert PairedPerson.objects.get().standing("newsletter").state is True


def test_a_deleted_event_has_the_person_read_again(sent: Sent, speaker: Organisation) -> None:
    event = sent("event_deleted_with_user")
    wanted = Event.objects.get(kind="didomi.reading")
    assert (event.status, wanted.parent, wanted.lane_id) == ("done", event, speaker.connection.lane_id)
    assert wanted.subject == f"{speaker.connection.source}:profile:{ANNA}"
    assert wanted.payload == {"connection": speaker.connection.pk, "person": ANNA, "regulation": "gdpr"}


def test_whose_a_deleted_event_was_is_known_from_when_it_came(sent: Sent) -> None:
    sent("event_created_as_documented")
    sent("event_deleted_minimal")
    assert Event.objects.get(kind="didomi.reading").payload["person"] == ANNA


class Answering:
    """Didomi's client, which knows these users."""

    users_known: list[DidomiUser] = []
    asked: list[tuple[str, str]] = []

    def __init__(self, connection: Any, trail: Any) -> None:
        pass

    def users(self, person: str, *, regulation: str) -> list[DidomiUser]:
        self.asked.append((person, regulation))
        return self.users_known


def user(email: bool | None, updated: str, **metadata: Any) -> DidomiUser:
    held = {"channels": [{"id": "email", "enabled": email}]}
    return DidomiUser("u", ANNA, 1, datetime.fromisoformat(updated), metadata, held, "gdpr")


def test_what_didomi_holds_then_stands(sent: Sent, pairing: Pairing, monkeypatch: pytest.MonkeyPatch) -> None:
    sent("event_created_as_documented")
    monkeypatch.setattr(reading, "DidomiClient", Answering)
    monkeypatch.setattr(Answering, "users_known", [user(False, "2026-02-01T00:00:00+00:00")])
    sent("event_deleted_minimal")
    (event,) = run_due("didomi.reading")
    assert (event.status, Answering.asked[-1]) == ("done", (ANNA, "gdpr"))
    standing = PairedPerson.objects.get().standing("newsletter")
    assert (standing.state, standing.by) == (False, pairing.consents)
    assert standing.at is not None
    assert standing.at <= event.created_at


def test_a_person_whom_didomi_knows_no_longer_stays_as_they_are(
    sent: Sent, pairing: Pairing, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent("event_created_as_documented")
    monkeypatch.setattr(reading, "DidomiClient", Answering)
    sent("event_deleted_minimal")
    (event,) = run_due("didomi.reading")
    assert (event.status, "does not know this person" in event.outcome) == ("ignored", True)
    assert PairedPerson.objects.get().standing("newsletter").state is True


def test_of_several_devices_the_newest_that_says_something_counts() -> None:
    path, at = "consents_channels_email_enabled", timezone.now()
    old, new = user(True, "2026-01-01T00:00:00+00:00", a=1), user(False, "2026-02-01T00:00:00+00:00", a=2)
    silent = user(None, "2026-03-01T00:00:00+00:00")
    told = status_of([new, silent, old], ANNA, "gdpr", at)
    assert (told.leaves[path], told.metadata, told.at, told.key) == (False, {"a": 2}, at, ANNA)


# Samples and rehearsals


@pytest.mark.parametrize(
    ("case", "skipped"),
    [("event_created_as_documented", ""), ("event_of_nobody", "It names nobody: it has no organization_user_id."),
     ("event_deleted_minimal", "It tells no consents."), ("user_deleted", "It tells no consents.")],
)  # fmt: skip
def test_a_stored_webhook_can_be_looked_at_without_being_run(speaker: Organisation, case: str, skipped: str) -> None:
    speaker.post(payload(case))
    found = received_of(Event.objects.get(), speaker.connection)
    assert (found.skipped, found.told is None) == (skipped, bool(skipped))
    Event.objects.update(payload={"connection": speaker.connection.pk})
    assert received_of(Event.objects.get(), speaker.connection).told is None


def test_many_events_of_one_person_at_once_come_to_the_last_decision(speaker: Organisation, pairing: Pairing) -> None:
    began = datetime(2026, 1, 31, tzinfo=UTC)
    for number in range(40):
        at = (began + timedelta(seconds=number * 7 % 40)).isoformat()
        held = {"channels": [{"id": "email", "enabled": number * 7 % 40 != 39}]}
        body = changed("event_created_as_documented", id=f"e-{number}", created_at=at, updated_at=at, consents=held)
        assert speaker.post(body).status_code == 200
    while run_due("didomi.event"):
        pass
    assert not Event.objects.filter(kind="didomi.event").exclude(status="done").exists()
    standing = PairedPerson.objects.get().standing("newsletter")
    assert (standing.state, standing.at) == (False, began + timedelta(seconds=39))
