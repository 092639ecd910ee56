"""A virtual iPhone: adds passes as iOS would, registers them, follows pushes and shows what changed.

Source: developer.apple.com/documentation/walletpasses/adding-a-web-service-to-update-passes
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import requests
from cryptography import x509

from passes.apple.sandbox import cards, webservice
from passes.apple.sandbox.cards import Card, CardId, ScreenEntry
from passes.apple.sandbox.checks import CheckedPass, PassRefused, inspect
from passes.apple.sandbox.fields import ShownField, change_texts, shown_fields
from passes.apple.sandbox.strings import strings_of
from passes.apple.sandbox.webservice import Network, Registered, TaskFailed, WebService


class VirtualIPhone:
    """`root` is the certificate the phone trusts as Apple's. With `state` it survives a restart.

    Calls to the web service run one after another under `_busy`; `_lock` guards the memory and is never held
    during a call, so a screen can be read at any time.
    """

    def __init__(
        self,
        root: x509.Certificate,
        *,
        name: str = "iPhone",
        allow_http: bool = False,
        state: Path | None = None,
        network: Network | None = None,
    ) -> None:
        self.name = name
        self.allow_http = allow_http
        self._root, self._state = root, state
        self._wallet = cards.load(state, root, allow_http=allow_http) if state else cards.Wallet()
        self._lock, self._busy = threading.RLock(), threading.RLock()
        self._waiting: set[str] = set()
        self._service = WebService(self._wallet.device, network or Network())
        self._save()

    @property
    def device(self) -> str:
        return self._wallet.device

    @property
    def push_token(self) -> str:
        return self._wallet.push_token

    @property
    def language(self) -> str:
        return self._wallet.language

    @language.setter
    def language(self, language: str) -> None:
        with self._lock:
            self._wallet.language = language
            self._save()

    @property
    def screen(self) -> list[ScreenEntry]:
        """The lock screen, oldest entry first."""
        with self._lock:
            return [entry.copy() for entry in self._wallet.screen]

    @property
    def passes(self) -> dict[CardId, dict[str, Any]]:
        """By (pass type, serial): {"document", "tag", "last_modified", "fetched_at", "registered"}."""
        with self._lock:
            return {identity: self._described(card) for identity, card in self._wallet.cards.items()}

    @property
    def notices(self) -> list[str]:
        """What the phone forgave or ignored in its cards, each once."""
        with self._lock:
            return list(dict.fromkeys(notice for card in self._cards() for notice in card.checked.notices))

    def summary(self) -> dict[str, Any]:
        """{"name", "device", "push_token", "language", "passes": [Card.summary()], "screen", "notices"}"""
        with self._lock:
            return {
                "name": self.name,
                "device": self.device,
                "push_token": self.push_token,
                "language": self.language,
                "passes": [card.summary() for card in self._cards()],
                "screen": self.screen,
                "notices": self.notices,
            }

    def shown(self) -> list[tuple[Card, list[ShownField]]]:
        """Each card with its fields as this phone's owner reads them."""
        with self._lock:
            return [(card, shown_fields(card.document, self._strings(card.checked))) for card in self._cards()]

    def add(self, source: str | bytes) -> str:
        """Adds a pass from a link or from its bytes and registers for updates; gives its serial number.

        Raises PassRefused with all reasons. A registration that fails is logged and tried again by `refresh`.
        """
        last_modified = None
        if isinstance(source, str):
            response = self._download(source)
            source, last_modified = response.content, response.headers.get("Last-Modified")
        checked = inspect(source, self._root, allow_http=self.allow_http)
        card = Card(checked, time.time(), last_modified)
        with self._busy:
            self._keep(card)
            self._register(card)
        return card.identity[1]

    def remove(self, serial: str) -> bool:
        """Takes the card off the phone and unregisters it; False when there is none."""
        with self._busy:
            found = next((card for card in self._cards() if card.identity[1] == serial), None)
            if found is None:
                return False
            with self._lock:
                del self._wallet.cards[found.identity]
                self._save()
            if found.registration:
                self._attempt(found.registration.url, self._service.unregister, found.registration)
        return True

    def on_push(self, topic: str) -> None:
        """A push for a pass type. Pushes that arrive while one already waits are one, as on a device."""
        with self._lock:
            if topic in self._waiting:
                return
            self._waiting.add(topic)
        with self._busy:
            with self._lock:
                self._waiting.discard(topic)
            self._update(topic)

    def refresh(self) -> None:
        """Pull to refresh: registers what is not registered yet, then asks for updates of everything."""
        with self._busy:
            for card in self._cards():
                if not card.registered:
                    self._register(card)
            for pass_type in sorted({card.identity[0] for card in self._cards()}):
                self._update(pass_type)

    def switch_off(self) -> None:
        """Forgets the stored state; a call still under way leaves nothing behind."""
        with self._lock:
            if self._state:
                self._state.unlink(missing_ok=True)
            self._state = None

    def _download(self, url: str) -> requests.Response:
        try:
            return self._service.download(url)
        except (TaskFailed, requests.RequestException) as error:
            raise PassRefused([str(error)]) from error

    def _register(self, card: Card) -> None:
        if registration := card.registration:
            done = self._attempt(
                registration.url, lambda known: self._service.register(known, self.push_token), registration
            )
            with self._lock:
                card.registered = done
                self._save()

    def _update(self, pass_type: str) -> None:
        urls = {card.registration.url for card in self._cards() if card.registration and card.identity[0] == pass_type}
        for url in sorted(urls):
            self._update_from(url, pass_type)

    def _update_from(self, url: str, pass_type: str) -> None:
        """The tag moves on only when every listed pass was dealt with, so that a failure is asked for again."""
        tag = self._wallet.tags.get((url, pass_type))
        try:
            serials, latest = self._service.updated_serials(url, pass_type, tag)
        except TaskFailed as failure:
            self._log(url, str(failure))
            return
        done = [self._update_card(url, pass_type, serial) for serial in serials]
        if latest is not None and all(done):
            with self._lock:
                self._wallet.tags[url, pass_type] = latest
                self._save()

    def _update_card(self, url: str, pass_type: str, serial: str) -> bool:
        card = self._wallet.cards.get((pass_type, serial))
        registration = card.registration if card else None
        if card is None or registration is None:
            self._log(url, webservice.unregistered_serial(url, pass_type, serial))
            return True
        try:
            response = self._service.fetch(registration, card.last_modified)
            if response is None:
                self._log(url, webservice.unchanged(registration))
            elif response.content == card.checked.data:
                self._log(url, _same_bytes(registration, card.last_modified))
            else:
                self._replace(card, response, registration)
        except TaskFailed as failure:
            self._log(url, str(failure))
            return False
        return True

    def _replace(self, card: Card, response: requests.Response, registration: Registered) -> None:
        try:
            checked = inspect(response.content, self._root, allow_http=self.allow_http)
            _check_same_card(card.document, checked.document)
        except PassRefused as refusal:
            problem = f"Received invalid pass data ({refusal})"
            raise TaskFailed(webservice.fetch_failure(registration, card.last_modified, problem)) from refusal
        now = time.time()
        texts = change_texts(card.document, self._strings(card.checked), checked.document, self._strings(checked))
        title = checked.document["organizationName"]
        with self._lock:
            new: list[ScreenEntry] = [
                {"at": now, "serial": card.identity[1], "title": title, "text": text} for text in texts
            ]
            self._wallet.screen = [*self._wallet.screen, *new][-cards.SCREEN_LIMIT :]
            self._keep(Card(checked, now, response.headers.get("Last-Modified"), card.registered))

    def _attempt(self, url: str, call: Callable[[Registered], None], registration: Registered) -> bool:
        try:
            call(registration)
        except TaskFailed as failure:
            self._log(url, str(failure))
            return False
        return True

    def _log(self, url: str, line: str) -> None:
        self._service.log(url, line, datetime.now().astimezone())

    def _described(self, card: Card) -> dict[str, Any]:
        tag = self._wallet.tags.get((card.document.get("webServiceURL", ""), card.identity[0]))
        return {
            "document": card.document,
            "tag": tag,
            "last_modified": card.last_modified,
            "fetched_at": card.fetched_at,
            "registered": card.registered,
        }

    def _strings(self, checked: CheckedPass) -> dict[str, str]:
        return strings_of(checked.files, self.language)

    def _cards(self) -> list[Card]:
        with self._lock:
            return list(self._wallet.cards.values())

    def _keep(self, card: Card) -> None:
        with self._lock:
            self._wallet.cards[card.identity] = card
            self._save()

    def _save(self) -> None:
        if self._state:
            cards.save(self._state, self._wallet)


def _same_bytes(registration: Registered, modified_since: str | None) -> str:
    if modified_since is None:
        return webservice.unchanged(registration)
    return webservice.ignored_condition(registration, modified_since)


def _check_same_card(old: dict[str, Any], new: dict[str, Any]) -> None:
    """An update may change everything but who the card is and how it speaks to its web service."""
    fixed = ("passTypeIdentifier", "serialNumber", "authenticationToken")
    if changed := [f"{key} must not change in an update." for key in fixed if old.get(key) != new.get(key)]:
        raise PassRefused(changed)
