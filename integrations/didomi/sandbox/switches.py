"""What no public page of Didomi settles, and what its webhooks can suffer: each is a switch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from portal.switches import SwitchBoard

LIST_SHAPES = ("array", "data", "page", "cursor")
CHOICES: dict[str, tuple[Any, ...]] = {
    "duplicate_status": (409, 400),
    "foreign_status": (403, 404),
    "created_status": (200, 201),
    "unauthorized_name": ("NotAuthenticated", "Unauthorized"),
    "list_shape": LIST_SHAPES,
}


@dataclass
class Switches(SwitchBoard):
    """list_shape: how events and users are listed: `array` as the OpenAPI has it, `data` (`{"data": […]}`), `page`
    (`{"total", "limit", "skip", "data"}`) or `cursor` (`{"data", "cursor"}`).
    page_size: how many a page or a cursor's part holds.
    duplicate_status: the answer to an event whose id is known, 409 or 400.
    foreign_status: the answer to another organisation's id, 403 or 404.
    created_status: the answer to a new event or user, 200 or 201.
    unauthorized_name: the name of the error 401, NotAuthenticated or Unauthorized.
    errors_as_list: `errors` of an error is `[]`, as described, not `{}`, as shown.
    check_catalogue: purposes, preferences and values that the organisation never had are refused.
    metadata_limit: bytes that a metadata object may have as JSON; 0 for no limit.
    refuse_future: an event more than a minute ahead of the clock is refused.
    null_clears: `"enabled": null` takes an earlier choice back; otherwise it leaves it alone.
    order_by_update: the status is computed by the dates of the events' last changes, not of their creation.
    rate_limit: calls of an organisation in 15 seconds, `/consents/…` aside; 0 for no limit.
    latency: seconds that each call takes.
    """

    list_shape: str = "array"
    page_size: int = 100
    duplicate_status: int = 409
    foreign_status: int = 403
    created_status: int = 200
    unauthorized_name: str = "NotAuthenticated"
    errors_as_list: bool = False
    check_catalogue: bool = True
    metadata_limit: int = 10_000
    refuse_future: bool = False
    null_clears: bool = False
    order_by_update: bool = False
    rate_limit: int = 100
    latency: float = 0.0

    def check(self, wanted: dict[str, Any]) -> None:
        for name, allowed in CHOICES.items():
            if wanted.get(name, allowed[0]) not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(map(str, allowed))}")
        if wanted.get("page_size", 1) < 1:
            raise ValueError("page_size must be 1 or more")
