"""The web service with 10,000 passes, against django-walletpass, which reads passes that were stored as files."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import connection
from django.utils import timezone

from bench.apple.peers import HERE, python
from bench.apple.sender import Sender
from bench.place import Place, place
from bench.ratios import Round, told
from bench.web import granian

if TYPE_CHECKING:
    from passes.models import WalletPass

PASSES, SECONDS = 10_000, 2.0
FETCH, FIRST, SAME, LIST = "a changed pass", "a changed pass, for the first time", "an unchanged pass", "what changed"
PEER = "django-walletpass: "
WANTED = {(FETCH, PEER + FETCH): 1.2, (SAME, PEER + SAME): 2.4, (LIST, PEER + LIST): 4.0}
TYPE = "pass.com.example.bench"


def run(rounds: int) -> bool:
    print(f"serve: {PASSES:,} passes")
    with place(databases=2, LOG_LEVEL="ERROR") as here, ExitStack() as stack:
        passes = _fill()
        peers = _fill_peer(here, passes[0])
        ours, _ = stack.enter_context(granian("portal.wsgi:application", here.folder / "ours.log"))
        theirs, _ = stack.enter_context(
            granian("walletpass:application", here.folder / "theirs.log", python=python(), cwd=HERE, environment=peers)
        )
        sides = _Ours(passes, Sender(ours)), _Theirs(Sender(theirs))
        return told([_round(*sides, number) for number in range(rounds)], WANTED)


def _fill() -> list[WalletPass]:
    """Passes with two on each phone, all fetched since they changed."""
    from django.core.management import call_command  # noqa: PLC0415 - after setup

    from bench.apple.card import card, template  # noqa: PLC0415
    from passes.models import Device, Registration, UpdateCounter, WalletPass  # noqa: PLC0415
    from portal.models import Customer  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    design = template()
    first, now = card(design), timezone.now()
    brand, apple = design.tenant, design.apple
    people = Customer.objects.bulk_create(Customer(tenant=brand, key=f"{n}@example.com") for n in range(PASSES - 1))
    same = {"template": design, "tenant": brand, "content": first.content, "content_hash": first.content_hash}
    dates = {"changed_at": first.changed_at, "fetched_at": now}
    copies = [WalletPass(customer=each, update_tag=n + 2, **same, **dates) for n, each in enumerate(people)]
    made = [first, *WalletPass.objects.bulk_create(copies)]
    WalletPass.objects.filter(pk=first.pk).update(fetched_at=now)
    UpdateCounter.objects.update(value=PASSES + 1)
    phones = Device.objects.bulk_create(
        Device(tenant=brand, apple=apple, library_identifier=f"device{n}", push_token=f"{n:064x}", token_at=now)
        for n in range(PASSES // 2)
    )
    Registration.objects.bulk_create(
        Registration(device=phones[n // 2], wallet_pass=each) for n, each in enumerate(made)
    )
    connection.close()
    return made


def _fill_peer(here: Place, held: WalletPass) -> dict[str, str]:
    """The peer's database and stored file; what its processes find them by."""
    from passes.apple.bundle import build  # noqa: PLC0415 - after setup

    folder = here.folder / "peer"
    folder.mkdir()
    (folder / "card.pkpass").write_bytes(build(held))
    apple = held.template.apple
    assert apple
    for name, pem in (("certificate", apple.certificate), ("key", apple.private_key), ("issuer", apple.intermediate)):
        (folder / f"{name}.pem").write_text(pem)
    named = {"BENCH_FOLDER": str(folder), "BENCH_DATABASE": here.urls[1] if here.urls else ""}
    subprocess.run([python(), HERE / "walletpass.py", str(PASSES)], check=True, env={**os.environ, **named})
    return named


def _round(ours: _Side, theirs: _Side, number: int) -> Round:
    """Both in turn; whoever comes second meets the other's dust."""
    order = [(ours, ""), (theirs, PEER)][:: -1 if number % 2 else 1]
    found = {f"{prefix}{what}": side.rate(what) for what in (FETCH, SAME, LIST) for side, prefix in order}
    return {name: found[name] for name in sorted(found)} | {FIRST: ours.rate(FIRST)}


class _Side:
    """One of the two servers: what is asked of it."""

    prefix = ""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def rate(self, what: str) -> float:
        expected = 304 if what == SAME else 200
        return self._sender.rate(lambda: self._request(what), expected, SECONDS)

    def _request(self, what: str) -> bytes:
        number = random.randrange(PASSES)
        if what == LIST:
            since = self.since()
            return self._get(f"devices/device{number // 2}/registrations/{TYPE}?passesUpdatedSince={since}")
        serial, token = self.card(number)
        headers = f"Authorization: ApplePass {token}\r\n"
        if what == SAME:
            headers += "If-Modified-Since: Tue, 01 Jan 2075 00:00:00 GMT\r\n"
        return self._get(f"passes/{TYPE}/{serial}", headers)

    def _get(self, path: str, headers: str = "") -> bytes:
        return f"GET {self.prefix}/v1/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n".encode()

    def since(self) -> str:
        raise NotImplementedError

    def card(self, number: int) -> tuple[str, str]:
        """Its serial number and token."""
        raise NotImplementedError


class _Ours(_Side):
    prefix = "/wallet/apple"

    def __init__(self, passes: Sequence[WalletPass], sender: Sender) -> None:
        super().__init__(sender)
        self._cards = [(str(each.serial_number), each.authentication_token) for each in passes]

    def rate(self, what: str) -> float:
        if what != FIRST:
            return super().rate(what)
        self._set_fetched(None)
        found = super().rate(what)
        self._set_fetched(timezone.now())
        return found

    def _set_fetched(self, moment: datetime | None) -> None:
        from passes.models import WalletPass  # noqa: PLC0415 - after setup

        WalletPass.objects.update(fetched_at=moment)
        connection.close()

    def since(self) -> str:
        return "0"

    def card(self, number: int) -> tuple[str, str]:
        return self._cards[number]


class _Theirs(_Side):
    def since(self) -> str:
        return "2026-01-01T00:00:00%2B00:00"

    def card(self, number: int) -> tuple[str, str]:
        return f"SN{number}", "0123456789abcdef"
