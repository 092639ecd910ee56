"""What the stand-in for Didomi tells reaches the portal, with the credentials and in the spellings that it may have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer

from integrations.didomi.payloads import envelope_of, told_of
from integrations.didomi.sandbox import ORGANIZATION, DidomiSandbox
from portal.models import Event
from tests.integrations.didomi.arrivals_world import Organisation, make_organisation_that_speaks
from tests.integrations.didomi.sandbox_kit import ANNA, Listener, payload, running

SPELLINGS = [(flatten, prefix) for flatten in ("index", "id") for prefix in ("", "entity", "parameters__entity")]


@pytest.fixture
def sandbox() -> Iterator[DidomiSandbox]:
    with running(DidomiSandbox()) as made:
        made.switch(time_factor=0.001)
        yield made


def told(sandbox: DidomiSandbox, listener: Listener) -> Any:
    """What the portal reads in the news of the whole event."""
    sandbox._create_event({**payload("event_whole"), "id": None}, ORGANIZATION, muted=False)
    sandbox.drain()
    envelope = envelope_of(next(body for body in listener.bodies()[::-1] if body["type"] == "event.created"))
    read = told_of(envelope.entity, envelope.regulation)
    proof = {name: value for name, value in read.proof.items() if name not in {"event", "proofs"}}
    leaves = {path: value for path, value in read.leaves.items() if path.startswith("consents")}
    return read.key, read.at, leaves, read.ambiguous, read.metadata, proof


@pytest.mark.parametrize(("flatten", "prefix"), SPELLINGS)
def test_flattened_news_says_what_nested_news_says(sandbox: DidomiSandbox, flatten: str, prefix: str) -> None:
    with running(Listener()) as listener:
        sandbox.webhook_to(f"{listener.url}/news")
        nested = told(sandbox, listener)
        sandbox.switch(flatten=flatten, flat_prefix=prefix)
        assert told(sandbox, listener) == nested
    assert nested[0] == ANNA
    assert nested[2]["consents_purposes_newsletter_enabled"] is True


def arrived(organisation: Organisation) -> list[str]:
    """The ids of the consent events that the portal took, in the order in which they came."""
    kinds = Event.objects.for_tenant(organisation.tenant).filter(source=organisation.connection.source).order_by("pk")
    bodies = [envelope_of(event.payload["body"]) for event in kinds]
    return [body.entity_id for body in bodies if body.type == "event.created"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("switches", [{}, {"token_basic": True}])
def test_a_choice_reaches_the_portal_with_a_token_of_its_own(
    sandbox: DidomiSandbox, live_server: LiveServer, switches: dict[str, Any]
) -> None:
    organisation = make_organisation_that_speaks(host=sandbox.url, organization_id=ORGANIZATION)
    base = f"{live_server.url}/api/{organisation.tenant.slug}"
    sandbox.switch(**switches)
    sandbox.webhook_to(
        f"{base}/webhooks/listeners/didomi/events", token_url=f"{base}/oauth/token",
        client_id=f"awp_{organisation.key.prefix}", client_secret=organisation.secret,
    )  # fmt: skip
    said = [sandbox.say(ANNA, purposes={"newsletter": enabled})["id"] for enabled in (True, False)]
    sandbox.drain()
    assert {row["status"] for row in sandbox.deliveries()} == {200}
    assert arrived(organisation) == said


@pytest.mark.django_db(transaction=True)
def test_a_choice_reaches_the_portal_with_a_key_and_twice_is_taken_too(
    sandbox: DidomiSandbox, live_server: LiveServer
) -> None:
    organisation = make_organisation_that_speaks(host=sandbox.url, organization_id=ORGANIZATION)
    address = f"{live_server.url}/api/{organisation.tenant.slug}/webhooks/listeners/didomi/events"
    sandbox.webhook_to(address, api_key="awp_wrong")
    said = sandbox.say(ANNA, purposes={"newsletter": True})["id"]
    sandbox.drain()
    assert {row["status"] for row in sandbox.deliveries()} == {401}
    assert arrived(organisation) == []
    sandbox.webhook_to(address, api_key=organisation.secret)
    assert sandbox.send_parked() == 2
    sandbox.drain()
    assert arrived(organisation) == [said]
    sandbox.switch(duplicate=True)
    sandbox.say(ANNA, purposes={"newsletter": False})
    sandbox.drain()
    assert [row["status"] for row in sandbox.deliveries()[-4:]] == [200] * 4
    assert sandbox.parked() == []
