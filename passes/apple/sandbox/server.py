"""Apple in one process: the authority, the push service, the phones, and the HTTP server that steers them."""

from __future__ import annotations

import re
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

from passes.apple.sandbox.apns import ApnsFault, ApnsSandbox
from passes.apple.sandbox.authority import Authority
from passes.apple.sandbox.checks import PassRefused
from passes.apple.sandbox.iphone import VirtualIPhone
from passes.apple.sandbox.page import SECURITY, render
from passes.apple.sandbox.webservice import Network
from portal.sandbox import Request, Response, Sandbox, route

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
LANGUAGES = {"en", "fr", "nl"}


class AppleSandbox:
    """With a `directory` the authority and the phones survive a restart. Phones accept http web services."""

    def __init__(
        self,
        directory: Path | None = None,
        host: str = "127.0.0.1",
        apns_port: int = 0,
        control_port: int = 0,
        *,
        network: Network | None = None,
    ) -> None:
        self.authority = Authority(directory / "authority" if directory else None)
        self.apns = ApnsSandbox(self.authority, host, apns_port, self._on_push)
        self.control = PhoneControl(self, host, control_port)
        self._network = network
        self._folder = directory / "phones" if directory else None
        self._lock = threading.RLock()
        self._phones: dict[str, VirtualIPhone] = {}
        if self._folder:
            self._folder.mkdir(parents=True, exist_ok=True)
            for file in sorted(self._folder.glob("*.json")):
                self.phone(file.stem)

    @property
    def control_url(self) -> str:
        return self.control.url

    def start(self) -> None:
        self.apns.start()
        self.control.start()

    def stop(self) -> None:
        self.control.stop()
        self.apns.stop()

    def phones(self) -> list[VirtualIPhone]:
        with self._lock:
            return list(self._phones.values())

    def find(self, name: str) -> VirtualIPhone | None:
        with self._lock:
            return self._phones.get(name)

    def phone(self, name: str) -> VirtualIPhone:
        """The phone of that name; switched on when there is none yet. Raises ValueError for a name unfit for a file."""
        if not NAME.fullmatch(name):
            raise ValueError("A phone's name has letters, digits, - and _, 40 at most.")
        with self._lock:
            if name not in self._phones:
                state = self._folder / f"{name}.json" if self._folder else None
                phone = VirtualIPhone(
                    self.authority.root, name=name, allow_http=True, state=state, network=self._network
                )
                self._phones[name] = phone
                self.apns.register_token(phone.push_token)
            return self._phones[name]

    def wipe(self, name: str) -> bool:
        """Loses a phone without a word to the web service: its token is 410 from now on. False when there is none."""
        with self._lock:
            phone = self._phones.pop(name, None)
            if phone is None:
                return False
            self.apns.remove_token(phone.push_token)
            phone.switch_off()
        return True

    def _on_push(self, token: str, topic: str) -> None:
        for phone in self.phones():
            if phone.push_token == token:
                phone.on_push(topic)


class PhoneControl(Sandbox):
    """What a tester does with the hands: adding passes, looking at screens, arming faults."""

    name: ClassVar[str] = "apple"

    def __init__(self, apple: AppleSandbox, host: str = "127.0.0.1", port: int = 0) -> None:
        self.apple = apple
        super().__init__(host, port)

    def handle(self, request: Request) -> Response:
        """A body or a name that makes no sense is 400 with the reason."""
        try:
            return super().handle(request)
        except (ValueError, KeyError, TypeError) as error:
            return Response(400, {"message": f"{type(error).__name__}: {error}"})

    @route("GET", "/")
    def page(self, request: Request) -> Response:
        return Response(200, render(self.apple.phones()), {"Content-Security-Policy": SECURITY})

    @route("GET", "/phones")
    def list_phones(self, request: Request) -> Response:
        return Response(200, [phone.summary() for phone in self.apple.phones()])

    @route("GET", "/phones/(?P<name>[^/]+)")
    def show_phone(self, request: Request, name: str) -> Response:
        phone = self.apple.find(name)
        return Response(200, phone.summary()) if phone else _no_phone(name)

    @route("PUT", "/phones/(?P<name>[^/]+)")
    def set_phone(self, request: Request, name: str) -> Response:
        language = _body(request).get("language", "en")
        if language not in LANGUAGES:
            raise ValueError(f"language is one of {', '.join(sorted(LANGUAGES))}")
        phone = self.apple.phone(name)
        phone.language = language
        return Response(200, phone.summary())

    @route("DELETE", "/phones/(?P<name>[^/]+)")
    def wipe_phone(self, request: Request, name: str) -> Response:
        return Response(204) if self.apple.wipe(name) else _no_phone(name)

    @route("POST", "/phones/(?P<name>[^/]+)/passes")
    def add_pass(self, request: Request, name: str) -> Response:
        url = _body(request)["url"]
        if not isinstance(url, str):
            raise TypeError("url must be a text")
        try:
            return Response(201, {"serial": self.apple.phone(name).add(url)})
        except PassRefused as refusal:
            return Response(422, {"reasons": refusal.reasons})

    @route("DELETE", "/phones/(?P<name>[^/]+)/passes/(?P<serial>[^/]+)")
    def remove_pass(self, request: Request, name: str, serial: str) -> Response:
        phone = self.apple.find(name)
        if phone and phone.remove(serial):
            return Response(204)
        return Response(404, {"message": f"No pass {serial!r} on the phone {name!r}."})

    @route("POST", "/phones/(?P<name>[^/]+)/refresh")
    def refresh_phone(self, request: Request, name: str) -> Response:
        phone = self.apple.find(name)
        if phone is None:
            return _no_phone(name)
        phone.refresh()
        return Response(200, phone.summary())

    @route("POST", "/certificates")
    def issue_certificate(self, request: Request) -> Response:
        wanted = _body(request)
        credentials = self.apple.authority.issue_pass_certificate(
            wanted["pass_type_identifier"], wanted["team_identifier"], wanted["organization"]
        )
        return Response(201, asdict(credentials))

    @route("GET", "/certificates/root")
    def root_certificate(self, request: Request) -> Response:
        return Response(200, self.apple.authority.root_pem, {"Content-Type": "application/x-pem-file"})

    @route("POST", "/_sandbox/apns-faults")
    def arm_apns(self, request: Request) -> Response:
        fault = ApnsFault(**_body(request))
        if fault.kind not in {"status", "slow", "goaway", "drop"}:
            raise ValueError(f"unknown kind {fault.kind!r}")
        self.apple.apns.arm(fault)
        return Response(201, asdict(fault))

    @route("DELETE", "/_sandbox/apns-faults")
    def disarm_apns(self, request: Request) -> Response:
        self.apple.apns.disarm()
        return Response(204)

    @route("GET", "/_sandbox/apns")
    def show_apns(self, request: Request) -> Response:
        return Response(200, {"url": self.apple.apns.url, "pushes": self.apple.apns.log()})


def _body(request: Request) -> dict[str, Any]:
    body = request.json()
    if not isinstance(body, dict):
        raise TypeError("the body must be a JSON object")
    return body


def _no_phone(name: str) -> Response:
    return Response(404, {"message": f"No phone {name!r}."})
