"""What no public page of Actito settles: each choice is a switch, so that the product is tried both ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from portal.switches import SwitchBoard


@dataclass
class Switches(SwitchBoard):
    """payload_version: 1 is `{eventType, operation, tableId, data}`, 2 is `{id, data, _links}`.
    bulk_envelope: payload 1 of a BULK webhook is one envelope with a list in `data`, not a list of envelopes.
    bulk_seconds: how long a BULK webhook collects events before it pushes them.
    values_as_strings: `"true"` and `"12"` instead of `true` and `12`, in pushes and in profiles that are read.
    profile_id_as_string: the same for profileId alone.
    duplicate: every push is posted twice.
    out_of_order: a push is held and posted after the next one, at the latest after hold_seconds.
    retries: how often a push is posted again that was not answered with 2xx.
    throttle: the sixth concurrent request is answered with 429, and beyond 100 calls a minute each takes longer.
    slow_step: seconds that each call beyond the minute's limit adds, up to five.
    latency: seconds each vendor route takes; they count as concurrent.
    allow_update_default: what POST profile does without the parameter allowUpdate.
    conflict_status: the answer to a value of a unique attribute that another profile holds.
    structure_parts: whether a structure lists subscriptions and segmentations beside attributes.
    scenario_right: whether API keys may read scenarios; without it the answer is 403.
    start_right: whether API keys may start scenarios; without it the answer is 403.
    not_started_status: the answer to a start of a scenario that is stopped, or has no Start block.
    """

    payload_version: int = 1
    bulk_envelope: bool = False
    bulk_seconds: float = 0.1
    values_as_strings: bool = False
    profile_id_as_string: bool = False
    duplicate: bool = False
    out_of_order: bool = False
    hold_seconds: float = 2.0
    retries: int = 0
    throttle: bool = True
    slow_step: float = 0.05
    latency: float = 0.0
    allow_update_default: bool = True
    conflict_status: int = 409
    structure_parts: bool = True
    scenario_right: bool = True
    start_right: bool = True
    not_started_status: int = 400

    def check(self, wanted: dict[str, Any]) -> None:
        if wanted.get("payload_version", 1) not in {1, 2}:
            raise ValueError("payload_version must be 1 or 2")
