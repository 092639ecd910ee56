"""What is wrong with the lines of a pairing, each by itself and beside the others, in words for marketers.

Errors keep the lines from being saved. What the table has was read some hours ago: a line that is stored already, and
whose subscription went, is a warning.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext as _t

from integrations.pairing.models import ConsentMapping, Pairing, slug
from integrations.pairing.registry import Filled, Table, consent_side_of, profile_side_of
from portal.sentences import Sentence, told

LINES_MOST = 100
SUBSCRIPTION = ConsentMapping.Part.SUBSCRIPTION.value


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Written:
    """A line as it stands in the form, right or wrong. `key` is its prefix there; `kept`: stored with this target."""

    key: str
    part: str
    target: str
    path: str
    value_name: str = ""
    kept: bool = False

    @property
    def fills(self) -> str:
        """The customer value; attributes fill none."""
        return (self.value_name or slug(self.target)) if self.part == SUBSCRIPTION and self.target else ""

    @property
    def reads(self) -> str:
        """The path in one spelling."""
        return re.sub(r"\.|__", "_", self.path)


@dataclass(frozen=True)
class Finding:
    """What is wrong with a line. `field` is that of the form which it is about."""

    line: str
    field: str
    sentence: str
    severity: Severity = Severity.ERROR


@dataclass(frozen=True)
class Known:
    """What lines are compared with. `path_problem`: (path, both ways) -> why it cannot be used."""

    table: Table
    filled: Mapping[str, Filled]
    both_ways: bool
    path_problem: Callable[[str, bool], Sentence]


def known_of(pairing: Pairing) -> Known:
    """Raises KeyError for a connection of no registered side."""
    consents, profiles = consent_side_of(pairing.consents), profile_side_of(pairing.profiles)

    def problem(path: str, both_ways: bool) -> Sentence:
        return consents.path_problem(pairing.consents, path, both_ways=both_ways)

    return Known(
        profiles.table(pairing.profiles), profiles.filled(pairing.profiles), pairing.enable_webhooks, problem
    )  # fmt: skip


def findings(lines: Sequence[Written], known: Known) -> list[Finding]:
    """All of them, in the order of the lines."""
    found = [*_same_target(lines), *_same_value(lines), *(_same_path(lines) if known.both_ways else ())]
    for line in lines:
        found += [*_unknown(line, known), *_path(line, known), *_filled_already(line, known)]
    places = {line.key: place for place, line in enumerate(lines)}
    return sorted(found, key=lambda finding: (places[finding.line], finding.severity))


def _several(lines: Sequence[Written], by: Callable[[Written], Any]) -> Iterator[list[Written]]:
    groups: dict[Any, list[Written]] = defaultdict(list)
    for line in lines:
        if by(line):
            groups[by(line)].append(line)
    yield from (group for group in groups.values() if len(group) > 1)


def _same_target(lines: Sequence[Written]) -> Iterator[Finding]:
    for group in _several(lines, lambda line: line.target and (line.part, line.target)):
        for line in group[1:]:
            said = _t("“%(target)s” has a line already. Two consents cannot decide about one: remove a line.")
            yield Finding(line.key, "target", said % {"target": line.target})


def _same_value(lines: Sequence[Written]) -> Iterator[Finding]:
    for group in _several(lines, lambda line: line.fills):
        for line in group[1:]:
            if any(line.target == each.target for each in group if each is not line):
                continue  # said of the target
            said = _t("“%(other)s” fills the customer value “%(name)s” already. Name another one.")
            yield Finding(line.key, "value_name", said % {"other": group[0].target, "name": line.fills})


def _same_path(lines: Sequence[Written]) -> Iterator[Finding]:
    subscriptions = [line for line in lines if line.part == SUBSCRIPTION]
    for group in _several(subscriptions, lambda line: line.reads):
        for line in group[1:]:
            said = _t("“%(other)s” has this path as well. In both directions a path has one line: else a change of one "
                      "subscription would change the other.")  # fmt: skip
            yield Finding(line.key, "path", said % {"other": group[0].target})


def _unknown(line: Written, known: Known) -> Iterator[Finding]:
    if not line.target:
        return
    if line.part == SUBSCRIPTION:
        there = None if known.table.subscriptions is None else line.target in known.table.subscriptions
        gone = _t("The profile table has no subscription “%(name)s”.")
    else:
        there = known.table.has_attribute(line.target)
        gone = _t("The profile table has no attribute “%(name)s”.")
    if there is None:
        said = _t("What the profile table has was not read yet, so nobody can say whether it has “%(name)s”.")
        yield Finding(line.key, "target", said % {"name": line.target}, Severity.WARNING)
    elif not there:
        severity = Severity.WARNING if line.kept else Severity.ERROR
        yield Finding(line.key, "target", gone % {"name": line.target}, severity)


def _path(line: Written, known: Known) -> Iterator[Finding]:
    if line.path and (problem := known.path_problem(line.path, known.both_ways and line.part == SUBSCRIPTION)):
        yield Finding(line.key, "path", told(problem))


def _filled_already(line: Written, known: Known) -> Iterator[Finding]:
    """The same subscription read by the connection itself is no contradiction: both say the same."""
    other = known.filled.get(line.fills)
    if line.fills and other and (other.part, other.target) != (line.part, line.target):
        said = _t("The mapping of the connection fills “%(name)s” with “%(other)s”. Name another customer value.")
        yield Finding(line.key, "value_name", said % {"name": line.fills, "other": other.target})
