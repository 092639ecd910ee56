"""One line of an export as a profile: which column is what, and whom the line is about. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

from integrations.actito.answers import id_of
from integrations.actito.models import ActitoConnection
from integrations.actito.profiles import language_of, name_of
from integrations.mapping import Mapped, Rule, map_document
from portal.customers import Profile
from portal.sentences import Explained, Sentence, say

PROFILE_ID = "profileId"
Names = tuple[str, str]  # profile id, key; one may be empty
_AS_DECIMAL = re.compile(r"\.0+\Z")  # as spreadsheets write numbers


class Verdict(StrEnum):
    NEW = "new"
    CHANGED = "changed"
    SAME = "same"  # unchanged, or known better from a later reading
    BAD = "bad"  # the line is about nobody, or cannot be read
    REPEATED = "repeated"  # an earlier line is about the same customer
    PARTLY = "partly"  # beside one of the others: a value cannot be read, and stays as it was


class NoProfiles(Explained):
    """The file has no column that says whom a line is about."""


@dataclass(frozen=True)
class Columns:
    """Which column of the file is what; empty where the file has none for it."""

    source: str  # "actito:3"
    key_attribute: str
    profile_id: str
    key: str
    language: str
    rules: Sequence[Rule]  # by the columns' names
    identifying: frozenset[str]  # names of values
    unused: Sequence[str]
    missing: Sequence[str]

    @property
    def fingerprint(self) -> str:
        """Another one where lines would be read otherwise."""
        read_by = replace(self, rules=list(self.rules), identifying=sorted(self.identifying))  # type: ignore[arg-type]
        return sha256(repr(read_by).encode("utf-8", "replace")).hexdigest()


class Read(NamedTuple):
    """A line as a profile, with what could not be read of it."""

    line: int
    names: Names
    profile: Profile
    errors: Sequence[Sentence]


def columns_of(names: Sequence[str], connection: ActitoConnection) -> Columns:
    """Raises NoProfiles."""
    profile_id, key = _column(names, PROFILE_ID), _column(names, connection.unique_key)
    if not (profile_id or key):
        raise NoProfiles(
            say("No column says whom a line is about. It must be named %(names)s. The file has: %(found)s.",
                names=[connection.unique_key, PROFILE_ID], found=list(names)[:20])
        )  # fmt: skip
    language = _column(names, connection.language_attribute) if connection.language_attribute else ""
    mappings = list(connection.mappings.all())
    columns = {mapping.attribute: _column(names, mapping.attribute) for mapping in mappings}
    used = {profile_id, key, language, *columns.values()}
    return Columns(
        connection.source, connection.unique_key, profile_id, key, language,
        [each.rule(columns[each.attribute]) for each in mappings if columns[each.attribute]],
        frozenset(each.value_name for each in mappings if each.identifies and columns[each.attribute]),
        [name for name in names if name not in used],
        [attribute for attribute, column in columns.items() if not column],
    )  # fmt: skip


def _column(names: Sequence[str], wanted: str) -> str:
    """As it is spelled, or else in any case where only one can be meant."""
    alike = [name for name in names if name.lower() == wanted.lower()]
    return wanted if wanted in alike else alike[0] if len(alike) == 1 else ""


def read_line(number: int, cells: Mapping[str, str], columns: Columns) -> Read | Sentence:
    """The line's profile, or why it is nobody's."""
    names = read_names(cells, columns)
    if isinstance(names, Sentence):
        return names
    profile_id, key = names
    mapped = map_document(cells, columns.rules)
    identities = {columns.source: profile_id} if profile_id else {}
    if columns.key:
        identities[f"{columns.source}:key"] = key
    if columns.identifying:
        identities |= _others(columns, mapped)
    profile = Profile(
        columns.source,
        identities,
        (key or profile_id) if columns.key else None,
        language_of(cells[columns.language]) if columns.language else None,
        mapped.values,
    )
    return Read(number, names, profile, mapped.errors)


def read_names(cells: Mapping[str, str], columns: Columns) -> Names | Sentence:
    """Whom the line is about, or why it is about nobody."""
    given, key = cells.get(columns.profile_id, ""), name_of(cells.get(columns.key, ""))
    profile_id = (id_of(given) or id_of(_AS_DECIMAL.sub("", given))) if given else ""
    if given and not profile_id:
        return say("“%(given)s” is not a profile id.", given=given[:40])
    if not profile_id and not key:
        return say("There is no %(what)s.", what=PROFILE_ID if columns.profile_id else columns.key_attribute)
    return profile_id, key


def _others(columns: Columns, mapped: Mapped) -> dict[str, str]:
    named = columns.identifying & mapped.values.keys()
    return {f"{columns.source}:{name}": name_of(mapped.values[name]) for name in sorted(named)}


def whom(source: str, names: Names) -> list[str]:
    """By what two lines are about the same person: profile id, and key."""
    profile_id, key = names
    found = [f"{source} {profile_id}"] if profile_id else []
    return [*found, f"{source}:key {key}"] if key else found
