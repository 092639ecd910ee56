"""The pass web service as a device calls it, one method per call of the protocol.

Source: developer.apple.com/documentation/walletpasses/adding-a-web-service-to-update-passes
The wording of the log lines is what devices have been seen to post.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

import requests

TIMEOUT = (3, 20)
PASS_TYPE = "application/vnd.apple.pkpass"


class TaskFailed(Exception):
    """A call that did not do its work; the text is what the device posts to the web service's log."""


@dataclass(frozen=True)
class Registered:
    """Where one pass is registered, and with which token."""

    url: str
    pass_type: str
    serial: str
    token: str

    @property
    def authorization(self) -> dict[str, str]:
        return {"Authorization": f"ApplePass {self.token}"}


@dataclass(frozen=True)
class Network:
    """`retry_waits`: seconds before each repetition of a call that failed for now. `verify`: as requests has it."""

    retry_waits: Sequence[float] = (0.5, 2.0)
    verify: bool | str = True


class WebService:
    """One phone's calls."""

    def __init__(self, device: str, network: Network) -> None:
        self.device = device
        self.retry_waits = network.retry_waits
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = network.verify
        self.session.headers["User-Agent"] = "VirtualIPhone/1.0 (sandbox)"

    def download(self, url: str) -> requests.Response:
        """The pass behind a link. Redirects are followed, as Safari does; the answer must call itself a pass."""
        response = self.session.get(url, timeout=TIMEOUT)
        kind = response.headers.get("Content-Type", "").split(";")[0].strip()
        if response.status_code != 200:
            raise TaskFailed(f"The link answered {response.status_code}.")
        if kind != PASS_TYPE:
            raise TaskFailed(f"The link answered with Content-Type {kind!r}; Safari needs {PASS_TYPE}.")
        return response

    def register(self, card: Registered, push_token: str) -> None:
        """201 for a new registration, 200 for a known one."""
        response = self._call(
            "POST", card.url, self._registration(card), headers=card.authorization, json={"pushToken": push_token}
        )
        if response.status_code not in {200, 201}:
            raise TaskFailed(self._registration_failure("Register", card, _problem(response)))

    def unregister(self, card: Registered) -> None:
        response = self._call("DELETE", card.url, self._registration(card), headers=card.authorization)
        if response.status_code != 200:
            raise TaskFailed(self._registration_failure("Unregister", card, _problem(response)))

    def updated_serials(self, url: str, pass_type: str, tag: str | None) -> tuple[list[str], str | None]:
        """Serial numbers changed since `tag`, and the next tag. 204 means none."""
        path = f"devices/{self.device}/registrations/{quote(pass_type, safe='')}"
        response = self._call("GET", url, path, params={"passesUpdatedSince": tag} if tag is not None else None)
        if response.status_code == 204:
            return [], tag
        problem = _problem(response) if response.status_code != 200 else ""
        answer = _json(response)
        serials, latest = answer.get("serialNumbers"), answer.get("lastUpdated")
        if not problem and not (isinstance(latest, str) and _is_texts(serials)):
            problem = "Server response was malformed"
        if problem:
            raise TaskFailed(
                f"Get serial #s task (for device {self.device}, pass type {pass_type}, last updated {tag or '(null)'}; "
                f"with web service url {url}) encountered error: {problem}"
            )
        return list(serials or []), latest

    def fetch(self, card: Registered, modified_since: str | None) -> requests.Response | None:
        """The pass as it is now, or None for 304."""
        path = f"passes/{quote(card.pass_type, safe='')}/{quote(card.serial, safe='')}"
        conditional = {"If-Modified-Since": modified_since} if modified_since else {}
        response = self._call("GET", card.url, path, headers={**card.authorization, **conditional})
        if response.status_code == 304:
            return None
        if response.status_code != 200:
            raise TaskFailed(fetch_failure(card, modified_since, _problem(response)))
        if response.headers.get("Content-Type", "").split(";")[0].strip() != PASS_TYPE:
            raise TaskFailed(fetch_failure(card, modified_since, "Server response was malformed"))
        return response

    def log(self, url: str, line: str, at: datetime) -> None:
        """Best effort: a device does not log that it could not log."""
        try:
            self.session.post(
                f"{url.rstrip('/')}/v1/log",
                json={"logs": [f"[{at:%Y-%m-%d %H:%M:%S %z}] {line}"]},
                timeout=TIMEOUT,
                allow_redirects=False,
            )
        except requests.RequestException:
            return

    def _registration(self, card: Registered) -> str:
        return f"devices/{self.device}/registrations/{quote(card.pass_type, safe='')}/{quote(card.serial, safe='')}"

    def _registration_failure(self, task: str, card: Registered, problem: str) -> str:
        return (
            f"{task} task (for device {self.device}, pass type {card.pass_type}, serial number {card.serial}; "
            f"with web service url {card.url}) encountered error: {problem}"
        )

    def _call(self, method: str, url: str, path: str, **arguments: Any) -> requests.Response:
        """Repeats network errors, 429 and 5xx after the waits; then the last answer or failure counts."""
        target = f"{url.rstrip('/')}/v1/{path}"
        for wait in (*self.retry_waits, None):
            try:
                response = self.session.request(method, target, timeout=TIMEOUT, allow_redirects=False, **arguments)
            except requests.RequestException:
                if wait is None:
                    raise TaskFailed(f"{method} {target} encountered error: The network connection was lost.") from None
            else:
                if wait is None or not (response.status_code == 429 or response.status_code >= 500):
                    return response
            time.sleep(wait)
        raise AssertionError("the last round returns or raises")


def fetch_failure(card: Registered, modified_since: str | None, problem: str) -> str:
    return (
        f"Get pass task (pass type {card.pass_type}, serial number {card.serial}, "
        f"if-modified-since {modified_since or '(null)'}; with web service url {card.url}) encountered error: {problem}"
    )


def unchanged(card: Registered) -> str:
    return (
        f"Web service error for {card.pass_type} ({card.url}): "
        f"Server requested update to serial number '{card.serial}', but the pass was unchanged."
    )


def ignored_condition(card: Registered, modified_since: str) -> str:
    return (
        f"Web service error for {card.pass_type} ({card.url}): Server ignored the 'if-modified-since' header "
        f"({modified_since}) and returned the full unchanged pass data for serial number '{card.serial}'."
    )


def unregistered_serial(url: str, pass_type: str, serial: str) -> str:
    return f"Web service error for {pass_type} ({url}): Update requested for unregistered serial number {serial}"


def _problem(response: requests.Response) -> str:
    if response.status_code == 401:
        return "Authentication failure"
    return f"Unexpected response code {response.status_code}"


def _json(response: requests.Response) -> dict[str, Any]:
    try:
        found = response.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
