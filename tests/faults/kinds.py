"""Kinds of Events for tests with real processes. Those of Actito's webhooks call the vendor's double instead."""

from __future__ import annotations

import os
import signal
import time
from functools import partial
from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.utils.module_loading import import_string

NUMBERS = "worker.numbers"  # a kind of job
NOTE, SLOW, KILL, BREAK = "worker.note", "worker.slow", "worker.kill", "worker.break"
EFFECT = "fault.effect"


class FaultKinds(AppConfig):
    name = "tests.faults"
    label = "faults"

    def ready(self) -> None:
        handles = import_string("portal.ledger.handles")  # models may be imported once the apps are ready
        for kind in (NOTE, SLOW, KILL, BREAK):
            handles(kind, f"{__name__}.{kind.replace('worker.', 'do_')}", title=kind)
        job_kind = import_string("portal.jobs.job_kind")
        job_kind(NUMBERS, f"{__name__}.Numbers", title=NUMBERS, needs=import_string("portal.tenancy.Action").OPERATE)
        if "FAULT_PERIODIC_SECONDS" in os.environ:
            import_module("portal.supervisor").PERIODIC_SECONDS = float(os.environ["FAULT_PERIODIC_SECONDS"])
        if "FAULT_VENDOR" in os.environ:
            handles("actito.profile", f"{__name__}.do_read", title="Read", coalesces=True)
            handles("actito.action", f"{__name__}.do_act", title="Act")
            for asked in ("nightly", "scenarios", "structure", "webhooks"):  # by itself, of an Actito that is not there
                handles(f"actito.{asked}", f"{__name__}.do_note", title=asked)


def do_note(work: Any) -> Any:
    return import_string("portal.ledger.done")("Noted.")


def do_slow(work: Any) -> Any:
    time.sleep(work.event.payload["seconds"])
    return do_note(work)


def do_kill(work: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def do_break(work: Any) -> Any:
    raise ValueError(work.event.payload["email"])


def do_read(work: Any) -> Any:
    """Reads the vendor. CREATE has no effects and is finished in batches; UPDATE stores what was read."""
    answer = _ask(work, "GET", work.event.payload["profile"])
    if work.event.payload["event_type"] == "CREATE":
        return do_note(work)
    return partial(_store, work.event, answer.json()["value"])


def do_act(work: Any) -> Any:
    """A call that must not be made twice."""
    _ask(work, "POST", "act")
    return partial(_store, work.event, 0)


def _ask(work: Any, method: str, path: str) -> Any:
    call, judge = import_string("portal.http.call"), import_string("portal.http.judge")
    answer = call(
        method,
        f"{os.environ['FAULT_VENDOR']}/{path}",
        target="Vendor",
        trail=work.trail,
        headers={"X-Event": work.event.source_id.rpartition(":")[2]},
        repeatable=method == "GET",
        read_seconds=float(os.environ["FAULT_READ_SECONDS"]),
    )
    if refusal := judge(answer, "Vendor"):
        raise refusal
    answer.json()
    return answer


def _store(event: Any, value: int) -> Any:
    """One row for each time that the effects of an Event commit."""
    news, done = import_string("portal.ledger.news"), import_string("portal.ledger.done")
    told = done("Stored.")
    news(
        EFFECT,
        tenant_id=event.tenant_id,
        subject=event.subject,
        result=told,
        cause=event,
        payload={"id": event.source_id.rpartition(":")[2], "value": value},
    )
    return told


class Numbers:
    """`payload`: {"count": 10, "lane": 3}. Its rows are notes, numbered."""

    def count(self, job: Any) -> Any:
        return job.payload["count"]

    def rows(self, job: Any, after: int | None, limit: int) -> Any:
        make = import_string("portal.jobs.Row")
        first = 0 if after is None else after + 1
        last = min(first + limit, job.payload["count"])
        return [make(n, NOTE, f"number:{n}", {"number": n}, job.payload["lane"]) for n in range(first, last)]

    def lane_id(self, job: Any) -> Any:
        return job.payload["lane"]
