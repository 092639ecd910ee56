"""Pushes against Node's HTTP/2: an Apple that shares no code with the product, nor with its sandbox."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from passes.apple import apns
from passes.apple.answers import PushAnswer
from passes.apple.push import send
from passes.models import AppleCredentials
from portal.http import ApiError
from portal.ledger.failure import Decision
from tests.passes import world
from tests.passes.world import SilentTrail

NODE = shutil.which("node")
DOUBLE = Path(__file__).with_name("apns_double.mjs")

pytestmark = pytest.mark.skipif(NODE is None, reason="Node is not installed")


class Double:
    """The running judge; `log()` ends it and gives what it saw."""

    def __init__(self, **scenario: Any) -> None:
        key, certificate = world.authority().server_files()
        files = {"key": key, "certificate": certificate}
        authority = world.authority().root_pem + world.authority().intermediate_pem
        told = {**files, "authority": authority, "plan": {}, "goawayEvery": 0, **scenario}
        self._process = subprocess.Popen(
            [str(NODE), str(DOUBLE), json.dumps(told)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout
        self.port = json.loads(self._process.stdout.readline())["port"]

    def log(self) -> list[dict[str, Any]]:
        told, _ = self._process.communicate(timeout=10)
        return [json.loads(line) for line in told.splitlines()]

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


Started = Callable[..., Double]


@pytest.fixture
def double() -> Iterator[Started]:
    started: list[Double] = []
    apns._process.reset()

    def start(**scenario: Any) -> Double:
        started.append(Double(**scenario))
        return started[-1]

    yield start
    for each in started:
        each.stop()
    apns._process.reset()


def credentials(double: Double) -> AppleCredentials:
    issued = world.credentials()
    return AppleCredentials(
        uid="5c6c1d6c-0000-4000-8000-000000000002", pass_type_identifier=world.PASS_TYPE,
        certificate=issued.certificate_pem, private_key=issued.private_key_pem, intermediate=issued.intermediate_pem,
        apns_url=f"https://127.0.0.1:{double.port}", apns_authority=world.authority().root_pem,
    )  # fmt: skip


def token(number: int) -> str:
    return f"{number:064x}"


def of(log: list[dict[str, Any]], event: str) -> list[dict[str, Any]]:
    return [line for line in log if line["event"] == event]


def test_a_push_keeps_apples_rules(double: Started) -> None:
    apple = double()

    assert send(credentials(apple), token(1), trail=SilentTrail()) == PushAnswer()

    log = apple.log()
    assert of(log, "violation") == []
    assert [(line["token"], line["status"]) for line in of(log, "answer")] == [(token(1), 200)]


def test_each_answer_is_told_apart(double: Started) -> None:
    moment = datetime(2026, 11, 1, 12, tzinfo=UTC)
    said = [
        {"status": 410, "reason": "Unregistered", "timestamp": int(moment.timestamp() * 1000)},
        {"status": 400, "reason": "BadDeviceToken"},
        {"status": 429, "reason": "TooManyRequests"},
        {"status": 503, "reason": "ServiceUnavailable", "retryAfter": "7"},
        {"status": 403, "reason": "BadCertificate"},
        {"status": 400, "reason": "TopicDisallowed"},
    ]
    apple = double(plan={token(number): [answer] for number, answer in enumerate(said)})
    mine = credentials(apple)

    def answer(number: int) -> PushAnswer | tuple[Decision, timedelta | None]:
        try:
            return send(mine, token(number), trail=SilentTrail())
        except ApiError as problem:
            return problem.decision, problem.wait

    assert [answer(number) for number in range(len(said))] == [
        PushAnswer(gone=True, gone_since=moment),
        PushAnswer(gone=True),
        (Decision.RETRY, None),
        (Decision.DEFER, timedelta(seconds=7)),
        (Decision.PAUSE, None),
        (Decision.PAUSE, None),
    ]
    log = apple.log()
    assert (of(log, "violation"), len(of(log, "session"))) == ([], 1)


def test_an_apple_that_shuts_down_is_left_for_another_connection(double: Started) -> None:
    apple = double(plan={token(1): [{"status": 503, "reason": "Shutdown"}]})

    assert send(credentials(apple), token(1), trail=SilentTrail()) == PushAnswer()

    assert len(of(apple.log(), "session")) == 2


def test_goaways_in_the_middle_of_pushes_lose_none_and_double_only_what_they_leave_open(double: Started) -> None:
    """A stream at or below the last one may have been taken although its answer never comes (RFC 9113, 6.8)."""
    pushes, tries = 240, 12
    apple = double(goawayEvery=40)
    mine = credentials(apple)

    def push(number: int) -> bool:
        for _ in range(tries):  # as the ledger does
            with suppress(ApiError):
                return send(mine, token(number), trail=SilentTrail()) == PushAnswer()
        return False

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(push, range(pushes)))

    log = apple.log()
    goaways, taken = of(log, "goaway"), Counter(line["token"] for line in of(log, "answer"))
    left_open = Counter(name for line in goaways for name in line["open"])
    assert of(log, "violation") == []
    assert len(goaways) >= 5
    assert set(taken) == {token(number) for number in range(pushes)}
    assert not {name: times for name, times in taken.items() if times - 1 > left_open[name]}
    # What lies above a last stream may take one connection, and what was open another.
    assert len(of(log, "session")) <= 2 * len(goaways) + 1
