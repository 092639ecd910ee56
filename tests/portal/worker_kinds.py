"""Kinds of Events for tests that run `manage.py worker`: one that ends well, one that is slow, one that kills."""

from __future__ import annotations

import os
import signal
import time

from django.apps import AppConfig
from django.utils.module_loading import import_string

NOTE, SLOW, KILL, BREAK = "worker.note", "worker.slow", "worker.kill", "worker.break"


class WorkerKinds(AppConfig):
    name = "tests.portal"
    label = "worker_kinds"

    def ready(self) -> None:
        handles = import_string("portal.ledger.handles")  # models may be imported once the apps are ready
        for kind in (NOTE, SLOW, KILL, BREAK):
            handles(kind, f"{__name__}.{kind.replace('worker.', 'do_')}", title=kind)


def do_note(work):  # type: ignore[no-untyped-def]
    return import_string("portal.ledger.done")("Noted.")


def do_slow(work):  # type: ignore[no-untyped-def]
    time.sleep(work.event.payload["seconds"])
    return do_note(work)


def do_kill(work):  # type: ignore[no-untyped-def]
    os.kill(os.getpid(), signal.SIGKILL)


def do_break(work):  # type: ignore[no-untyped-def]
    raise ValueError(work.event.payload["email"])
