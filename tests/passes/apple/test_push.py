"""Pushes to the sandbox's APNs, over real HTTP/2 with real client certificates."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from pytest_django import Settings

from passes.apple import answers, push
from passes.apple.answers import PushAnswer
from passes.apple.push import send
from passes.apple.sandbox import ApnsFault, ApnsSandbox
from passes.models import AppleCredentials
from portal.http import ApiError
from portal.ledger.failure import Decision
from tests.passes import world
from tests.passes.apple.push_kit import credentials, failure
from tests.passes.world import PUSH_TOKEN, SilentTrail


class TestAnswers:
    def test_ok(self, push_service: ApnsSandbox) -> None:
        trail = SilentTrail()

        assert send(credentials(push_service), PUSH_TOKEN, trail=trail) == PushAnswer()

        [call] = trail.calls
        assert (call["status"], call["error"], call["repeatable"]) == (200, "", True)
        [pushed] = push_service.pushes
        assert (pushed.token, pushed.topic, pushed.status) == (PUSH_TOKEN, world.PASS_TYPE, 200)

    def test_a_token_that_went_is_gone_since_apples_moment(self, push_service: ApnsSandbox) -> None:
        push_service.remove_token(PUSH_TOKEN)

        answer = send(credentials(push_service), PUSH_TOKEN, trail=SilentTrail())

        assert answer.gone
        assert answer.gone_since
        assert abs(datetime.now(UTC) - answer.gone_since) < timedelta(seconds=5)

    def test_a_token_that_is_none_is_gone(self, push_service: ApnsSandbox) -> None:
        assert send(credentials(push_service), "ff" * 32, trail=SilentTrail()) == PushAnswer(gone=True)

    @pytest.mark.parametrize(
        ("fault", "decision", "wait"),
        [
            ({"status": 429}, Decision.RETRY, None),
            ({"status": 429, "retry_after": "7"}, Decision.DEFER, timedelta(seconds=7)),
            ({"status": 503}, Decision.RETRY, None),
            ({"status": 503, "retry_after": "120"}, Decision.DEFER, timedelta(seconds=120)),
            ({"status": 503, "retry_after": "99999999"}, Decision.DEFER, timedelta(hours=1)),
            ({"status": 500}, Decision.RETRY, None),
            ({"status": 502, "reason": "BadGateway"}, Decision.RETRY, None),
            ({"status": 403}, Decision.PAUSE, None),
            ({"status": 403, "reason": "InvalidProviderToken"}, Decision.PAUSE, None),
            ({"status": 400, "reason": "DeviceTokenNotForTopic"}, Decision.PAUSE, None),
            ({"status": 400, "reason": "TopicDisallowed"}, Decision.PAUSE, None),
            ({"status": 400, "reason": "BadTopic"}, Decision.PAUSE, None),
            ({"status": 400, "reason": "IdleTimeout"}, Decision.RETRY, None),
            ({"status": 413, "reason": "PayloadTooLarge"}, Decision.DEAD, None),
            ({"status": 429, "reason": "TooManyProviderTokenUpdates"}, Decision.DEFER, timedelta(minutes=20)),
        ],
    )
    def test_what_follows_from_each(
        self, push_service: ApnsSandbox, fault: dict[str, Any], decision: Decision, wait: timedelta | None
    ) -> None:
        push_service.arm(ApnsFault(**fault))

        problem = failure(credentials(push_service))

        assert (problem.decision, problem.wait, problem.status) == (decision, wait, fault["status"])
        assert str(fault["status"]) in problem.sentence

    @pytest.mark.parametrize("body", [b"<html>no gateway</html>", b"", b"[]", b'"x"', b"\xff"])
    def test_an_answer_of_something_in_between_is_tried_again(self, body: bytes) -> None:
        with pytest.raises(ApiError) as caught:
            answers.judge(httpx2.Response(502, content=body))

        assert caught.value.decision is Decision.RETRY

    @pytest.mark.parametrize("stamp", [None, "soon", True, 10**30, -(10**30), [1]])
    def test_a_gone_token_without_a_moment_that_makes_sense_is_gone(self, stamp: Any) -> None:
        body = json.dumps({"reason": "Unregistered", "timestamp": stamp}).encode()

        assert answers.judge(httpx2.Response(410, content=body)) == PushAnswer(gone=True)


@pytest.mark.parametrize(
    "address",
    ["http://api.push.apple.com", "https://api.sandbox.push.apple.com", "https://api.push.apple.com.example.net",
     "https://push.apple.com", "https://127.0.0.1", "https://evil.example/api.push.apple.com", ""],
)  # fmt: skip
def test_nobody_but_apples_push_service_for_passes_is_called(address: str, settings: Settings) -> None:
    settings.SANDBOX = False
    trail = SilentTrail()

    with pytest.raises(ApiError) as caught:
        send(AppleCredentials(apns_url=address), PUSH_TOKEN, trail=trail)

    assert caught.value.decision is Decision.PAUSE
    assert trail.calls == []


def test_apples_own_address_is_taken(settings: Settings) -> None:
    settings.SANDBOX = False

    for address in ("https://api.push.apple.com", "https://api.push.apple.com:2197"):
        push._check_address(address)
