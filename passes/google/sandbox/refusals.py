"""Errors as Google's servers have been recorded to word them.

Those of the Wallet API have a reason and no `status`; those of the front end, before it, have a `status`.
"""

from __future__ import annotations

from typing import Any

DOMAIN = "walletobjects"
# What an armed fault of a status calls itself, unless it says so.
REASONS = {
    400: "badRequest",
    401: "authError",
    403: "permissionDenied",
    404: "resourceNotFound",
    409: "existingResource",
    429: "rateLimitExceeded",
}
_STATUSES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 429: "RESOURCE_EXHAUSTED",
             500: "INTERNAL", 503: "UNAVAILABLE"}  # fmt: skip
_ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"


class Refusal(Exception):
    """`front`: refused by the front end, so its body has the standard form of Google's APIs."""

    def __init__(self, status: int, reason: str, message: str, *, front: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.body = body_of(status, reason, message, front=front)


def body_of(status: int, reason: str, message: str, *, front: bool = False) -> dict[str, Any]:
    """The front end tells a reason in capitals in `details` (google.rpc.ErrorInfo)."""
    errors = [{"message": message, "domain": "global" if front else DOMAIN, "reason": reason}]
    error: dict[str, Any] = {"code": status, "message": message, "errors": errors}
    if front:
        error["status"] = _STATUSES.get(status, "UNKNOWN")
    if front and reason.isupper():
        error["errors"] = [{**errors[0], "reason": "forbidden"}]
        error["details"] = [{"@type": _ERROR_INFO, "reason": reason, "domain": "googleapis.com"}]
    return {"error": error}


def invalid(message: str) -> Refusal:
    return Refusal(400, "badRequest", f"Request contains an invalid argument. {message}")


def invalid_id(resource: str) -> Refusal:
    return Refusal(400, "invalidResource", f"Invalid resource ID: {resource}")


def denied() -> Refusal:
    return Refusal(403, "permissionDenied", "Permission denied.")


def unauthenticated() -> Refusal:
    message = (
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
        "authentication credential."
    )
    return Refusal(401, "authError", message, front=True)


def not_json() -> Refusal:
    return Refusal(400, "parseError", "Invalid JSON payload received.", front=True)


def unknown_name(path: str) -> Refusal:
    parent, _, name = path.rpartition(".")
    message = f"Invalid JSON payload received. Unknown name \"{name}\" at '{parent}': Cannot find field."
    return Refusal(400, "badRequest", message, front=True)


def too_fast() -> Refusal:
    message = "Quota exceeded for quota metric 'Requests' and limit 'Requests per second'."
    return Refusal(429, "rateLimitExceeded", message, front=True)
