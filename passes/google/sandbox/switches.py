"""What Google's pages leave open, and what its callbacks can suffer: each is a switch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from portal.switches import SwitchBoard

REVIEWS = ("APPROVED", "REJECTED", "UNDER_REVIEW")


@dataclass
class Switches(SwitchBoard):
    """legacy_echo: answers spell values as Google's servers were recorded to, `active` for ACTIVE, with `kind`s.
    refuse_unknown_keys: a body with a key that Google does not describe is refused; otherwise the key is dropped.
    review: what becomes of a class that is under review, at once: APPROVED, REJECTED, or UNDER_REVIEW for good.
    update_needs_review: an update or patch of a class that does not say UNDER_REVIEW is refused.
    class_change: an object may move to another class of its type.
    fetch_images: images are fetched when they are named, as Google does; one that is not there is refused.
    rate_limit: calls a second that a service account has, then 429; 0 for no limit.
    latency: seconds that each call of the API takes.
    duplicate: each callback is posted twice.
    out_of_order: a callback is held and posted after the next one, at the latest after hold_seconds.
    activate: after each save a callback of the type `activate` follows.
    bad_signature: the message's signature is of other bytes.
    expired_intermediate: the intermediate key has expired.
    expired_message: the message has expired.
    wrong_sender: the signatures are for another sender, as some of Google's pages have it.
    wrong_issuer: the message's signature is for another issuer.
    heed_robots: a callback is posted only where the host's robots.txt lets Googlebot in, as Google documents.
    retries: how often a callback is posted again that was not answered with 2xx.
    """

    legacy_echo: bool = True
    refuse_unknown_keys: bool = True
    review: str = "APPROVED"
    update_needs_review: bool = True
    class_change: bool = True
    fetch_images: bool = False
    rate_limit: int = 20
    latency: float = 0.0
    duplicate: bool = False
    out_of_order: bool = False
    hold_seconds: float = 2.0
    activate: bool = False
    bad_signature: bool = False
    expired_intermediate: bool = False
    expired_message: bool = False
    wrong_sender: bool = False
    wrong_issuer: bool = False
    heed_robots: bool = False
    retries: int = 2

    def check(self, wanted: dict[str, Any]) -> None:
        if wanted.get("review", REVIEWS[0]) not in REVIEWS:
            raise ValueError(f"review must be one of {', '.join(REVIEWS)}")
