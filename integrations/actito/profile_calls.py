"""Writing profiles at Actito: create, update, subscriptions, search, delete. What a status means stands with each call.

https://developers.actito.com/docs/use-cases/datasync/api/profile-tables
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from integrations.actito.answers import (
    ActitoProfile,
    created_id,
    parse_found,
    parse_subscriptions,
)
from integrations.actito.client import TARGET, ActitoClient, segment
from portal.http import Answer, ApiError, judge
from portal.ledger.failure import Decision
from portal.sentences import Sentence, joined, say

SEARCH_MOST = 100

# Where a table says nothing, a status means what it means everywhere (portal.http.judge). A right that is missing to
# write must not stop what is read, so a 403 of these calls is theirs alone.
_NO_RIGHT = say("The API key may not change profiles. Give it that right in Actito, then replay.")
_NOT_TAKEN = say("Actito did not take the values: it has no such attribute, or it takes other values.")
_TAKEN = say("Another profile has this value of a unique attribute.")
_NO_TABLE = say("Actito has no such profile table, or hides it from this key.")
CREATE = {403: _NO_RIGHT, 400: _NOT_TAKEN, 422: _NOT_TAKEN, 409: _TAKEN, 404: _NO_TABLE}
UPDATE = {403: _NO_RIGHT, 400: _NOT_TAKEN, 422: _NOT_TAKEN, 409: _TAKEN}
DELETE = {403: _NO_RIGHT}
SUBSCRIBE = {
    403: _NO_RIGHT,
    404: say("Actito knows the profile or the subscription no more, or hides it from this key."),
}
SEARCH = {
    403: say("The API key may not list profiles. Give it that right in Actito."),
    400: say("Actito does not search by this attribute."),
    404: _NO_TABLE,
}
# A 5xx or a 408 to a call that must not be repeated: 503 alone says that nothing was done.
_NOT_DONE = 503


class ProfileClient(ActitoClient):
    """The client, with the calls that change profiles and look for them. Each raises ApiError."""

    def update_profile(
        self, profile: str, attributes: Mapping[str, Any], subscriptions: Mapping[str, bool] | None = None
    ) -> bool:
        """Changes these attributes of the profile with this id, or `attribute=value`; others stay. None empties one.

        May be repeated. False: there is no such profile (404), or this key does not see it.
        """
        answer = self._call("PUT", "profiles", self._profile(profile), _body(attributes, subscriptions))
        return _happened(answer, UPDATE)

    def create_profile(
        self,
        attributes: Mapping[str, Any],
        subscriptions: Mapping[str, bool] | None = None,
        *,
        allow_update: bool = False,
        repeatable: bool = False,
    ) -> str:
        """Makes a profile and gives its id, or "" where the answer holds none.

        `allow_update`: whoever has one of its unique values already is changed instead; else that is an error (409).
        Made once: whether it was heard or not, nobody but a person repeats it. `repeatable`: for who has looked that
        there is none, looks again before the next try, and sends the unique attribute, so that a second is refused.
        """
        query = urlencode({"allowUpdate": str(allow_update).lower()})
        path = f"{self._table()}/profile?{query}"
        answer = self._call("POST", "profiles", path, _body(attributes, subscriptions), repeatable=repeatable)
        if not repeatable and (answer.status == 408 or (answer.status >= 500 and answer.status != _NOT_DONE)):
            said = say("Actito answered %(status)s, and may have made the profile. Look there.", status=answer.status)
            raise ApiError(said, Decision.UNCERTAIN, status=answer.status)
        if refusal := _refusal(answer, CREATE):
            raise refusal
        return created_id(answer.body, answer.headers.get("location", ""))

    def delete_profile(self, profile: str) -> bool:
        """False: there was none (404), or this key does not see it. May be repeated."""
        return _happened(self._call("DELETE", "profiles", self._profile(profile)), DELETE)

    def search(self, attribute: str, value: str, most: int = SEARCH_MOST) -> list[ActitoProfile]:
        """The profiles whose attribute has this value, at most so many of them."""
        query = urlencode({"search": f"{attribute}={value}", "number": min(most, SEARCH_MOST)}, quote_via=quote)
        answer = self._call("GET", "profiles", f"{self._table()}/profile?{query}")
        if refusal := _refusal(answer, SEARCH):
            raise refusal
        return parse_found(answer.json())[:most]

    def subscriptions(self, profile: str) -> dict[str, bool] | None:
        """Technical name -> whether the profile is subscribed; None when there is no such profile (404)."""
        answer = self._call("GET", "profiles", f"{self._profile(profile)}/subscription")
        return parse_subscriptions(answer.json()) if _happened(answer, {}) else None

    def subscribe(self, profile: str, subscription: str, wanted: bool = True) -> None:
        """Subscribes the profile, or ends its subscription. Takes a technical name; may be repeated."""
        path = f"{self._profile(profile)}/subscription/{quote(subscription, safe='')}"
        if refusal := _refusal(self._call("POST" if wanted else "DELETE", "profiles", path), SUBSCRIBE):
            raise refusal

    def _profile(self, profile: str) -> str:
        return f"{self._table()}/profile/{segment(profile)}"


def _body(attributes: Mapping[str, Any], subscriptions: Mapping[str, bool] | None) -> dict[str, Any]:
    """A part that is not sent stays as it is."""
    body: dict[str, Any] = {"attributes": [{"name": name, "value": value} for name, value in attributes.items()]}
    if subscriptions:
        body["subscriptions"] = [{"name": name, "subscribe": wanted} for name, wanted in subscriptions.items()]
    return body


def _happened(answer: Answer, meanings: Mapping[int, Sentence]) -> bool:
    """Whatever a success holds, it is one: Actito's pages leave its body open. False for a 404."""
    if answer.status == 404:
        return False
    if refusal := _refusal(answer, meanings):
        raise refusal
    return True


def _refusal(answer: Answer, meanings: Mapping[int, Sentence]) -> ApiError | None:
    general = judge(answer, TARGET)
    if general is None or answer.status not in meanings:
        return general
    return ApiError(joined([meanings[answer.status], general.sentence]), Decision.DEAD, status=answer.status)
