"""Why is this person subscribed? One sentence for each consent, in the reader's language. Pure, save the language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.models import ConsentRecord
from portal.watch.words import length

Kind = ConsentRecord.Kind
OURS = "portal"


@dataclass(frozen=True)
class Why:
    """What stands about one consent, and why."""

    title: str
    subscribed: bool | None  # None: nothing was decided yet
    sentence: str
    record: ConsentRecord  # that decided it, or else the newest


def why(records: Iterable[ConsentRecord], who: str, systems: Mapping[str, str]) -> Why:
    """Of the newest records of one consent of a person: at least the last decision and what came after it.

    `who`: the person's key, where a record names nobody. `systems`: source -> what people call it.
    """
    newest_first = sorted(records, key=lambda each: each.number, reverse=True)
    decision = next((each for each in newest_first if each.kind in ConsentRecord.DECIDING), None)
    if decision is None:
        title = title_of(newest_first[0])
        undecided = _("Nothing was decided about %(title)s yet.") % {"title": title}
        return Why(title, None, _with_notes(undecided, newest_first[::-1], systems), newest_first[0])
    later = [each for each in reversed(newest_first) if each.number > decision.number]
    sentence = _decided(decision, who, systems, _confirmed(decision, later, systems))
    words = _with_notes(sentence, later, systems)
    return Why(title_of(decision), decision.kind == Kind.GIVEN, words, decision)


def _with_notes(sentence: str, later: Iterable[ConsentRecord], systems: Mapping[str, str]) -> str:
    notes = (_noted(each, systems) for each in later if each.kind in (Kind.OVERRULED, Kind.HELD))
    return " ".join([sentence, *dict.fromkeys(notes)])


def title_of(record: ConsentRecord) -> str:
    return str(record.contents.get("title") or record.name)


def decided_at(record: ConsentRecord) -> datetime | None:
    """When the person decided; None where nobody knows."""
    return parse_datetime(str(record.contents.get("at") or ""))


def system_of(source: str, systems: Mapping[str, str]) -> str:
    return _("the portal") if source == OURS else systems.get(source, source)


def _decided(record: ConsentRecord, who: str, systems: Mapping[str, str], confirmed: str) -> str:
    contents, at = record.contents, decided_at(record)
    known_at = at or record.recorded_at
    text = (_SAID if at else _FOUND) if contents else _REMOVED
    return text[record.kind == Kind.GIVEN]() % {
        "title": title_of(record), "who": contents.get("who") or who, "system": system_of(record.source, systems),
        "day": day(known_at), "moment": moment(known_at), "event": contents.get("event"), "confirmed": confirmed,
    }  # fmt: skip


# By whether it was given. Functions, since the language is the reader's.
_SAID = {
    True: lambda: _("Subscribed to %(title)s since %(day)s: %(who)s said yes in %(system)s on %(moment)s "
                    "(event %(event)s)%(confirmed)s."),
    False: lambda: _("Not subscribed to %(title)s since %(day)s: %(who)s said no in %(system)s on %(moment)s "
                     "(event %(event)s)%(confirmed)s."),
}  # fmt: skip
_FOUND = {
    True: lambda: _("Subscribed to %(title)s since %(day)s or earlier: %(system)s said so of %(who)s on %(moment)s "
                    "(event %(event)s)%(confirmed)s."),
    False: lambda: _("Not subscribed to %(title)s since %(day)s or earlier: %(system)s said so of %(who)s on "
                     "%(moment)s (event %(event)s)%(confirmed)s."),
}  # fmt: skip
_REMOVED = {
    True: lambda: _("Subscribed to %(title)s since %(day)s, as %(system)s said; nothing more is kept of "
                    "it%(confirmed)s."),
    False: lambda: _("Not subscribed to %(title)s since %(day)s, as %(system)s said; nothing more is kept of "
                     "it%(confirmed)s."),
}  # fmt: skip


def _confirmed(decision: ConsentRecord, later: Iterable[ConsentRecord], systems: Mapping[str, str]) -> str:
    found = (each for each in later if each.kind == Kind.CONFIRMED)
    said = {each.source: _passed((each.recorded_at - decision.recorded_at).total_seconds()) for each in found}
    return "".join(
        _(", confirmed by %(system)s %(later)s") % {"system": system_of(source, systems), "later": passed}
        for source, passed in said.items()
    )


def _passed(seconds: float) -> str:
    if seconds < 1:
        return _("at once")
    if round(seconds) < 60:
        return ngettext("a second later", "%(n)d seconds later", round(seconds)) % {"n": round(seconds)}
    return _("%(time)s later") % {"time": length(seconds)}


def _noted(record: ConsentRecord, systems: Mapping[str, str]) -> str:
    said = {"system": system_of(record.source, systems), "day": day(record.recorded_at)}
    if record.kind == Kind.HELD:
        return _("Since %(day)s it waits for somebody's decision, because %(system)s says otherwise.") % said
    return _("%(system)s said otherwise on %(day)s and was overruled.") % said


def day(at: datetime) -> str:
    return date_format(timezone.localtime(at), "j M Y")


def moment(at: datetime) -> str:
    return date_format(timezone.localtime(at), "j M Y H:i")
