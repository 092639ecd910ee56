"""What Google pushes to phones, and the three of each sort that a pass has in 24 hours.

Source: developers.google.com/wallet/retail/loyalty-cards/use-cases/trigger-push-notifications and its like for tickets.
Which fields of event tickets and flights are on Google's list is partly inferred; generic passes, offers and gift cards
have none.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from passes.google.sandbox.layout import card_title
from passes.google.sandbox.paths import resolved, translated
from passes.google.sandbox.refusals import Refusal
from passes.google.sandbox.store import Store
from passes.google.sandbox.wire import Json, is_class, issuer_of

PUSHES, DAY = 3, 24 * 3600
LANGUAGE = "en"  # one text for every phone that holds the pass
LISTED = {
    "loyaltyClass": ("programName", "rewardsTier", "secondaryRewardsTier"),
    "loyaltyObject": ("loyaltyPoints.balance", "secondaryLoyaltyPoints.balance"),
    "eventTicketClass": ("eventName", "dateTime.start", "dateTime.end", "dateTime.doorsOpen", "venue"),
    "eventTicketObject": ("seatInfo.seat", "seatInfo.row", "seatInfo.section", "seatInfo.gate"),
    "flightClass": ("localScheduledDepartureDateTime", "localEstimatedOrActualDepartureDateTime", "origin.gate",
                    "origin.terminal", "destination.gate", "flightStatus"),
    "flightObject": ("boardingAndSeatingInfo.seatNumber", "boardingAndSeatingInfo.boardingGroup"),
}  # fmt: skip


def value_at(body: Mapping[str, Any], path: str) -> Any:
    found: Any = body
    for key in path.split("."):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def changed_fields(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Those that a phone is told of."""
    return [path for path in LISTED.get(kind, ()) if value_at(before, path) != value_at(after, path)]


class Notices:
    """The caller holds the sandbox's lock. `clock`: seconds since the epoch."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.clock = time.time

    def update(self, kind: str, before: Json, after: Json) -> None:
        """A change that asked for a push. Beyond the day's three, and where nobody holds the pass, it is silent."""
        if fields := changed_fields(kind, before, after):
            for held in self._held(kind, after):
                spent = self._left(f"{held}:update") <= 0
                phones = list(self._store.holders.get(held, {}))
                why = "three in 24 hours already" if spent else "" if phones else "nobody holds the pass"
                if not why:
                    self._count(f"{held}:update")
                self._note("update", held, phones, self._title(kind, after), self._texts(kind, after, fields), why)

    def message(self, kind: str, body: Json, message: Json) -> None:
        """A message with a push. Raises Refusal when the day's three are spent."""
        counted, sort = f"{body['id']}:message", "class" if is_class(kind) else "object"
        if self._left(counted) <= 0:
            raise Refusal(
                403, "quotaExceeded",
                f"Quota exceeded for issuer ({issuer_of(body['id'])}) when adding TEXT_AND_NOTIFY message to {sort} "
                f"{body['id']}",
            )  # fmt: skip
        self._count(counted)
        title = translated(message, "header", LANGUAGE) or self._title(kind, body)
        text = translated(message, "body", LANGUAGE)
        for held in self._held(kind, body):
            phones = list(self._store.holders.get(held, {}))
            self._note("message", held, phones, title, text, "" if phones else "nobody holds the pass")

    def _held(self, kind: str, body: Json) -> list[str]:
        if not is_class(kind):
            return [body["id"]]
        objects = self._store.resources[kind.removesuffix("Class") + "Object"]
        return [each["id"] for each in objects.values() if each.get("classId") == body["id"]]

    def _title(self, kind: str, body: Json) -> str:
        """A notice's own heading is Google Wallet's; here it says which card."""
        return card_title(kind.removesuffix("Class").removesuffix("Object"), self._facts(kind, body), LANGUAGE)

    def _texts(self, kind: str, body: Json, fields: list[str]) -> str:
        facts, owner = self._facts(kind, body), "class" if is_class(kind) else "object"
        found = [(path, resolved(facts, f"{owner}.{path}", LANGUAGE)) for path in fields]
        return "; ".join(f"{shown.label or path}: {shown.text}" if shown else f"{path}: –" for path, shown in found)

    def _facts(self, kind: str, body: Json) -> Json:
        if is_class(kind):
            return {"class": body, "object": {}}
        return {"class": self._store.class_of(kind, body), "object": body}

    def _left(self, counted: str) -> int:
        since = self.clock() - DAY
        recent = [at for at in self._store.pushed.get(counted, []) if at > since]
        return PUSHES - len(recent)

    def _count(self, counted: str) -> None:
        since = self.clock() - DAY
        kept = [at for at in self._store.pushed.get(counted, []) if at > since]
        self._store.pushed[counted] = [*kept, self.clock()]

    def _note(self, sort: str, held: str, phones: list[str], title: str, text: str, why: str) -> None:
        """`silent` says why nothing was pushed; empty for a push."""
        self._store.note(
            {"at": self.clock(), "sort": sort, "object": held, "phones": phones, "title": title, "text": text,
             "silent": why}
        )  # fmt: skip
