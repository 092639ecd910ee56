"""Settings and kinds of Events for the workers that bench.drain starts; also django-q2 itself, as it would be used."""

from __future__ import annotations

import os
from typing import Any

from django.apps import AppConfig

from portal.settings import *  # noqa: F403
from portal.settings import INSTALLED_APPS, Q_CLUSTER

NOTHING, CALL = "bench.nothing", "bench.call"
INSTALLED_APPS = [*INSTALLED_APPS, "bench.kinds.Kinds"]
DJANGO_Q = {
    # What a project writes that names its database and nothing else; workers as many as ours have.
    "default": {"orm": "default", "workers": 2, "retry": 180, "timeout": 120},
    # What was found to be fastest (docs/ledger.md): nothing is saved of a success, ten tasks per look.
    "best": {
        "orm": "default", "workers": 4, "bulk": 10, "save_limit": -1, "ack_failures": True, "max_attempts": 1,
        "retry": 180, "timeout": 120, "poll": 0.2, "queue_limit": 100,
    },
}  # fmt: skip
if chosen := os.environ.get("BENCH_DJANGO_Q"):
    Q_CLUSTER = {"name": "portal", "cluster_name": "bench", "scheduler": False, **DJANGO_Q[chosen]}


class Kinds(AppConfig):
    name = "bench"
    label = "bench_kinds"

    def ready(self) -> None:
        from portal.ledger import handles  # noqa: PLC0415 - models may be imported now

        for kind in (NOTHING, CALL):
            handles(kind, f"{__name__}.{kind.replace('bench.', 'do_')}", title=kind)


def task() -> None:
    """What django-q2 is given to do."""


def do_nothing(work: Any) -> Any:
    from portal import ledger  # noqa: PLC0415

    return ledger.done("Nothing to do.")


def do_call(work: Any) -> Any:
    """One call of a vendor, noted as any other."""
    from portal import http, ledger  # noqa: PLC0415

    http.call("GET", work.event.payload["url"], target="Vendor", trail=work.trail)
    return ledger.done("Called.")
