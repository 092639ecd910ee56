"""An event that somebody pastes beside a mapping tells what a webhook with it would tell."""

from __future__ import annotations

import json
from typing import Any

import pytest

from integrations.didomi.models import DidomiConnection
from integrations.pairing.registry import Told, consent_side_of
from portal.models import Event
from portal.sentences import Sentence
from tests.integrations.didomi.arrivals_world import ORGANISATION, make_organisation_that_speaks, payload
from tests.integrations.didomi.didomi_world import make_didomi

pytestmark = pytest.mark.django_db


@pytest.fixture
def didomi() -> DidomiConnection:
    return make_didomi("https://api.didomi.io")


def sample(didomi: DidomiConnection, given: Any) -> Told | Sentence:
    text = given if isinstance(given, str) else json.dumps(given)
    return consent_side_of(didomi.source).sample(didomi.source, text)


def test_a_whole_webhook_and_its_event_alone_say_the_same(didomi: DidomiConnection) -> None:
    event = {**payload("event_whole"), "organization_id": ORGANISATION}
    webhook = {"type": "event.updated", "parameters": {"new_entity": event}, "regulation": "gdpr"}
    found, alone = sample(didomi, webhook), sample(didomi, event)
    assert isinstance(found, Told)
    assert isinstance(alone, Told)
    assert found.key
    assert found.leaves == alone.leaves != {}


@pytest.mark.parametrize("case", ["event_flattened_by_id", "event_flattened_by_number"])
def test_a_flattened_one_is_taken_too(didomi: DidomiConnection, case: str) -> None:
    found = sample(didomi, payload(case))
    assert isinstance(found, Told)
    assert found.leaves


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("{", "This is not valid JSON."),
        ("[" * 100_000, "This is not valid JSON."),
        ("[]", "Paste one event: a JSON object."),
        (payload("event_pending_approval"), "It waits for its approval in Didomi."),
        (payload("event_of_nobody"), "It names nobody"),
        (payload("event_of_another_regulation"), "which the connection does not take."),
        (payload("user_deleted"), "It tells no consents."),
    ],
    ids=["broken", "deep", "list", "pending", "nobody", "regulation", "user"],
)
def test_what_tells_nothing_says_why(didomi: DidomiConnection, given: Any, said: str) -> None:
    assert said in str(sample(didomi, given))


def test_a_connection_that_was_deleted_has_no_sample(didomi: DidomiConnection) -> None:
    source = didomi.source
    didomi.delete()
    assert "deleted" in str(consent_side_of(source).sample(source, "{}"))


def test_the_last_events_are_told_without_what_tells_them_again() -> None:
    speaker = make_organisation_that_speaks()
    for case in ("event_whole", "user_updated"):
        body = payload(case)
        speaker.post(body if "type" in body else {"type": "event.created", "parameters": {"entity": body}})
    source = speaker.connection.source
    (found,) = consent_side_of(source).received(speaker.tenant.pk, source, 1)
    assert Event.objects.count() == 2
    assert found.event_id == Event.objects.earliest("pk").pk
