"""What is wrong with the lines of a mapping, each by itself and beside the others, in words for marketers. Pure.

Errors keep the lines from being saved. Warnings do not: what Actito's table has was read some hours ago, and a name may
be written down before the attribute is made.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from django.utils.translation import gettext as _t

from integrations.actito.tables import (
    ATTRIBUTES,
    SEGMENTATIONS,
    SUBSCRIPTIONS,
    TECHNICAL,
    Change,
    Name,
    Structure,
    What,
    closest,
    renamed_to,
)
from integrations.value_readers import DateFormat, ValueType

_NUMBERS = frozenset({"INTEGER", "LONG", "NUMBER", "DECIMAL", "FLOAT", "DOUBLE", "SHORT", "BIGDECIMAL"})
_MOMENTS = frozenset({"TIMESTAMP", "DATE", "DATETIME", "BIRTHDATE", "BIRTH_DATE"})
_TRUTHS = frozenset({"BOOLEAN"})
_WORDS = frozenset({"LASTNAME", "FIRSTNAME", "EMAIL_ADDRESS", "MOTHER_LANGUAGE", "SEX"})
_COUNTED = frozenset({DateFormat.SECONDS.value, DateFormat.MILLISECONDS.value, DateFormat.COMPACT.value})
# What Actito's type can never be read as.
_MISFITS = (
    (_NUMBERS, {ValueType.DATE}),
    (_MOMENTS, {ValueType.NUMBER, ValueType.MONEY, ValueType.YES_NO, ValueType.CHOICE}),
    (_TRUTHS, {ValueType.NUMBER, ValueType.MONEY, ValueType.DATE}),
    (_WORDS, {ValueType.NUMBER, ValueType.MONEY, ValueType.DATE, ValueType.YES_NO}),
)
_NAMES_NOBODY = frozenset({ValueType.YES_NO, ValueType.MONEY, ValueType.DATE, ValueType.CHOICE})


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Line:
    """A line as it stands in the form. `key` is its prefix there: mappings-3."""

    key: str
    part: str
    attribute: str
    value_name: str
    value_type: str
    identifies: bool = False
    date_format: str = ""
    default: str = ""

    @property
    def name(self) -> Name:
        return self.part, self.attribute


@dataclass(frozen=True)
class Finding:
    """What is wrong with a line. `field` is that of the form which it is about."""

    line: str
    field: str
    sentence: str
    severity: Severity = Severity.WARNING


@dataclass(frozen=True)
class Known:
    """What lines are compared with: the table, if it was read, and what changed in it; the connection's own names."""

    table: Structure | None = None
    changes: Sequence[Change] = field(default=())
    unique_key: str = ""


def findings(lines: Sequence[Line], known: Known) -> list[Finding]:
    """All of them, in the order of the lines."""
    found = [*_same_value(lines), *_same_customer(lines)]
    for line in lines:
        found += [*_unknown(line, known), *_misfit(line, known), *_names_badly(line, known)]
    places = {line.key: place for place, line in enumerate(lines)}
    return sorted(found, key=lambda finding: (places[finding.line], finding.severity))


def _same_value(lines: Iterable[Line]) -> Iterator[Finding]:
    filling: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        if line.value_name:
            filling[line.value_name].append(line)
    for name, several in filling.items():
        for line in several if len(several) > 1 else ():
            others = ", ".join(f"“{each.attribute}”" for each in several if each is not line)
            said = _t("“%(name)s” is filled by %(others)s as well. A value has one line: remove one, or rename it.")
            yield Finding(line.key, "value_name", said % {"name": name, "others": others}, Severity.ERROR)


def _same_customer(lines: Iterable[Line]) -> Iterator[Finding]:
    """Custom actions name a customer by Actito's name of a line or by ours: each may mean one line only."""
    naming = [line for line in lines if line.identifies]
    for line in naming:
        if line.default:
            said = _t("This would name everybody without a value. Leave it empty where a line names the customer.")
            yield Finding(line.key, "default", said, Severity.ERROR)
        own = {line.attribute, line.value_name}
        others = [each for each in naming if each is not line and own & {each.attribute, each.value_name}]
        if others:
            said = _t("The customer is named twice by “%(name)s”: here and by “%(other)s”. Take it from one of them.")
            shared = sorted(own & {others[0].attribute, others[0].value_name})
            told = {"name": shared[0], "other": f"{others[0].attribute} → {others[0].value_name}"}
            yield Finding(line.key, "identifies", said % told, Severity.ERROR)


def _unknown(line: Line, known: Known) -> Iterator[Finding]:
    if not known.table or not line.attribute or not known.table.lacks(line.name):
        return
    told = {"name": line.attribute}
    if elsewhere := [part for (part, name), _item in known.table.items() if name == line.attribute]:
        said = _is_a(elsewhere[0]) % told
    elif renamed := _renamed(line, known):
        said = _t("“%(name)s” is gone from the table. Perhaps it is called “%(now)s” now.") % {**told, "now": renamed}
    elif any(change.key == line.name and change.what == What.GONE for change in known.changes):
        said = _t("“%(name)s” is gone from the table. Customers keep the value they have.") % told
    else:
        said = _has_no(line.part) % told
        if meant := closest(line.attribute, known.table.parts[line.part]):
            said += " " + _t("Is it “%(meant)s”?") % {"meant": meant}
    yield Finding(line.key, "attribute", said)


def _renamed(line: Line, known: Known) -> str:
    gone = [change for change in known.changes if change.key == line.name and change.what == What.GONE]
    return renamed_to(gone[0], known.changes) if gone else ""


def _is_a(part: str) -> str:
    if part == ATTRIBUTES:
        return _t("“%(name)s” is an attribute: choose that part.")
    if part == SUBSCRIPTIONS:
        return _t("“%(name)s” is a subscription: choose that part.")
    return _t("“%(name)s” is a segmentation: choose that part.")


def _has_no(part: str) -> str:
    if part == ATTRIBUTES:
        return _t("The table has no attribute “%(name)s”.")
    if part == SUBSCRIPTIONS:
        return _t("The table has no subscription “%(name)s”.")
    return _t("The table has no segmentation “%(name)s”.")


def _misfit(line: Line, known: Known) -> Iterator[Finding]:
    kind = known.table.item(line.name) if known.table else None
    if line.part in {SUBSCRIPTIONS, SEGMENTATIONS}:
        if line.value_type in {ValueType.NUMBER, ValueType.MONEY, ValueType.DATE}:
            yield Finding(line.key, "value_type", _t("Subscriptions and segmentations are yes or no."))
    elif kind and not fits(kind.type, line.value_type, line.date_format):
        said = _t("In Actito “%(name)s” is of the type %(actito)s: it cannot be read as this type.")
        yield Finding(line.key, "value_type", said % {"name": line.attribute, "actito": kind.type})


def fits(actito: str, value_type: str, date_format: str = "") -> bool:
    """Whether values of Actito's type can be read as the type; of one that is not known, they can."""
    if value_type == ValueType.DATE and date_format in _COUNTED and actito in _NUMBERS:
        return True
    return not any(actito in types and value_type in refused for types, refused in _MISFITS)


def _names_badly(line: Line, known: Known) -> Iterator[Finding]:
    if not line.identifies:
        return
    item = known.table.item(line.name) if known.table else None
    if line.part != ATTRIBUTES or line.value_type in _NAMES_NOBODY:
        yield Finding(
            line.key, "identifies", _t("Only an attribute that is read as text or number can name a customer.")
        )
    elif line.attribute in {known.unique_key, *TECHNICAL}:
        yield Finding(line.key, "identifies", _t("“%(name)s” names the customer anyway.") % {"name": line.attribute})
    elif item and not item.unique:
        said = _t("“%(name)s” is not unique in Actito: two customers may have the same, and one would be taken.")
        yield Finding(line.key, "identifies", said % {"name": line.attribute})
