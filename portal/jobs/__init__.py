"""Jobs: long work that people start. Counted, fed at a pace, paused, resumed, cancelled; its failed rows tried again.

A job is a source of Events. Every row is an Event of an ordinary kind with retries, a trace and a dead letter of its
own, so progress and failures are the ledger's. docs/jobs.md.
"""

from portal.jobs.registry import Again, JobKind, Row, Source, job_kind, kind_of, needed_for, source_of
from portal.jobs.steer import (
    CannotSteer,
    cancel,
    feeder_of,
    feeding_failed,
    pause,
    prepared,
    resume,
    retry_failed,
    start,
)
from portal.jobs.tally import Tally, tallies, tally

__all__ = [
    "Again",
    "CannotSteer",
    "JobKind",
    "Row",
    "Source",
    "Tally",
    "cancel",
    "feeder_of",
    "feeding_failed",
    "job_kind",
    "kind_of",
    "needed_for",
    "pause",
    "prepared",
    "resume",
    "retry_failed",
    "source_of",
    "start",
    "tallies",
    "tally",
]
