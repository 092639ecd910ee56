"""The demo's hands outside the portal: a marketer at work in Actito, people at Didomi, and the owners of the phones."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import requests

from integrations.demo.people import ACTITO_KEY, ENTITY, NEWSLETTER, TABLE
from integrations.demo.processes import DemoError
from integrations.didomi.sandbox import API_KEY, ORGANIZATION, SECRET

SECONDS = 20


class ActitoHand:
    """What a person does in Actito, done through its API."""

    def __init__(self, url: str) -> None:
        self._url = url
        token = requests.get(f"{url}/auth/token", headers={"Authorization": ACTITO_KEY}, timeout=SECONDS).json()
        self._headers = {"Authorization": f"Bearer {token['accessToken']}"}

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(method, self._url + path, headers=self._headers, json=body, timeout=SECONDS)
        if not answer.ok:
            raise DemoError(f"Actito's sandbox answered {answer.status_code} to {method} {path}: {answer.text[:200]}")
        return answer.json() if answer.content else None

    def profile_ids(self) -> list[int]:
        found = self._call("GET", f"/v4/entity/{ENTITY}/table/{TABLE}/profile?number=1000")["profiles"]
        return [_attribute(profile, "profileId") for profile in found]

    def profile_id(self, email: str) -> int:
        return int(_attribute(self._profile(f"emailAddress={email}"), "profileId"))

    def attribute(self, profile: int, name: str) -> Any:
        return _attribute(self._profile(str(profile)), name)

    def set_attribute(self, profile: int, name: str, value: Any) -> None:
        body = {"attributes": [{"name": name, "value": value}]}
        self._call("PUT", f"/v4/entity/{ENTITY}/table/{TABLE}/profile/{profile}", body)

    def subscribed(self) -> dict[int, bool]:
        """Id -> whether the profile has the newsletter."""
        found = self._call("GET", f"/v4/entity/{ENTITY}/table/{TABLE}/profile?number=1000")["profiles"]
        return {
            _attribute(each, "profileId"): any(
                one["name"] == NEWSLETTER and one["subscribe"] for one in each["subscriptions"]
            )
            for each in found
        }

    def unsubscribe(self, profile: int) -> datetime:
        """Ends the newsletter. Returns when."""
        at = datetime.now(UTC)
        body = {"attributes": [], "subscriptions": [{"name": NEWSLETTER, "subscribe": False}]}
        self._call("PUT", f"/v4/entity/{ENTITY}/table/{TABLE}/profile/{profile}", body)
        return at

    def _profile(self, which: str) -> dict[str, Any]:
        found: dict[str, Any] = self._call("GET", f"/v4/entity/{ENTITY}/table/{TABLE}/profile/{which}")
        return found

    def post_changes_to(self, url: str, api_key: str) -> None:
        """Makes the webhooks, or turns the existing ones to this address and key."""
        table = self._call("GET", f"/v5/entities/{ENTITY}/profile-tables")["profileTables"][0]["id"]
        action = self._call("GET", f"/v5/entities/{ENTITY}/custom-actions")["customActions"][0]["id"]
        path = f"/v4/entity/{ENTITY}/webhookSubscription"
        # Those of another tenant, whom somebody sets up beside the demo's, stay as they are.
        existing = {
            (hook["eventType"], urlsplit(hook["targetUrl"]).path): hook["id"]
            for hook in self._call("GET", path)["webhookSubscriptions"]
        }
        wanted = {
            "CREATE": ("PROFILE_TABLE", table, "profile/Create"),
            "UPDATE": ("PROFILE_TABLE", table, "profile/Update"),
            "UPDATED_SUBSCRIPTION": ("PROFILE_TABLE", table, "profile/Update"),
            "TRIGGER": ("CUSTOM_ACTION", action, "custom-actions/updatePass"),
        }
        for event_type, (on, element, listener) in wanted.items():
            hook = {
                "on": on,
                "onElementId": element,
                "eventType": event_type,
                "onFields": [],
                "targetUrl": f"{url}/{listener}",
                "headers": {"X-API-KEY": api_key},
                "webhookPushType": "ONE_BY_ONE",
                "isActive": True,
            }
            if known := existing.get((event_type, urlsplit(f"{url}/{listener}").path)):
                self._call("PUT", f"{path}/{known}", hook)
            else:
                self._call("POST", path, hook)

    def last_delivery(self, profile: int) -> dict[str, Any]:
        """The newest push about a profile: {"status", "ms", "sent_at", …}; empty when there was none."""
        logged = self._call("GET", "/_sandbox/deliveries")
        return next((row for row in reversed(logged) if str(row["profile_id"]) == str(profile)), {})


def _attribute(profile: dict[str, Any], name: str) -> Any:
    return next(item["value"] for item in profile["attributes"] if item["name"] == name)


class DidomiHand:
    """What people say at the preference centre, said through Didomi's API."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/v1/consents/events"
        pair = {"type": "api-key", "key": API_KEY, "secret": SECRET}
        token = requests.post(f"{url}/v1/sessions", json=pair, timeout=SECONDS).json()["access_token"]
        self._headers = {"Authorization": f"Bearer {token}"}

    def _call(self, method: str, body: Any = None, **query: str) -> Any:
        asked = {"organization_id": ORGANIZATION, **query}
        answer = requests.request(
            method, self._url, params=asked, json=body, headers=self._headers, timeout=SECONDS
        )  # fmt: skip
        if not answer.ok:
            raise DemoError(f"Didomi's sandbox answered {answer.status_code} to {method}: {answer.text[:200]}")
        return answer.json()

    def say(self, person: str, purpose: str, *, yes: bool) -> datetime:
        """One choice. Returns when it was made."""
        consents = {"purposes": [{"id": purpose, "enabled": yes}]}
        made = self._call("POST", {"user": {"organization_user_id": person}, "consents": consents})
        return datetime.fromisoformat(made["created_at"])

    def last_event(self, person: str) -> dict[str, Any]:
        """The newest event of somebody; empty when there is none."""
        found = self._call("GET", organization_user_id=person)
        rows = found if isinstance(found, list) else found["data"]
        return max(rows, key=lambda row: str(row["created_at"]), default={})


class Phone:
    """A virtual iPhone and its owner."""

    def __init__(self, url: str, name: str, language: str) -> None:
        self._url = f"{url}/phones/{name}"
        requests.put(self._url, json={"language": language}, timeout=SECONDS)

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = requests.get(self._url, timeout=SECONDS).json()
        return found

    def card(self, serial: str) -> dict[str, Any] | None:
        return next((card for card in self.state()["passes"] if card["serial"] == serial), None)

    def add(self, url: str) -> str:
        """Adds a pass; returns its serial number. Raises DemoError with what the phone found wrong."""
        answer = requests.post(f"{self._url}/passes", json={"url": url}, timeout=60)
        if answer.status_code != 201:
            raise DemoError("The iPhone refused the pass: " + " ".join(answer.json().get("reasons", [answer.text])))
        return str(answer.json()["serial"])

    def lock_screen(self, serial: str) -> list[dict[str, Any]]:
        return [entry for entry in self.state()["screen"] if entry["serial"] == serial]


class AndroidPhone:
    """A virtual Android phone and its owner."""

    def __init__(self, url: str, name: str, language: str) -> None:
        self._url = f"{url}/phones/{name}"
        requests.put(self._url, json={"language": language}, timeout=SECONDS)
        # As if 24 hours had passed: Google shows three notifications a day, and a demo is started more often.
        requests.delete(f"{url}/_sandbox/pushed", timeout=SECONDS)

    def add(self, url: str) -> str:
        """Opens the page of a pass and saves it; returns the id of its object. Raises DemoError."""
        answer = requests.post(f"{self._url}/passes", json={"url": url}, timeout=60)
        if answer.status_code != 201:
            raise DemoError("The Android phone got no pass: " + " ".join(answer.json().get("reasons", [answer.text])))
        return str(answer.json()["ids"][0])

    def lock_screen(self, object_id: str) -> list[dict[str, Any]]:
        """[{"at", "sort", "object", "title", "text"}], oldest first."""
        screen = requests.get(self._url, timeout=SECONDS).json()["screen"]
        return [entry for entry in screen if entry["object"] == object_id]
