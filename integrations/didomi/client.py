"""Didomi's platform API, as far as the portal uses it. Facts and open points: docs/connect-didomi.md.

Errors are ApiError with what follows from them; what a status means for one call stands with that call.
https://developers.didomi.io/api-and-platform/introduction
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from integrations.didomi.addresses import api
from integrations.didomi.answers import (
    DidomiUser,
    Preference,
    Purpose,
    parse_event,
    parse_page,
    parse_preferences,
    parse_purposes,
    parse_users,
)
from integrations.didomi.models import DidomiConnection
from integrations.didomi.tokens import hidden, tokens
from portal import text
from portal.http import READ_SECONDS, Answer, ApiError, call, judge
from portal.ledger.failure import Decision
from portal.ledger.registry import Trail
from portal.sentences import Sentence, say

TARGET = "Didomi"
GDPR = "gdpr"  # what Didomi takes where a call names no regulation
MOST_PAGES = 50


class DidomiClient:
    """Calls for one connection. `trail` is where the calls are noted; without one they are not."""

    # How long an answer may take: shorter where a person waits for it.
    read_seconds: float = READ_SECONDS

    def __init__(self, connection: DidomiConnection, trail: Trail | None = None) -> None:
        self.connection = connection
        self.trail = trail

    def users(self, organization_user_id: str, *, regulation: str = GDPR) -> list[DidomiUser]:
        """Everybody whom Didomi knows by this id of ours, under one regulation; empty for nobody.

        Raises ApiError.
        """
        asked = {"organization_user_id": organization_user_id, **_other(regulation)}
        return parse_users(self._list("/consents/users", asked), organization_user_id, regulation)

    def events(self, organization_user_id: str, *, regulation: str = GDPR, status: str = "") -> list[dict[str, Any]]:
        """A person's consent events as Didomi keeps them: the confirmed ones, or those of another status.

        Raises ApiError.
        """
        asked = {"organization_user_id": organization_user_id, **_other(regulation)}
        asked |= {"status": status} if status else {}
        found = self._list("/consents/events", asked)
        return [each for each in found if isinstance(each, dict)]

    def event(self, event: str, *, organization_user_id: str = "") -> dict[str, Any] | None:
        """The consent event with this id; None when there is none (404). Raises ApiError."""
        asked = {"organization_user_id": organization_user_id} if organization_user_id else {}
        answer = self._call("GET", f"/consents/events/{quote(event, safe='')}", asked)
        if answer.status == 404 and _is_didomis(answer):
            return None
        return parse_event(self._judged(answer).json(), event)

    def post_event(self, body: Mapping[str, Any], *, disable_integrations: bool = True) -> bool:
        """Makes a consent event; True when it was made, False when Didomi had it already.

        Its `id` is the caller's, and the same for the same change: so nothing happens twice if a lost answer lets the
        call be repeated. Didomi does not say how it refuses an id that it has, so a refusal is looked into.
        Raises ApiError; whatever else Didomi finds wrong with the event is no matter of the connection.
        """
        # Didomi's own integrations need not hear again of what comes from one of them.
        asked = {"$disable_integrations": "true" if disable_integrations else "false"}
        whole = {**body, "organization_id": self.connection.organization_id}
        answer = self._call("POST", "/consents/events", asked, whole)
        if answer.status == 409 or (answer.status in {400, 422} and self._has(body)):
            return False
        self._judged(answer)
        if answer.body.strip():
            answer.json()  # a page of something in between is no receipt: the next try finds the event, or makes it
        return True

    def _has(self, body: Mapping[str, Any]) -> bool:
        """Whether the event of this id is there, after Didomi refused it. A key that may not read it cannot tell."""
        if not body.get("id"):
            return False
        try:
            return self.event(str(body["id"]), organization_user_id=_person(body)) is not None
        except ApiError as error:
            if error.status in {400, 403}:
                return False
            raise

    def purposes(self) -> list[Purpose]:
        """What the organisation asks people for. Raises ApiError; a 403 or 404 concerns the catalogue alone."""
        return parse_purposes(self._catalogue("/metadata/purposes"))

    def preferences(self) -> list[Preference]:
        """The library of preferences with their values. Raises ApiError; a 403 or 404 concerns the catalogue alone."""
        return parse_preferences(self._catalogue("/preferences"))

    def _catalogue(self, path: str) -> list[Any]:
        try:
            return self._list(path, {})
        except ApiError as error:
            if error.status not in {403, 404}:
                raise
            raise ApiError(_hidden_catalogue(self.connection, path, error.status), Decision.DEAD,
                           status=error.status) from error  # fmt: skip

    def renew_token(self) -> None:
        """Asks Didomi for a new token now, for a test of the key. Raises ApiError."""
        tokens.renew(self.connection, self.trail, self.read_seconds)

    def _list(self, path: str, asked: Mapping[str, str]) -> list[Any]:
        """All pages of a list, which is empty where nothing is found: a 404 tells of a wrong organisation or address.

        Raises ApiError.
        """
        rows: list[Any] = []
        more: dict[str, str] = {}
        for _page in range(MOST_PAGES):
            answer = self._call("GET", path, {**asked, **more})
            page = parse_page(self._judged(answer).json())
            rows += page.rows
            if not page.next or page.next == more:
                return rows
            more = page.next
        raise ApiError(say("Didomi's list has more than %(count)s pages.", count=MOST_PAGES), Decision.DEAD)

    def _judged(self, answer: Answer) -> Answer:
        """The answer, if it is a success. Raises ApiError: a 403 or 404 here is about the connection."""
        if answer.status == 403:
            said = say(
                "Didomi does not let the API key of “%(connection)s” do this in the organisation “%(organisation)s”. "
                "Check the organisation ID, and the key's rights in Didomi's console.",
                connection=self.connection.name, organisation=self.connection.organization_id,
            )  # fmt: skip
            raise ApiError(said, Decision.PAUSE, status=403)
        if answer.status == 404:
            said = say(
                "Didomi knows no such address, or not the organisation “%(organisation)s”. Check the API address and "
                "the organisation ID.", organisation=self.connection.organization_id,
            )  # fmt: skip
            raise ApiError(said, Decision.PAUSE, status=404)
        if error := judge(answer, TARGET):
            raise error
        return answer

    def _call(self, method: str, path: str, asked: Mapping[str, str], body: Any = None) -> Answer:
        """One call with a token; an expired or withdrawn one is renewed once."""
        query = urlencode({"organization_id": self.connection.organization_id, **asked}, safe="$")
        url = f"{api(self.connection, path)}?{query}"
        token = self._token()
        answer = self._send(method, url, token, body)
        if answer.status == 401:
            tokens.forget(self.connection, token)
            answer = self._send(method, url, self._token(), body)
        return answer

    def _send(self, method: str, url: str, token: str, body: Any) -> Answer:
        headers = {"Accept": "application/json", "Authorization": f"Bearer {token}"}
        return call(
            method, url, target=TARGET, trail=self.trail, headers=headers, body=body, read_seconds=self.read_seconds,
            hide=hidden(self.connection),
        )  # fmt: skip

    def _token(self) -> str:
        return tokens.get(self.connection, self.trail, self.read_seconds)


def _other(regulation: str) -> dict[str, str]:
    return {"regulation": regulation} if regulation and regulation != GDPR else {}


def _person(body: Mapping[str, Any]) -> str:
    user = body.get("user")
    return str(user.get("organization_user_id") or "") if isinstance(user, Mapping) else ""


def _is_didomis(answer: Answer) -> bool:
    """Whether an error is in Didomi's own words, {"code": 404, "name": "NotFound", …}, and not a gateway's page."""
    try:
        body = text.loads(answer.body)
    except ValueError:
        return False
    return isinstance(body, dict) and (body.get("name") == "NotFound" or str(body.get("code")) == "404")


def _hidden_catalogue(connection: DidomiConnection, path: str, status: int | None) -> Sentence:
    what = say("purposes") if "purposes" in path else say("preferences")
    if status == 403:
        return say(
            "The API key of “%(connection)s” may not read %(what)s. Give it that right in Didomi's console, then read "
            "the catalogue again.", connection=connection.name, what=what,
        )  # fmt: skip
    return say(
        "Didomi knows no %(what)s of the organisation “%(organisation)s”, or hides them from this key.",
        what=what, organisation=connection.organization_id,
    )  # fmt: skip
