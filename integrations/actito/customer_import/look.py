"""The look at an export: what it would change. Nothing is done, only kept for the job.

The first run counts the lines and whom the file has several times; each further one looks at some seconds' worth of
lines, so that memory stays flat, a worker goes on with its other work, and one that is killed loses only seconds.
"""

from __future__ import annotations

import json
import time
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any

from django.utils import timezone

from integrations.actito.customer_import.lines import (
    Columns,
    Names,
    Read,
    Verdict,
    columns_of,
    read_line,
    read_names,
    whom,
)
from integrations.actito.customer_import.upload import opened
from integrations.actito.models import CustomerImport, CustomerImportPart, CustomerImportProblem
from portal import bulk, ledger
from portal.customer_batch import compare_profiles
from portal.customers import Applied, Person, Profile
from portal.ledger import Result, Work
from portal.repeats import Several, fingerprint
from portal.sentences import Explained, Sentence, say, say_many
from portal.sheets import Line, Sheet

LINES_LIMIT = 1_000_000
SECONDS_AT_ONCE = 4.0
AT_ONCE = 1000  # lines that are looked up together
PART = 1000  # customers that are imported together
PROBLEMS_KEPT = 10_000
DIFFERENCES_KEPT, VALUES_KEPT = 20, 10
REPEATED = say("An earlier line is about the same customer.")


class TooLong(Explained):
    """The file has more lines than are taken at once."""


@dataclass
class _Seen:
    """What one run has found."""

    reached: int  # the line of the file that the last one ended in
    lines: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    differing: list[str] = field(default_factory=list)  # profiles as JSON: texts are nothing to the garbage collector
    problems: list[tuple[int, Sentence]] = field(default_factory=list)
    differences: list[dict[str, Any]] = field(default_factory=list)
    at_end: bool = False


def look_on(work: Work) -> Result | partial[Result]:
    """Handles `actito.look`: {"customer_import": 7}."""
    imports = CustomerImport.objects.for_tenant(work.event.tenant_id).select_related("connection")
    seen = imports.filter(pk=work.event.payload["customer_import"], looked_at=None).first()
    if seen is None:
        return ledger.ignored(say("This file was looked at before, or was removed."))
    with opened(seen) as file:
        try:
            sheet = Sheet(file)
            columns = columns_of(sheet.columns, seen.connection)
            if seen.columns_seen != columns.fingerprint:  # not begun, or somebody changed the mapping meanwhile
                return partial(_begin, seen, columns, *_counted(sheet, columns))
        except Explained as problem:
            return partial(_refuse, seen, problem.sentence)
        repeats = _Repeats(columns.source, _numbers(seen.repeated), _numbers(seen.met))
        return partial(_keep, seen, _looked_at(seen, sheet, columns, repeats), repeats)


def _counted(sheet: Sheet, columns: Columns) -> tuple[int, frozenset[int]]:
    """The number of lines, and the fingerprints of those whom the file has several times. Raises TooLong."""
    several, count = Several(), 0
    for count, line in enumerate(sheet, start=1):
        if count > LINES_LIMIT:
            raise TooLong(say("The file has more than %(limit)s lines. Cut it into several.", limit=LINES_LIMIT))
        names = line.problem or read_names(line.cells, columns)
        if not isinstance(names, Sentence):
            for name in whom(columns.source, names):
                several.add(fingerprint(name))
    return count, several.found()


def _read(line: Line, columns: Columns) -> Read | Sentence:
    return line.problem or read_line(line.number, line.cells, columns)


def _looked_at(seen: CustomerImport, sheet: Sheet, columns: Columns, repeats: _Repeats) -> _Seen:
    found = _Seen(seen.reached)
    lines = sheet.after(seen.reached)
    until = time.monotonic() + SECONDS_AT_ONCE
    while batch := list(islice(lines, AT_ONCE)):
        with bulk.at_once():
            _look_at(found, seen, [(line.number, _read(line, columns)) for line in batch], repeats)
        found.lines, found.reached = found.lines + len(batch), batch[-1].ends
        if time.monotonic() > until:
            return found
    found.at_end = True
    return found


def _look_at(
    found: _Seen, seen: CustomerImport, read: Iterable[tuple[int, Read | Sentence]], repeats: _Repeats
) -> None:
    people: list[Read] = []
    for line, one in read:
        if not isinstance(one, Read):
            found.counts[Verdict.BAD] += 1
            found.problems.append((line, one))
        elif repeats.again(one.names):
            found.counts[Verdict.REPEATED] += 1
            found.problems.append((line, REPEATED))
        else:
            people.append(one)
            found.counts[Verdict.PARTLY] += bool(one.errors)
            found.problems += [(line, error) for error in one.errors]
    profiles = [each.profile for each in people]
    applied = compare_profiles(profiles, tenant_id=seen.tenant_id, number=seen.number)
    found.counts.update(verdict_of(each) for each in applied)
    found.differing += [_plain(profile) for profile, each in zip(profiles, applied, strict=True) if each.differs]
    found.differences += islice(_differences(applied), DIFFERENCES_KEPT)


def verdict_of(applied: Applied[Person]) -> Verdict:
    return Verdict.NEW if applied.created else Verdict.CHANGED if applied.differs else Verdict.SAME


def _differences(applied: Iterable[Applied[Person]]) -> Iterator[dict[str, Any]]:
    for each in applied:
        if each.changed:
            values = [[name, *pair] for name, pair in islice(each.changed.items(), VALUES_KEPT)]
            yield {"customer": each.customer.key, "values_changed": values}


def problems_in(found: dict[str, int]) -> int:
    return sum(found.get(verdict, 0) for verdict in (Verdict.BAD, Verdict.REPEATED, Verdict.PARTLY))


# What is kept, with the end of each run


def _begin(seen: CustomerImport, columns: Columns, count: int, several: frozenset[int]) -> Result:
    """From the first line on; what was looked at by another mapping is forgotten."""
    seen.parts.all().delete()
    seen.problems.all().delete()
    kept = CustomerImport.objects.filter(pk=seen.pk).update(
        columns_seen=columns.fingerprint, unused=list(columns.unused), missing=list(columns.missing),
        lines_in_all=count, repeated=array("Q", several).tobytes(), met=None,
        reached=0, lines=0, found={}, differences=[],
    )  # fmt: skip
    return ledger.later(Sentence(), timezone.now()) if kept else _removed()


def _keep(seen: CustomerImport, found: _Seen, repeats: _Repeats) -> Result:
    row = CustomerImport.objects.select_for_update().filter(pk=seen.pk).first()
    if row is None:
        return _removed()
    cuts = (found.differing[at : at + PART] for at in range(0, len(found.differing), PART))
    bulk.insert(
        CustomerImportPart, ["customer_import_id", "profiles"], ((row.pk, f"[{','.join(cut)}]") for cut in cuts)
    )
    room = max(0, PROBLEMS_KEPT - problems_in(row.found))
    CustomerImportProblem.objects.bulk_create(
        CustomerImportProblem(customer_import=row, line=line, problem=said) for line, said in found.problems[:room]
    )
    row.found = dict(+(Counter(row.found) + found.counts))
    row.differences = [*row.differences, *found.differences][:DIFFERENCES_KEPT]
    row.lines, row.reached, row.met = row.lines + found.lines, found.reached, array("Q", repeats.met).tobytes()
    if not found.at_end:
        row.save()
        return ledger.later(Sentence(), timezone.now())
    return _end(row, say_many("%(count)s line was looked at.", "%(count)s lines were looked at.", count=row.lines))


def _refuse(seen: CustomerImport, why: Sentence) -> Result:
    row = CustomerImport.objects.select_for_update().filter(pk=seen.pk).first()
    if row is None:
        return _removed()
    row.refused = why
    return _end(row, why)


def _end(row: CustomerImport, said: Sentence) -> Result:
    row.looked_at = timezone.now()
    row.repeated = row.met = None
    row.save()
    row.chunks.all().delete()
    return ledger.done(said)


def _removed() -> Result:
    return ledger.ignored(say("This import was removed meanwhile."))


def _plain(profile: Profile) -> str:
    """What `profiles_of` makes a profile of."""
    return json.dumps([profile.identities, profile.key, profile.language, profile.values])


def profiles_of(part: CustomerImportPart, source: str) -> list[Profile]:
    return [Profile(source, *each) for each in part.profiles]


def _numbers(packed: bytes | memoryview[int] | None) -> set[int]:
    return set(array("Q", bytes(packed or b"")))


class _Repeats:
    """Whom a file has in several lines, as fingerprints of eight bytes; and whom of them earlier lines were about."""

    def __init__(self, source: str, several: set[int], met: set[int]) -> None:
        self._source, self._several, self.met = source, several, met

    def again(self, about: Names) -> bool:
        """Whether an earlier line was about the same person."""
        if not self._several:
            return False
        names = {fingerprint(name) for name in whom(self._source, about)} & self._several
        met = bool(names & self.met)
        self.met |= names
        return met
