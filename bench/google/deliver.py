"""Objects patched by one worker against the sandbox, which takes 50 ms for each call.

Measured against what its eight threads allow, without a budget of calls; and against the budget of 15 calls a second
that an issuer has. Each round changes every pass; the class, which nothing changes, must be sent once.
"""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

from bench.place import place
from bench.processes import process

if TYPE_CHECKING:
    from passes.google.sandbox import GoogleSandbox

CARDS, THREADS, SECONDS_A_CALL, WANTED = 400, 8, 0.05, 0.85
BUDGET_A_MINUTE, BUDGET_CARDS = 900, 300
WORKER = {"WORKER_PROCESSES": "1", "WORKER_THREADS": str(THREADS), "LOG_LEVEL": "ERROR", "SANDBOX": "true"}


def run(rounds: int) -> bool:
    print("deliver: objects patched by one worker")
    with place(**WORKER):
        from django.core.management import call_command  # noqa: PLC0415 - after setup

        from passes.google.sandbox import GoogleSandbox  # noqa: PLC0415

        call_command("migrate", verbosity=0)
        google = GoogleSandbox()
        google.switches.change({"rate_limit": 0, "latency": SECONDS_A_CALL})
        google.start()
        try:
            return _measured(google, rounds)
        finally:
            google.stop()


def _measured(google: GoogleSandbox, rounds: int) -> bool:
    yard = _Yard(google)
    threads = [_share(yard.patched(CARDS, 0), THREADS / SECONDS_A_CALL) for _ in range(rounds)]
    budget = _share(yard.patched(BUDGET_CARDS, BUDGET_A_MINUTE), BUDGET_A_MINUTE / 60)
    classes = yard.classes_sent()
    print(f"  of what {THREADS} threads allow: {statistics.median(threads):.2f} "
          f"({min(threads):.2f}–{max(threads):.2f}), wanted {WANTED}")  # fmt: skip
    print(f"  of what {BUDGET_A_MINUTE} calls a minute allow: {budget:.2f}, wanted {WANTED}")
    print(f"  the class was sent {classes} time, wanted 1")
    return statistics.median(threads) >= WANTED and budget >= WANTED and classes == 1


def _share(rate: float, most: float) -> float:
    print(f"  {rate:6.1f} objects/s of {most:.0f}")
    return rate / most


class _Yard:
    def __init__(self, google: GoogleSandbox) -> None:
        import json  # noqa: PLC0415

        from bench.apple.card import card, template  # noqa: PLC0415
        from passes.models import GoogleIssuer  # noqa: PLC0415 - after setup
        from portal.models import Event  # noqa: PLC0415

        self._points = 0
        design = template()
        file = google.issue_key("3388000000000000001", "Bench")
        self._issuer = GoogleIssuer.objects.create(
            tenant=design.tenant, name="Bench", issuer_id="3388000000000000001", key_file=json.dumps(file),
            client_email=file["client_email"], api_url=google.url, save_url=google.url,
        )  # fmt: skip
        design.google = self._issuer
        design.save()
        self._cards = [card(design, f"c{number}@example.com") for number in range(CARDS)]
        Event.objects.all().delete()
        self._limit(0)
        self._ask()

    def _ask(self) -> None:
        """All are at Google before anything is measured."""
        from passes.google.asking import ask  # noqa: PLC0415
        from passes.models import GoogleObject  # noqa: PLC0415

        with process("worker"):
            for each in self._cards:
                ask(each)
            while GoogleObject.objects.filter(sent__isnull=True).exists():
                time.sleep(0.1)

    def _limit(self, calls_per_minute: int) -> None:
        from portal.models import Lane  # noqa: PLC0415

        lanes = Lane.objects.filter(pk=self._issuer.lane_id)
        lanes.update(calls_per_minute=calls_per_minute, max_running=THREADS, budget_until=0)

    def patched(self, number: int, calls_per_minute: int) -> float:
        """Objects a second, from the first claim to the last end."""
        from portal.models import Event  # noqa: PLC0415

        self._limit(calls_per_minute)
        Event.objects.filter(kind="google.pass").delete()
        self._points += 1
        self._change(self._cards[:number])
        events = Event.objects.filter(kind="google.pass")
        with process("worker"):
            while events.filter(status="done").count() < number:
                time.sleep(0.05)
        begun, ended = (
            list(events.order_by(name).values_list(name, flat=True)) for name in ("claimed_at", "finished_at")
        )
        return float(number / (ended[-1] - begun[0]).total_seconds())

    def classes_sent(self) -> int:
        from portal.models import Attempt  # noqa: PLC0415

        return Attempt.objects.filter(event__kind="google.class", target="Google Wallet", status=200).count()

    def _change(self, cards: list[Any]) -> None:
        from django.db import transaction  # noqa: PLC0415 - after setup

        from passes.refresh import refresh  # noqa: PLC0415
        from portal import ledger  # noqa: PLC0415
        from portal.models import Event  # noqa: PLC0415

        tenant = self._issuer.tenant
        with transaction.atomic():
            cause = Event.objects.create(tenant=tenant, lane_id=ledger.lane_id_for(tenant.pk), kind="bench",
                                         subject="bench", status="done", source="bench")  # fmt: skip
            for each in cards:
                each.refresh_from_db()
                each.customer.values = {**each.customer.values, "points": self._points}
                refresh(each, cause=cause)
