"""Outgoing HTTP: what a status, a header and a broken call mean."""

from __future__ import annotations

import email.utils
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.http import Answer, ApiError, call, judge, retry_after
from portal.ledger.failure import Decision
from tests.integrations.actito.double import Double, answer


@pytest.fixture
def double() -> Iterator[Double]:
    with Double() as one:
        yield one


def made(status: int, body: bytes = b"", **headers: str) -> Answer:
    return Answer(status, {name.replace("_", "-"): text for name, text in headers.items()}, body, "The vendor")


@given(st.integers(200, 599), st.text(), st.binary(), st.sampled_from(["application/json", "text/html", ""]))
def test_every_answer_is_a_success_or_has_a_decision_and_a_sentence(
    status: int, wait: str, body: bytes, media_type: str
) -> None:
    error = judge(Answer(status, {"retry-after": wait, "content-type": media_type}, body), "The vendor")
    if status < 300:
        assert error is None
        return
    assert error
    assert error.sentence.endswith(".")
    assert "\0" not in error.sentence
    error.sentence.encode()
    assert (error.decision is Decision.DEFER) == (error.wait is not None)
    if error.wait:
        assert timedelta() < error.wait <= timedelta(hours=1)


@given(st.text() | st.from_regex(r"\A[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{1,5} \d{2}:\d{2}:\d{2}.{0,6}\Z"))
def test_no_retry_after_is_an_error(header: str) -> None:
    wait = retry_after(header)
    assert wait is None or timedelta() < wait <= timedelta(hours=1)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("1", 1), ("120", 120), ("3600", 3600), ("99999999999999999999", 3600), ("0", None), ("", None), ("²", None)],
)
def test_retry_after_in_seconds(header: str, seconds: int | None) -> None:
    assert retry_after(header) == (None if seconds is None else timedelta(seconds=seconds))


@pytest.mark.parametrize("form", ["%a, %d %b %Y %H:%M:%S GMT", "%a, %d %b %Y %H:%M:%S -0000", "%a, %d %b %Y %H:%M:%S"])
def test_retry_after_as_a_date(form: str) -> None:
    wait = retry_after((datetime.now(UTC) + timedelta(seconds=100)).strftime(form))
    assert wait
    assert timedelta(seconds=90) < wait <= timedelta(seconds=100)
    assert retry_after(email.utils.format_datetime(datetime.now(UTC) - timedelta(days=1))) is None


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"message": "No such table"}', ": No such table"),
        (b'{"detail": "No such table"}', ": No such table"),
        (b'"No such table"', ": No such table"),
        (b'{"message": {"deep": 1}}', ""),
        (b'{"message": ""}', ""),
        (b"[1, 2]", ""),
        (b"null", ""),
        (b"{half", ""),
        (b"[" * 100_000, ""),
        (b'{"message": "nul \\u0000 and \\ud800"}', ": nul � and �"),
        (b'{"message": "' + b"x" * 1000 + b'"}', ": " + "x" * 200 + "… (1000 characters)"),
    ],
)
def test_the_vendors_words_are_quoted_where_there_are_any(body: bytes, words: str) -> None:
    error = judge(made(400, body, content_type="application/json"), "The vendor")
    assert error
    assert error.sentence == f"The vendor answered 400{words}."


def test_a_call_that_may_have_been_received_is_never_repeated_blindly(double: Double) -> None:
    double.profile = lambda line: None
    with pytest.raises(ApiError) as caught:
        call("POST", f"{double.url}/scenario", target="Actito", body={}, repeatable=False)
    assert caught.value.decision is Decision.UNCERTAIN
    with pytest.raises(ApiError) as caught:
        call("POST", "http://127.0.0.1:9/scenario", target="Actito", body={}, repeatable=False)
    assert caught.value.decision is Decision.RETRY


def test_an_answer_that_broke_off_after_sending_is_uncertain_too(double: Double) -> None:
    double.profile = answer(200, b"{}").replace(b"Content-Length: 2", b"Content-Length: 200")
    with pytest.raises(ApiError) as caught:
        call("POST", f"{double.url}/scenario", target="Actito", body={}, repeatable=False)
    assert caught.value.decision is Decision.UNCERTAIN


def test_a_body_in_the_trail_is_redacted(double: Double) -> None:
    noted: list[dict[str, Any]] = []

    class Trail:
        def open(self, **more: Any) -> int:
            noted.append(more)
            return 1

        def close(self, call: int, **more: Any) -> None:
            noted.append(more)

    double.profile = answer(200, {"echo": "geheim-key", "password": "hunter2"})
    call(
        "POST", f"{double.url}/hook?token=hunter2", target="Actito", trail=Trail(),
        headers={"X-API-KEY": "geheim-key"}, body={"password": "hunter2", "points": 7},
    )  # fmt: skip
    assert "hunter2" not in str(noted)
    assert "geheim-key" not in str(noted)
    assert '"points": 7' in noted[0]["request_excerpt"]
    assert noted[0]["url"].startswith(f"{double.url}/hook?token=")
