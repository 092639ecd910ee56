"""The push service speaks HTTP/2 over mutual TLS and answers as Apple's does."""

from __future__ import annotations

import asyncio
import queue
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from passes.apple.sandbox import ApnsFault, ApnsSandbox
from tests.passes.apple.test_sandbox_kit import PASS_TYPE, authority, credentials

TOKEN = "ab" * 32


@pytest.fixture
def delivered() -> queue.Queue[tuple[str, str]]:
    return queue.Queue()


@pytest.fixture
def apns(delivered: queue.Queue[tuple[str, str]]) -> Iterator[ApnsSandbox]:
    service = ApnsSandbox(authority(), on_push=lambda token, topic: delivered.put((token, topic)))
    service.register_token(TOKEN)
    service.start()
    yield service
    service.stop()


def client_context(folder: Path, **certificate: Any) -> ssl.SSLContext:
    signer = credentials(**certificate)
    file = folder / "client.pem"
    file.write_text(signer.private_key_pem + signer.certificate_pem)
    context = ssl.create_default_context(cadata=authority().root_pem)
    context.load_cert_chain(file)
    return context


@pytest.fixture
def client(tmp_path: Path, apns: ApnsSandbox) -> Iterator[httpx2.Client]:
    with httpx2.Client(http2=True, http1=False, verify=client_context(tmp_path), base_url=apns.url) as client:
        yield client


def push(client: httpx2.Client, token: str = TOKEN, body: bytes = b"{}", **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(f"/3/device/{token}", content=body, headers={"apns-topic": PASS_TYPE, **named})


def test_a_good_push_is_answered_200_with_its_id_and_handed_on(
    client: httpx2.Client, apns: ApnsSandbox, delivered: queue.Queue[tuple[str, str]]
) -> None:
    identifier = "123E4567-E89B-12D3-A456-426614174000"

    answer = push(client, apns_id=identifier, apns_push_type="background", apns_priority="5")

    assert (answer.status_code, answer.content, answer.http_version) == (200, b"", "HTTP/2")
    assert answer.headers["apns-id"] == identifier
    assert delivered.get(timeout=2) == (TOKEN, PASS_TYPE)
    assert [(line.token, line.topic, line.status) for line in apns.pushes] == [(TOKEN, PASS_TYPE, 200)]
    assert time.time() - apns.pushes[0].at < 5


def test_an_empty_aps_is_as_good_and_an_id_is_made_where_none_is_given(client: httpx2.Client) -> None:
    answer = push(client, body=b'{"aps": {}}')

    assert answer.status_code == 200
    assert len(answer.headers["apns-id"]) == 36


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        ({"token": "cd" * 32}, 400, "BadDeviceToken"),
        ({"token": ""}, 400, "MissingDeviceToken"),
        ({"token": "a/b"}, 404, "BadPath"),
        ({"apns_topic": "pass.com.example.other"}, 400, "TopicDisallowed"),
        ({"apns_topic": ""}, 400, "MissingTopic"),
        ({"body": b""}, 400, "PayloadEmpty"),
        ({"body": b'{"aps":{"alert":"Hi"}}'}, 400, "BadPayload"),
        ({"body": b"{"}, 400, "BadPayload"),
        ({"body": b" " * 5000}, 413, "PayloadTooLarge"),
        ({"apns_id": "1"}, 400, "BadMessageId"),
        ({"apns_push_type": "pass"}, 400, "InvalidPushType"),
        ({"apns_priority": "6"}, 400, "BadPriority"),
        ({"apns_expiration": "soon"}, 400, "BadExpirationDate"),
        ({"apns_collapse_id": "x" * 65}, 400, "BadCollapseId"),
    ],
)
def test_a_wrong_push_is_refused_with_apples_reason(
    client: httpx2.Client, arguments: dict[str, Any], status: int, reason: str
) -> None:
    answer = push(client, **arguments)

    assert (answer.status_code, answer.json()) == (status, {"reason": reason})


def test_another_method_is_refused(client: httpx2.Client) -> None:
    assert client.get(f"/3/device/{TOKEN}").json() == {"reason": "MethodNotAllowed"}


def test_a_removed_token_is_410_with_the_moment_of_its_removal(
    client: httpx2.Client, apns: ApnsSandbox, delivered: queue.Queue[tuple[str, str]]
) -> None:
    before = int(time.time() * 1000)
    apns.remove_token(TOKEN)

    answer = push(client)

    assert answer.status_code == 410
    assert answer.json()["reason"] == "Unregistered"
    assert before <= answer.json()["timestamp"] <= int(time.time() * 1000)
    assert delivered.empty()


@pytest.mark.parametrize("certificate", [{"foreign": True}, {"days": -1}])
def test_a_foreign_certificate_or_an_expired_one_gets_no_connection(
    tmp_path: Path, apns: ApnsSandbox, certificate: dict[str, Any]
) -> None:
    client = httpx2.Client(http2=True, http1=False, verify=client_context(tmp_path, **certificate), base_url=apns.url)
    with client, pytest.raises(httpx2.TransportError):
        push(client)

    assert not apns.pushes


@pytest.mark.parametrize(
    ("bearer", "reason"),
    [("", "MissingProviderToken"), ("bearer x.y.z", "InvalidProviderToken"), ("basic x", "MissingProviderToken")],
)
def test_without_a_certificate_a_push_bears_a_good_token(apns: ApnsSandbox, bearer: str, reason: str) -> None:
    context = ssl.create_default_context(cadata=authority().root_pem)
    with httpx2.Client(http2=True, http1=False, verify=context, base_url=apns.url) as client:
        answer = push(client, **({"authorization": bearer} if bearer else {}))

    assert (answer.status_code, answer.json()["reason"]) == (403, reason)


def test_a_client_without_http2_gets_no_answer(tmp_path: Path, apns: ApnsSandbox) -> None:
    client = httpx2.Client(http2=False, verify=client_context(tmp_path), base_url=apns.url)
    with client, pytest.raises(httpx2.TransportError):
        push(client)


@pytest.mark.parametrize(
    ("status", "reason"),
    [(403, "BadCertificate"), (429, "TooManyRequests"), (500, "InternalServerError"), (503, "ServiceUnavailable")],
)
def test_armed_answers_come_as_often_as_they_were_armed(
    client: httpx2.Client, apns: ApnsSandbox, status: int, reason: str
) -> None:
    apns.arm(ApnsFault("status", times=2, status=status, retry_after="7"))

    answers = [push(client) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [status, status, 200]
    assert answers[0].json() == {"reason": reason}
    assert answers[0].headers["retry-after"] == "7"


def test_an_armed_410_carries_a_timestamp(client: httpx2.Client, apns: ApnsSandbox) -> None:
    apns.arm(ApnsFault("status", status=410, reason="ExpiredToken"))

    answer = push(client).json()

    assert answer["reason"] == "ExpiredToken"
    assert answer["timestamp"] > 1_700_000_000_000


def test_after_goaway_the_next_push_needs_a_new_connection(client: httpx2.Client, apns: ApnsSandbox) -> None:
    apns.arm(ApnsFault("goaway"))

    assert push(client).status_code == 200
    for _ in range(2):  # the pooled connection may be noticed dead by the request that meets it
        try:
            answer = push(client)
        except httpx2.TransportError:
            continue
        break

    assert answer.status_code == 200
    assert apns.connections_made == 2


def test_a_dropped_push_arrives_but_is_never_answered(
    client: httpx2.Client, apns: ApnsSandbox, delivered: queue.Queue[tuple[str, str]]
) -> None:
    apns.arm(ApnsFault("drop"))

    with pytest.raises(httpx2.TransportError):
        push(client)

    assert delivered.get(timeout=2) == (TOKEN, PASS_TYPE)


def test_a_slow_answer_holds_up_no_other_stream(tmp_path: Path, apns: ApnsSandbox) -> None:
    async def answered_in_order() -> list[str]:
        order: list[str] = []
        options = {"http2": True, "http1": False, "verify": client_context(tmp_path), "base_url": apns.url}

        async def send(client: httpx2.AsyncClient, name: str) -> None:
            await client.post(f"/3/device/{TOKEN}", content=b"{}", headers={"apns-topic": PASS_TYPE})
            order.append(name)

        async with httpx2.AsyncClient(**options) as client:
            await send(client, "first")
            apns.arm(ApnsFault("slow", seconds=0.2))
            slow = asyncio.create_task(send(client, "slow"))
            await asyncio.sleep(0.05)
            await send(client, "quick")
            await slow
        return order

    assert asyncio.run(answered_in_order()) == ["first", "quick", "slow"]
    assert apns.connections_made == 1


def test_many_pushes_share_one_connection(client: httpx2.Client, apns: ApnsSandbox) -> None:
    assert {push(client).status_code for _ in range(150)} == {200}
    assert apns.connections_made == 1
