"""A virtual Android phone: follows the link on the landing page, saves, shows the card, hears of news, removes.

Google keeps what a person holds in the account, not on the phone: so does the sandbox.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import requests

from passes.google.sandbox.layout import Card, card_of
from passes.google.sandbox.links import LinkRefused
from passes.google.sandbox.saving import SaveRoutes
from passes.google.sandbox.wire import Json

TIMEOUT, HOPS, LONGEST_WAIT = (3, 20), 20, 5.0
SAVE_PATH = "/gp/v/save/"
_REFRESH = re.compile(r"\s*(\d+(?:\.\d+)?)\s*;\s*url=(.+)", re.IGNORECASE)
BROWSER = (
    "Mozilla/5.0 (Linux; Android 16; Sandbox) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Mobile Safari/537.36"
)


class VirtualAndroid:
    """`name` is the person's, who is signed in on it."""

    def __init__(self, google: SaveRoutes, name: str) -> None:
        self.name = name
        self._google = google
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.update({"User-Agent": BROWSER, "Accept": "text/html"})

    @property
    def language(self) -> str:
        return self._google.store.phones.get(self.name, "en")

    @language.setter
    def language(self, language: str) -> None:
        with self._google.lock:
            self._google.store.phones[self.name] = language
            self._google.store.save()

    def add(self, address: str) -> list[str]:
        """Opens a save link, or a page that has one, and presses the button; gives the ids of the saved objects.

        Raises LinkRefused with all reasons.
        """
        token = self._token(address)
        self._see(f"{self._google.url}{SAVE_PATH}{token}?phone={self.name}")
        return self._google.save(token, self.name)

    def remove(self, resource: str) -> bool:
        """Takes the pass out of the wallet; False when it was not in there."""
        return self._google.remove(resource, self.name)

    def cards(self) -> list[Card]:
        """What is in the wallet, newest first."""
        with self._google.lock:
            held = [(at, resource) for resource, by in self._google.store.holders.items() if (at := by.get(self.name))]
            found = [self._google.store.find(resource, classes=False) for _, resource in sorted(held, reverse=True)]
            return [self._card(*each) for each in found if each]

    @property
    def screen(self) -> list[Json]:
        """The notifications, oldest first: {"at", "sort", "object", "title", "text"}."""
        with self._google.lock:
            return [
                {key: each[key] for key in ("at", "sort", "object", "title", "text")}
                for each in self._google.store.notices
                if not each["silent"] and self.name in each["phones"]
            ]

    def summary(self) -> Json:
        """{"name", "language", "passes": [Card.summary()], "screen"}"""
        return {
            "name": self.name,
            "language": self.language,
            "passes": [card.summary() for card in self.cards()],
            "screen": self.screen,
        }

    def _card(self, kind: str, body: Json) -> Card:
        return card_of(kind, self._google.store.class_of(kind, body), body, self.language)

    def _token(self, address: str) -> str:
        """Follows redirects, pages that come back by themselves, and a page's first link that leads on to Google."""
        for _ in range(HOPS):
            parts = urlsplit(address)
            if parts.path.startswith(SAVE_PATH):
                if f"{parts.scheme}://{parts.netloc}" != self._google.url:
                    raise LinkRefused(f"The link leads to {parts.netloc}, not to this sandbox.")
                return unquote(parts.path.removeprefix(SAVE_PATH))
            address = self._next(address)
        raise LinkRefused(f"No save link within {HOPS} steps.")

    def _next(self, address: str) -> str:
        response = self._call(address)
        if response.is_redirect:
            return urljoin(address, response.headers["Location"])
        if response.status_code != 200:
            raise LinkRefused(f"{address} answered {response.status_code}.")
        if again := _REFRESH.fullmatch(response.headers.get("Refresh", "")):
            time.sleep(min(float(again[1]), LONGEST_WAIT))
            return urljoin(address, str(again[2]))
        links = _Links()
        links.feed(response.text)
        found = [urljoin(address, link) for link in links.found]
        for fits in (
            lambda link: SAVE_PATH in urlsplit(link).path,
            lambda link: urlsplit(link).path.endswith("/google"),
        ):
            if wanted := next(filter(fits, found), None):
                return wanted
        raise LinkRefused(f"{address} has no link to Google Wallet.")

    def _see(self, address: str) -> None:
        """The page must come before its button can be pressed; its refusal is told by `save`, in reasons."""
        if (status := self._call(address).status_code) not in {200, 400}:
            raise LinkRefused(f"The save page answered {status}.")

    def _call(self, address: str) -> requests.Response:
        try:
            return self._session.get(address, timeout=TIMEOUT, allow_redirects=False)
        except (requests.RequestException, ValueError) as error:
            raise LinkRefused(f"{address} cannot be opened: {error}") from error


class _Links(HTMLParser):
    """The addresses that a page links to, in its order."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given: Mapping[str, Any] = dict(attrs)
        if tag == "a" and given.get("href"):
            self.found.append(given["href"])
