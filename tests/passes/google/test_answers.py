"""What Google's refusals lead to, by status and reason, each with what to do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from passes.google.answers import Refused, refused
from portal.http import Answer
from portal.ledger.failure import Decision


def google(status: int, reason: str = "", message: str = "", headers: dict[str, str] | None = None) -> Refused | None:
    error = {
        "code": status,
        "message": message,
        "errors": [{"message": message, "domain": "walletobjects", "reason": reason}],
    }
    return answered(status, {"error": error}, headers)


def answered(status: int, body: Any, headers: dict[str, str] | None = None) -> Refused | None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = Answer(status, headers or {}, data, "Google Wallet")
    return refused(answer, account="cards@x.iam.gserviceaccount.com", issuer_id="3388")


@pytest.mark.parametrize(
    ("status", "reason", "message", "decision", "says"),
    [
        (401, "authError", "Invalid Credentials", Decision.PAUSE, "Store a new key file"),
        (403, "permissionDenied", "Permission denied.", Decision.PAUSE, "invite this address"),
        (403, "", "Quota words in a refusal of permission", Decision.PAUSE, "invite this address"),
        (403, "quotaExceeded", "Quota exceeded for issuer", Decision.DEAD, "no more notifications"),
        (403, "rateLimitExceeded", "Rate Limit Exceeded", Decision.DEFER, "slow down"),
        (429, "", "", Decision.DEFER, "slow down"),
        (400, "invalidResource", "Invalid resource ID: 9.y", Decision.PAUSE, "Google knows no issuer 3388"),
        (400, "", "Request contains an invalid argument. color", Decision.DEAD, "invalid argument. color"),
        (404, "classNotFound", "Wallet Object Class 3388.c not found.", Decision.DEAD, "not found"),
        (409, "existingResource", "already exists", Decision.DEAD, "already exists"),
        (500, "backendError", "", Decision.RETRY, "500"),
        (503, "", "", Decision.RETRY, "503"),
    ],
)
def test_each_refusal(status: int, reason: str, message: str, decision: Decision, says: str) -> None:
    error = google(status, reason, message)
    assert error is not None
    assert (error.decision, error.status) == (decision, status)
    assert says in error.sentence


def test_a_success_is_none() -> None:
    assert answered(200, {}) is None


def test_a_switched_off_api_is_told_apart_from_a_missing_invitation() -> None:
    detail = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "SERVICE_DISABLED"}
    error = answered(403, {"error": {"code": 403, "status": "PERMISSION_DENIED", "details": [detail]}})
    assert error is not None
    assert "not switched on" in error.sentence


def test_google_says_how_long_to_wait() -> None:
    error = google(429, headers={"retry-after": "7"})
    assert error is not None
    assert error.wait is not None
    assert error.wait.total_seconds() == 7


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"error": "x"}', b'{"error": {"errors": [7], "details": 3}}']
)
def test_an_answer_of_another_shape_is_judged_by_its_status(body: bytes) -> None:
    error = answered(404, body)
    assert error is not None
    assert (error.decision, error.reason) == (Decision.DEAD, "")
