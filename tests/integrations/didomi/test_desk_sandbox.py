"""The page of the stand-in for Didomi: a newcomer plays the preference centre, and sees what the portal answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from integrations.didomi.sandbox import DidomiSandbox
from tests.integrations.didomi.sandbox_kit import ANNA, Listener, running

EVIL = '<script>alert("1")</script>@example.com'


@pytest.fixture
def portal() -> Iterator[Listener]:
    with running(Listener()) as made:
        yield made


@pytest.fixture
def sandbox(portal: Listener) -> Iterator[DidomiSandbox]:
    with running(DidomiSandbox()) as made:
        made.switch(time_factor=0.001)
        made.webhook_to(f"{portal.url}/news")
        yield made


def page(sandbox: DidomiSandbox, what: str = "", **query: str) -> str:
    answer = requests.get(f"{sandbox.url}/_sandbox/{what}", params=query, timeout=5)
    assert answer.status_code == 200
    return answer.text


def post(sandbox: DidomiSandbox, what: str, **form: Any) -> requests.Response:
    return requests.post(f"{sandbox.url}/_sandbox/{what}", data=form, timeout=5)


def save(sandbox: DidomiSandbox, person: str = ANNA, **form: Any) -> str:
    """Saves the form. Returns the page that follows."""
    answer = post(sandbox, "choices", person=person, **form)
    sandbox.drain()
    assert answer.status_code == 200
    return answer.text


def test_the_address_leads_to_the_page_which_is_complete_in_itself(sandbox: DidomiSandbox) -> None:
    answer = requests.get(sandbox.url, timeout=5)
    assert urlsplit(answer.url).path == "/_sandbox/"
    assert "Nobody is here yet" in answer.text
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "<script" not in answer.text


def test_choices_of_somebody_new_become_one_event(sandbox: DidomiSandbox, portal: Listener) -> None:
    form = {
        "purposes.newsletter": "yes", "purposes.promotions": "no", "channels.email": "yes",
        "values.newsletter.topics.wine": "on", "values.newsletter.topics.recipes": "on",
        "values.newsletter.frequency": "weekly",
    }  # fmt: skip
    assert "Saved: one event" in save(sandbox, **form)
    (event,) = sandbox.events
    assert event["consents"]["purposes"] == [
        {
            "id": "newsletter",
            "enabled": True,
            "values": {"topics": {"value": "wine,recipes"}, "frequency": {"value": "weekly"}},
        },
        {"id": "promotions", "enabled": False},
    ]
    assert event["consents"]["channels"] == [{"id": "email", "enabled": True}]
    assert "delegate" not in event
    assert portal.types() == ["event.created", "user.created"]


def test_only_what_differs_is_said_and_nothing_is_no_event(sandbox: DidomiSandbox) -> None:
    shown = {"purposes.newsletter": "yes", "values.newsletter.topics.wine": "on"}
    save(sandbox, **shown)
    assert "there is no event" in save(sandbox, **shown)
    save(sandbox, **{"purposes.newsletter": "no", "values.newsletter.topics.wine": "on"})
    assert len(sandbox.events) == 2
    assert sandbox.events[1]["consents"]["purposes"] == [{"id": "newsletter", "enabled": False}]
    save(sandbox, **{"purposes.newsletter": "no"})
    assert sandbox.events[2]["consents"]["purposes"][0]["values"] == {"topics": {"value": ""}}


def test_the_page_shows_what_the_person_chose_and_who_is_there(sandbox: DidomiSandbox) -> None:
    save(sandbox, **{"purposes.newsletter": "yes", "values.newsletter.topics.wine": "on"})
    save(sandbox, "bo@example.com", **{"purposes.newsletter": "no"})
    shown = page(sandbox, person=ANNA)
    assert '<option value="yes" selected>Yes</option>' in shown
    assert 'name="values.newsletter.topics.wine" checked' in shown
    assert "bo@example.com" in shown
    assert "does not know this person yet" in page(sandbox, person="new@example.com")


def test_what_waits_is_approved_on_the_page(sandbox: DidomiSandbox, portal: Listener) -> None:
    assert "waits for approval" in save(sandbox, **{"purposes.newsletter": "yes", "pending": "on"})
    assert sandbox.user(ANNA)["consents"]["purposes"] == []
    post(sandbox, "approve", person=ANNA, event=sandbox.events[0]["id"])
    sandbox.drain()
    assert sandbox.user(ANNA)["consents"]["purposes"] == [{"id": "newsletter", "enabled": True}]
    assert "event.updated" in portal.types()
    assert post(sandbox, "approve", person=ANNA, event="none").status_code == 404


def test_what_is_said_silently_is_told_to_nobody(sandbox: DidomiSandbox, portal: Listener) -> None:
    assert "without telling anybody" in save(sandbox, **{"purposes.newsletter": "yes", "muted": "on"})
    assert portal.arrived == []


def test_the_frame_shows_events_news_and_calls(sandbox: DidomiSandbox, portal: Listener) -> None:
    portal.answers = [500]
    save(sandbox, **{"purposes.newsletter": "yes"})
    requests.get(f"{sandbox.url}/v1/consents/users", timeout=5)
    shown = page(sandbox, "log", person=ANNA)
    for part in (
        "newsletter yes",
        "confirmed, gdpr",
        "event.created",
        "500: refused",
        "200: taken",
        "/v1/consents/users",
    ):
        assert part in shown, part
    assert "newsletter yes" not in page(sandbox, "log", person="bo@example.com")


def test_what_was_given_up_is_sent_again_from_the_page(sandbox: DidomiSandbox, portal: Listener) -> None:
    sandbox.switch(retries=0, user_webhooks=False)
    portal.answers = [500]
    save(sandbox, **{"purposes.newsletter": "yes"})
    assert "Given up after all retries: 1" in page(sandbox, person=ANNA)
    post(sandbox, "resend", person=ANNA)
    sandbox.drain()
    assert portal.types() == ["event.created", "event.created"]
    assert "Given up" not in page(sandbox, person=ANNA)


def test_the_webhook_is_set_on_the_page_and_secrets_are_not_shown(sandbox: DidomiSandbox, portal: Listener) -> None:
    sandbox.webhook_off()
    assert "the portal is told nothing" in page(sandbox, person=ANNA)
    form = {"url": f"{portal.url}/news", "api_key": "hidden-key"}
    assert "hidden-key" not in post(sandbox, "webhook", person=ANNA, **form).text
    post(sandbox, "webhook", person=ANNA, url=f"{portal.url}/news")  # an empty field keeps what was set
    save(sandbox, **{"purposes.newsletter": "yes"})
    assert portal.arrived[0].headers["x-api-key"] == "hidden-key"
    assert f"{portal.url}/admin/portal/event/" in page(sandbox, person=ANNA)
    wrong = post(sandbox, "webhook", person=ANNA, url="nowhere")
    assert wrong.status_code == 400
    assert "url must be an address" in wrong.text


def test_names_are_shown_as_text(sandbox: DidomiSandbox) -> None:
    save(sandbox, EVIL, **{"purposes.newsletter": "yes"})
    for shown in (page(sandbox, person=EVIL), page(sandbox, "log", person=EVIL)):
        assert "<script>" not in shown


def test_nobody_and_another_sites_form_are_refused(sandbox: DidomiSandbox) -> None:
    assert post(sandbox, "choices", person=" ").status_code == 400
    answer = requests.post(
        f"{sandbox.url}/_sandbox/choices", data={"person": ANNA, "purposes.newsletter": "yes"},
        headers={"Origin": "https://elsewhere.example"}, timeout=5,
    )  # fmt: skip
    assert answer.status_code == 403
    assert sandbox.events == []


def test_saving_leads_back_so_that_a_reload_sends_nothing_twice(sandbox: DidomiSandbox) -> None:
    answer = requests.post(
        f"{sandbox.url}/_sandbox/choices", data={"person": "a+b@example.com", "purposes.newsletter": "yes"},
        allow_redirects=False, timeout=5,
    )  # fmt: skip
    assert answer.status_code == 303
    assert parse_qs(urlsplit(answer.headers["Location"]).query)["person"] == ["a+b@example.com"]
