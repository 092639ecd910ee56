"""How a job stands, as lists and pages show it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.admin.chips import chip
from portal.jobs import Tally, feeder_of, feeding_failed, pace, tallies
from portal.jobs.feed import lane_of
from portal.jobs.registry import kind_of
from portal.models import Event, Job, Lane
from portal.sentences import told
from portal.watch.words import lasting, spaced

_TONES = {Job.State.RUNNING: "busy", Job.State.PAUSED: "warn", Job.State.CANCELLED: "quiet", Job.State.DONE: "good"}


def state_chip(job: Job, counted: Tally, stuck: bool = False) -> SafeString:
    if stuck:
        return chip("bad", _("Stands still"))
    if job.state == Job.State.DONE and counted.failed:
        said = ngettext("Done, %(number)s row failed", "Done, %(number)s rows failed", counted.failed)
        return chip("bad", said % {"number": spaced(counted.failed)})
    return chip(_TONES[Job.State(job.state)], job.get_state_display())


def bar(job: Job, counted: Tally) -> SafeString:
    """Drawn by the browser, and read aloud as what it is."""
    said = _("%(ended)s of %(total)s") % {"ended": spaced(counted.ended), "total": spaced(counted.total)}
    shown = (
        '<span class="portal-job-bar"><progress class="portal-{}" max="100" value="{}"></progress><b>{} %</b></span>'
    )
    tone = _TONES[Job.State(job.state)]
    return format_html(shown + "<small>{}</small>", tone, counted.percent, counted.percent, said)


def end_in_sight(left: int, lane: Lane | None, rate: int = 0, measured: float = 0.0) -> str:
    """“about 8 hours at 100 a minute”; empty while nothing tells how fast it goes. `measured`: rows a minute."""
    a_minute = pace.a_minute(rate, lane.calls_per_minute if lane else 0, measured=measured)
    if not left or not a_minute:
        return ""
    return _("%(time)s at %(pace)s a minute") % {
        "time": lasting(left / a_minute * 60),
        "pace": spaced(a_minute) if a_minute >= 1 else f"{a_minute:.1f}",
    }


@dataclass(frozen=True)
class Standing:
    """Everything that a job's page says of it but its rows."""

    job: Job
    tally: Tally
    chip: SafeString
    bar: SafeString
    a_minute: str  # rows that ended within the last minute
    end: str
    lane: Lane | None
    feeder: Event | None
    stuck: str  # why nothing is fed any more

    @property
    def live(self) -> bool:
        """Whether something may change by itself."""
        return self.job.state == Job.State.RUNNING or self.tally.open > 0

    @property
    def signature(self) -> str:
        """What its buttons depend on: when it differs, the page as a whole is another."""
        return f"{self.job.state}{int(bool(self.stuck))}{int(bool(self.tally.failed))}{int(self.live)}"


def standing(job: Job, counted: Tally) -> Standing:
    running = job.state == Job.State.RUNNING
    now = timezone.now().timestamp()
    measured = pace.speed(job.samples, now, counted.ended) * 60 if running else 0.0
    feeder = feeder_of(job)
    stuck = told(feeder.outcome) if running and feeding_failed(feeder) else ""
    lane = lane_of(job) if kind_of(job) else None
    return Standing(
        job, counted, state_chip(job, counted, bool(stuck)), bar(job, counted), spaced(measured),
        end_in_sight(counted.left, lane, job.rate, measured) if running and not stuck else "", lane, feeder, stuck,
    )  # fmt: skip


def counted(jobs: Iterable[Job]) -> list[tuple[Job, Tally]]:
    jobs = list(jobs)
    found = tallies(jobs)
    return [(job, found[job.pk]) for job in jobs]


def endings(*, done: int, nothing: int, pending: int, failed: int, uncertain: int) -> list[tuple[Any, int, str, str]]:
    """How many Events ended how: title, number, tone, and the status that the list of events is asked for."""
    return [
        (_("Done"), done, "good", Event.Status.DONE),
        (_("Nothing to do"), nothing, "quiet", Event.Status.IGNORED),
        (_("On the way"), pending, "busy", Event.Status.WAITING),
        (_("Failed"), failed, "bad", Event.Status.FAILED),
        (_("Uncertain"), uncertain, "warn", Event.Status.UNCERTAIN),
    ]


def figures(counts: Tally) -> list[tuple[Any, str, str, str]]:
    """The endings of its rows, their numbers as text."""
    found = endings(
        done=counts.done, nothing=counts.nothing, pending=counts.open, failed=counts.failed, uncertain=counts.uncertain
    )
    return [(title, spaced(number), tone, status) for title, number, tone, status in found]
