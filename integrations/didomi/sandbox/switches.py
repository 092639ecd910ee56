"""What no public page of Didomi settles, and what its webhooks can suffer: each is a switch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from portal.switches import SwitchBoard

LIST_SHAPES = ("array", "data", "page", "cursor")
FLAT_PREFIXES = ("", "entity", "parameters__entity")
CHOICES: dict[str, tuple[Any, ...]] = {
    "duplicate_status": (409, 400),
    "foreign_status": (403, 404),
    "created_status": (200, 201),
    "unauthorized_name": ("NotAuthenticated", "Unauthorized"),
    "list_shape": LIST_SHAPES,
    "flatten": ("", "index", "id"),
    "flat_prefix": FLAT_PREFIXES,
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
    approval_counts: an event that was changed or approved counts by the date of that; otherwise by its created_at.
    event_updated_at: events show `updated_at`, as the event schema's page has it and the OpenAPI has not.
    check_version: a user's PATCH with another version than the current is refused with 409.
    translations: names in the catalogue are `{"en": …}` even when `$translations` does not ask for it.
    rate_limit: calls of an organisation in 15 seconds, `/consents/…` aside; 0 for no limit.
    latency: seconds that each call takes.

    Of the webhook:
    disable_mutes: `$disable_integrations` holds back the webhook's news too.
    user_webhooks: news of the user follows that of the event; otherwise it never comes.
    user_first: news of the user comes before that of the event.
    with_source: `user.updated` carries the event that caused it.
    with_regulation: news names its regulation.
    multi_regulation: news under other regulations than GDPR is sent too.
    minimal_deleted: what was deleted has only its id and created_at.
    flatten: the entity in one level, keys joined with `__`: items of lists are named by their place (`index`) or by
    their id (`id`); empty for news that is nested.
    flat_prefix: what the keys of flattened news begin with, `entity` or `parameters__entity`, beside `type`; empty
    for keys within `{"parameters": {"entity": {…}}}`.
    token_basic: the client's id and secret go to the token endpoint by HTTP Basic, not in the form.
    retries: how often news is posted again that was not answered with 2xx, within five minutes.
    retry_refused: an answer 4xx is a reason to post again; otherwise the news is parked at once.
    time_factor: 0.001 makes five minutes 0.3 seconds.
    duplicate: each piece of news is posted twice.
    out_of_order: a piece of news is held and posted after the next one, at the latest after hold_seconds.
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
    approval_counts: bool = True
    event_updated_at: bool = True
    check_version: bool = True
    translations: bool = True
    rate_limit: int = 100
    latency: float = 0.0

    disable_mutes: bool = True
    user_webhooks: bool = True
    user_first: bool = False
    with_source: bool = True
    with_regulation: bool = True
    multi_regulation: bool = False
    minimal_deleted: bool = False
    flatten: str = ""
    flat_prefix: str = ""
    token_basic: bool = False
    retries: int = 5
    retry_refused: bool = True
    time_factor: float = 1.0
    duplicate: bool = False
    out_of_order: bool = False
    hold_seconds: float = 2.0

    def check(self, wanted: dict[str, Any]) -> None:
        for name, allowed in CHOICES.items():
            if wanted.get(name, allowed[0]) not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(map(str, allowed))}")
        if wanted.get("page_size", 1) < 1:
            raise ValueError("page_size must be 1 or more")
