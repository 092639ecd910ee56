"""Whether a card and the web service that it names keep to Apple's rules, asked as a new phone would.

Each rule is asked on its own, and its answer says what was seen. The phone registers for the card and unregisters: it
leaves nothing behind, and its push token is nobody's.

Source: developer.apple.com/documentation/walletpasses/adding-a-web-service-to-update-passes
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests
from cryptography import x509

from passes.apple.sandbox.checks import CheckedPass, PassRefused, inspect
from passes.apple.sandbox.webservice import PASS_TYPE, TIMEOUT, Network, Registered


@dataclass(frozen=True)
class Finding:
    """`broken`: what was seen instead, empty where the rule was kept. A `notice` is of what a phone forgives."""

    rule: str
    broken: str = ""
    notice: str = ""


class Probe:
    """A phone that nobody knows, and the card that it holds."""

    def __init__(self, card: CheckedPass, root: x509.Certificate, network: Network, *, allow_http: bool) -> None:
        document = card.document
        self.card = Registered(
            document["webServiceURL"], document["passTypeIdentifier"], document["serialNumber"],
            document["authenticationToken"],
        )  # fmt: skip
        self.root, self.allow_http = root, allow_http
        self.device, self.push_token = secrets.token_hex(16), secrets.token_hex(32)
        self.tag, self.last_modified = "", ""
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = network.verify

    def ask(self, method: str, path: str, *, token: str | None = "", slash: str = "", **more: Any) -> requests.Response:
        """`token`: the card's own by default, None for none. Raises requests.RequestException."""
        headers = more.pop("headers", {})
        if token is not None:
            headers = {**headers, "Authorization": f"ApplePass {token or self.card.token}"}
        url = f"{self.card.url.rstrip('/')}{slash}/v1/{path}"
        return self._session.request(method, url, headers=headers, timeout=TIMEOUT, allow_redirects=False, **more)

    def registration(self, serial: str = "") -> str:
        return f"{self.list}/{quote(serial or self.card.serial, safe='')}"

    @property
    def list(self) -> str:
        return f"devices/{self.device}/registrations/{quote(self.card.pass_type, safe='')}"

    @property
    def itself(self) -> str:
        return f"passes/{quote(self.card.pass_type, safe='')}/{quote(self.card.serial, safe='')}"

    def register(self, **more: Any) -> requests.Response:
        return self.ask("POST", self.registration(), json={"pushToken": self.push_token}, **more)


def check_card(data: bytes, root: x509.Certificate, *, allow_http: bool) -> tuple[CheckedPass | None, list[Finding]]:
    """The card as a phone takes it, None where it takes it not; one finding per reason or notice."""
    rule = "A phone adds the card."
    try:
        card = inspect(data, root, allow_http=allow_http)
    except PassRefused as refusal:
        return None, [Finding(rule, reason) for reason in refusal.reasons]
    return card, [Finding(rule), *(Finding(rule, notice=notice) for notice in card.notices)]


def check_service(probe: Probe) -> Iterator[Finding]:
    """One finding per rule, in the order in which they are asked."""
    for rule, kept in RULES:
        try:
            yield Finding(rule, kept(probe))
        except requests.RequestException as problem:
            yield Finding(rule, f"No answer ({type(problem).__name__}).")


def _status(answer: requests.Response, *expected: int) -> str:
    if answer.status_code in expected:
        return ""
    return f"It answered {answer.status_code}, not {' or '.join(map(str, expected))}."


def _address(probe: Probe) -> str:
    return "It ends in /v1, which phones add themselves." if probe.card.url.rstrip("/").endswith("/v1") else ""


def _wrong_token(probe: Probe) -> str:
    return _status(probe.register(token="0" * 32), 401)


def _no_token(probe: Probe) -> str:
    return _status(probe.register(token=None), 401)


def _unknown_serial(probe: Probe) -> str:
    known = probe.ask("GET", probe.itself, token="0" * 32)
    path = f"passes/{quote(probe.card.pass_type, safe='')}/{secrets.token_hex(16)}"
    unknown = probe.ask("GET", path, token="0" * 32)
    if (known.status_code, known.content) != (unknown.status_code, unknown.content):
        return f"The answers differ: {known.status_code} and {unknown.status_code}."
    return _status(unknown, 401)


def _no_push_token(probe: Probe) -> str:
    status = probe.ask("POST", probe.registration(), data=b"{").status_code
    return "" if 400 <= status < 500 else f"It answered {status}."


def _registers(probe: Probe) -> str:
    return _status(probe.register(), 201)


def _registers_again(probe: Probe) -> str:
    probe.push_token = secrets.token_hex(32)
    return _status(probe.register(), 200)


def _lists(probe: Probe) -> str:
    answer = probe.ask("GET", probe.list, token=None)
    if answer.status_code != 200:
        return _status(answer, 200)
    serials, tag = _listed(answer)
    if tag is None:
        return "lastUpdated is not a text."
    probe.tag = tag
    return "" if probe.card.serial in serials else "The card is missing in serialNumbers."


def _listed(answer: requests.Response) -> tuple[list[str], str | None]:
    try:
        told = answer.json()
    except ValueError:
        return [], None
    told = told if isinstance(told, dict) else {}
    serials, tag = told.get("serialNumbers"), told.get("lastUpdated")
    return serials if isinstance(serials, list) else [], tag if isinstance(tag, str) else None


def _lists_nothing_new(probe: Probe) -> str:
    return _status(probe.ask("GET", probe.list, token=None, params={"passesUpdatedSince": probe.tag}), 204)


def _reads_any_tag(probe: Probe) -> str:
    answer = probe.ask("GET", probe.list, token=None, params={"passesUpdatedSince": "not a tag"})
    return _status(answer, 200) or ("" if probe.card.serial in _listed(answer)[0] else "The card is missing.")


def _lists_nothing_for_strangers(probe: Probe) -> str:
    path = probe.list.replace(probe.device, secrets.token_hex(16))
    return _status(probe.ask("GET", path, token=None), 204, 404)


def _gives_the_pass(probe: Probe) -> str:
    answer = probe.ask("GET", probe.itself)
    if answer.status_code != 200:
        return _status(answer, 200)
    kind = answer.headers.get("Content-Type", "").split(";")[0].strip()
    probe.last_modified = answer.headers.get("Last-Modified", "")
    if kind != PASS_TYPE:
        return f"Its Content-Type is {kind}, not {PASS_TYPE}."
    return "" if probe.last_modified else "It has no Last-Modified."


def _gives_the_same_card(probe: Probe) -> str:
    try:
        document = inspect(probe.ask("GET", probe.itself).content, probe.root, allow_http=probe.allow_http).document
    except PassRefused as refusal:
        return str(refusal)
    fixed = {"passTypeIdentifier": probe.card.pass_type, "serialNumber": probe.card.serial,
             "authenticationToken": probe.card.token}  # fmt: skip
    changed = [name for name, value in fixed.items() if document.get(name) != value]
    return f"These are not the card's: {', '.join(changed)}." if changed else ""


def _gives_nothing_unchanged(probe: Probe) -> str:
    answer = probe.ask("GET", probe.itself, headers={"If-Modified-Since": probe.last_modified})
    return _status(answer, 304)


def _gives_the_head(probe: Probe) -> str:
    answer = probe.ask("HEAD", probe.itself)
    return _status(answer, 200) or ("" if not answer.content else "It has a body.")


def _gives_nothing_to_strangers(probe: Probe) -> str:
    return _status(probe.ask("GET", probe.itself, token="0" * 32), 401)


def _takes_two_slashes(probe: Probe) -> str:
    return _status(probe.ask("GET", probe.itself, slash="/"), 200)


def _takes_logs(probe: Probe) -> str:
    line = f"Conformance check of {probe.card.pass_type}: a line that a phone might send."
    return _status(probe.ask("POST", "log", token=None, json={"logs": [line]}), 200)


def _keeps_who_is_registered(probe: Probe) -> str:
    return _status(probe.ask("DELETE", probe.registration(), token="0" * 32), 401)


def _unregisters(probe: Probe) -> str:
    return _status(probe.ask("DELETE", probe.registration()), 200)


def _forgets(probe: Probe) -> str:
    return _status(probe.ask("GET", probe.list, token=None), 204, 404)


RULES: list[tuple[str, Callable[[Probe], str]]] = [
    ("The address of the web service does not end in /v1.", _address),
    ("Nobody registers with a wrong token.", _wrong_token),
    ("Nobody registers without a token.", _no_token),
    ("With a wrong token, a card that is not there is answered like one that is.", _unknown_serial),
    ("A registration without a push token is refused, and breaks nothing.", _no_push_token),
    ("A new registration is answered 201.", _registers),
    ("A known registration is answered 200, also with a new push token.", _registers_again),
    ("Without a tag, all of the phone's cards are listed, with a tag that is a text.", _lists),
    ("After its own tag, nothing is listed: 204.", _lists_nothing_new),
    ("A tag that cannot be read counts as none.", _reads_any_tag),
    ("A phone that never registered has nothing.", _lists_nothing_for_strangers),
    ("The card is given with its media type and Last-Modified.", _gives_the_pass),
    ("What is given is the same card, and a phone adds it.", _gives_the_same_card),
    ("A card that did not change is answered 304.", _gives_nothing_unchanged),
    ("HEAD is answered like GET, without a body.", _gives_the_head),
    ("The card is not given to whoever has no token.", _gives_nothing_to_strangers),
    ("Two slashes before v1 are taken.", _takes_two_slashes),
    ("A phone's log is taken.", _takes_logs),
    ("Nobody is unregistered with a wrong token.", _keeps_who_is_registered),
    ("Unregistering is answered 200.", _unregisters),
    ("Unregistering again is answered 200.", _unregisters),
    ("After that, nothing is listed.", _forgets),
]
