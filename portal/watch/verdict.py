"""Is everything moving, in one sentence. Pure: what Home says first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from portal.watch.trouble import Kind, Tone, Trouble

_ICONS = {
    Kind.PAUSED: "pause_circle", Kind.SILENT: "cloud_off", Kind.REFUSED: "do_not_disturb_on",
    Kind.STUCK: "hourglass_top", Kind.BACKLOG: "hourglass_top",
}  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    tone: str
    icon: str
    title: str
    sentence: str


def verdict(troubles: Sequence[Trouble], *, connected: bool, suspended: bool) -> Verdict:
    """`troubles`: worst first. `suspended`: all tenants that are looked at are."""
    if not connected:
        return Verdict(
            "quiet", "cable", _("Nothing is connected yet"), _("Follow the steps below to bring in customers.")
        )
    if suspended:
        said = _("Calls are refused and all work waits until the suspension is lifted.")
        return Verdict("bad", "block", _("Suspended"), said)
    return _of(troubles) or Verdict(
        "good", "check_circle", _("Everything is moving"), _("Changes reach the phones as they come in.")
    )


def _of(troubles: Sequence[Trouble]) -> Verdict | None:
    worst = next((each for each in troubles if each.tone is not Tone.QUIET), None)
    if worst is None:
        return None
    standing = worst.tone in {Tone.BAD, Tone.BUSY} or worst.kind is Kind.STUCK
    return _standing(worst, troubles) if standing else _needs_a_person(worst)


def _needs_a_person(worst: Trouble) -> Verdict:
    """What failed is kept and holds nobody up."""
    said = _("This needs a person: %(title)s. %(wrong)s") % {"title": worst.title, "wrong": worst.wrong}
    return Verdict("warn", "front_hand", _("Everything is moving"), said)


def _standing(worst: Trouble, troubles: Sequence[Trouble]) -> Verdict:
    titles = dict.fromkeys(each.title for each in troubles if each.kind is worst.kind)
    names = {"names": ", ".join(titles)}
    both = f"{worst.wrong} {worst.to_do}"
    said = {
        Kind.WORKER: (_("Nothing is moving"), both),
        Kind.PAUSED: (_("Something stands still"), _("Paused: %(names)s.") % names),
        Kind.SILENT: (
            _("Something does not answer"), _("No answer from: %(names)s. It is tried again by itself.") % names
        ),
        Kind.REFUSED: (_("Calls are refused"), _("Nothing has been accepted since: %(names)s.") % names),
        Kind.STUCK: (_("Running behind"), worst.wrong),
        Kind.BACKLOG: (_("Much to do, and it is being done"), worst.wrong),
    }  # fmt: skip
    title, sentence = said.get(worst.kind, (worst.title, both))
    return Verdict(worst.tone, _ICONS.get(worst.kind, "error"), title, sentence)
