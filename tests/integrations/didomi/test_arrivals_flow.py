"""From Didomi's stand-in over real sockets: a token from the tenant's own address, the webhook, an Event, the hub."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from pytest_django.live_server_helper import LiveServer

from integrations.didomi.sandbox import DidomiSandbox
from portal.models import ApiKey, Attempt, Event
from tests.integrations.didomi.arrivals_world import ANNA, Organisation, make_organisation_that_speaks, run_due
from tests.integrations.didomi.didomi_world import KEY, SECRET

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def speaker(didomi: DidomiSandbox, live_server: LiveServer, settings: Any) -> Organisation:
    """A tenant whose webhook stands in the sandbox, as an owner enters it."""
    settings.PUBLIC_URL = live_server.url
    settings.SANDBOX = True
    one = make_organisation_that_speaks(host=didomi.url, api_key=KEY, api_secret=SECRET)
    base = f"{live_server.url}/api/verdi"
    didomi.switch(time_factor=0.001)
    didomi.webhook_to(
        f"{base}/webhooks/listeners/didomi/events", token_url=f"{base}/oauth/token",
        client_id=f"awp_{one.key.prefix}", client_secret=one.secret,
    )  # fmt: skip
    return one


def say(didomi: DidomiSandbox, **more: Any) -> dict[str, Any]:
    event: dict[str, Any] = didomi.say(ANNA, **more)
    didomi.drain()
    return event


def run_all() -> None:
    while run_due("didomi.event", "didomi.reading"):
        pass


@pytest.mark.parametrize("flatten", ["", "index", "id"])
def test_a_choice_in_didomi_comes_in_with_a_token_and_is_understood(
    didomi: DidomiSandbox, speaker: Organisation, flatten: str
) -> None:
    didomi.switch(flatten=flatten)
    said = say(didomi, purposes={"newsletter": True}, channels={"email": False})
    arrived = Event.objects.get(payload__type="event.created")
    assert arrived.source_id.startswith(f"event.created:{said['id']}:")
    assert arrived.subject == f"{speaker.connection.source}:profile:{ANNA}"
    run_all()
    ended = {event.payload["type"]: event for event in Event.objects.filter(kind="didomi.event")}
    assert (ended["event.created"].status, ended["user.created"].status) == ("done", "ignored")
    assert "No pairing of this connection is on" in ended["event.created"].outcome
    assert ApiKey.objects.get().last_used_at


def test_a_deleted_event_leads_to_a_reading_of_what_is_left(didomi: DidomiSandbox, speaker: Organisation) -> None:
    say(didomi, purposes={"newsletter": True})
    gone = say(didomi, purposes={"newsletter": False})
    answer = requests.post(
        f"{didomi.url}/v1/sessions", json={"type": "api-key", "key": KEY, "secret": SECRET}, timeout=5
    )
    removed = requests.delete(
        f"{didomi.url}/v1/consents/events/{gone['id']}",
        params={"organization_id": speaker.connection.organization_id, "organization_user_id": ANNA},
        headers={"Authorization": f"Bearer {answer.json()['access_token']}"}, timeout=5,
    )  # fmt: skip
    assert removed.status_code == 204
    didomi.drain()
    run_all()
    read = Event.objects.get(kind="didomi.reading")
    assert (read.status, "Read from Didomi." in read.outcome) == ("done", True), read.outcome
    assert Attempt.objects.filter(event=read, status=200).exists()


def test_a_revoked_client_gets_no_token_and_its_news_is_kept_by_didomi(
    didomi: DidomiSandbox, speaker: Organisation
) -> None:
    ApiKey.objects.update(revoked_at="2026-01-01T00:00:00Z")
    say(didomi, purposes={"newsletter": True})
    assert not Event.objects.exists()
