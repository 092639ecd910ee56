"""The first look at an export: what it would change. Nothing is done, only kept for the job.

A file is read twice, so that memory stays flat: once for whom it has several times, then line by line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import IO, Any

from django.utils import timezone

from integrations.actito.customer_import.lines import Columns, Read, Verdict, columns_of, read_line, whom
from integrations.actito.models import ActitoConnection, CustomerImport, CustomerImportPart, CustomerImportProblem
from portal.customer_batch import compare_profiles
from portal.customers import Applied, Profile
from portal.repeats import Several, fingerprint
from portal.retention.walk import first_since
from portal.sentences import Explained, Sentence, say
from portal.sheets import Line, Sheet

LINES_LIMIT = 1_000_000
AT_ONCE = 500  # lines that are looked up together
PART = 200  # customers that are imported together
PROBLEMS_KEPT = 10_000
DIFFERENCES_KEPT, VALUES_KEPT = 20, 10
REPEATED = say("An earlier line is about the same customer.")


class TooLong(Explained):
    """The file has more lines than are taken at once."""


def look(
    connection: ActitoConnection, file: IO[bytes], *, name: str, who: str, exported_at: datetime
) -> CustomerImport:
    """Raises NoTable, NoProfiles or TooLong; then nothing is kept."""
    sheet = Sheet(file)
    columns = columns_of(sheet.columns, connection)
    repeats = _Repeats(_profiles(sheet, columns))
    seen = CustomerImport.objects.create(
        tenant_id=connection.tenant_id, connection=connection, file_name=name, who=who, exported_at=exported_at,
        number=first_since(exported_at) - 1, unused=list(columns.unused), missing=list(columns.missing),
    )  # fmt: skip
    lines = iter(sheet)
    while batch := list(islice(lines, AT_ONCE)):
        _look_at(seen, [(line.number, _read(line, columns)) for line in batch], repeats)
    seen.looked_at = timezone.now()
    seen.save()
    return seen


def _read(line: Line, columns: Columns) -> Read | Sentence:
    return line.problem or read_line(line.number, line.cells, columns)


def _profiles(sheet: Sheet, columns: Columns) -> Iterator[Profile]:
    """Raises TooLong."""
    bare = replace(columns, rules=(), identifying=frozenset())
    for count, line in enumerate(sheet, start=1):
        if count > LINES_LIMIT:
            raise TooLong(say("The file has more than %(limit)s lines. Cut it into several.", limit=LINES_LIMIT))
        if isinstance(read := _read(line, bare), Read):
            yield read.profile


def _look_at(seen: CustomerImport, read: list[tuple[int, Read | Sentence]], repeats: _Repeats) -> None:
    """Keeps what would become of some lines."""
    counts: Counter[str] = Counter(seen.found)
    problems: list[tuple[int, Sentence]] = []
    people: list[Read] = []
    for line, found in read:
        if not isinstance(found, Read):
            counts[Verdict.BAD] += 1
            problems.append((line, found))
        elif repeats.again(found.profile):
            counts[Verdict.REPEATED] += 1
            problems.append((line, REPEATED))
        else:
            people.append(found)
            counts[Verdict.PARTLY] += bool(found.errors)
            problems += [(line, error) for error in found.errors]
    profiles = [each.profile for each in people]
    applied = compare_profiles(profiles, tenant_id=seen.tenant_id, number=seen.number)
    counts.update(verdict_of(each) for each in applied)
    _keep_parts(seen, [profile for profile, each in zip(profiles, applied, strict=True) if each.differs])
    _keep_problems(seen, problems)
    seen.differences = [*seen.differences, *_differences(applied)][:DIFFERENCES_KEPT]
    seen.lines += len(read)
    seen.found = dict(+counts)


def verdict_of(applied: Applied) -> Verdict:
    return Verdict.NEW if applied.created else Verdict.CHANGED if applied.differs else Verdict.SAME


def _keep_parts(seen: CustomerImport, profiles: list[Profile]) -> None:
    cuts = (profiles[at : at + PART] for at in range(0, len(profiles), PART))
    CustomerImportPart.objects.bulk_create(
        CustomerImportPart(customer_import=seen, profiles=[_plain(each) for each in cut]) for cut in cuts
    )


def _plain(profile: Profile) -> list[Any]:
    """What `profiles_of` makes a profile of."""
    return [dict(profile.identities), profile.key, profile.language, dict(profile.values)]


def profiles_of(part: CustomerImportPart, source: str) -> list[Profile]:
    return [Profile(source, *each) for each in part.profiles]


def _keep_problems(seen: CustomerImport, problems: list[tuple[int, Sentence]]) -> None:
    room = max(0, PROBLEMS_KEPT - problems_in(seen.found))
    CustomerImportProblem.objects.bulk_create(
        CustomerImportProblem(customer_import=seen, line=line, problem=said) for line, said in problems[:room]
    )


def problems_in(found: dict[str, int]) -> int:
    return sum(found.get(verdict, 0) for verdict in (Verdict.BAD, Verdict.REPEATED, Verdict.PARTLY))


def _differences(applied: Iterable[Applied]) -> Iterator[dict[str, Any]]:
    for each in applied:
        if each.changed:
            values = [[name, *pair] for name, pair in islice(each.changed.items(), VALUES_KEPT)]
            yield {"customer": each.customer.key, "values_changed": values}


class _Repeats:
    """Whom a file has in several lines, as fingerprints of eight bytes."""

    def __init__(self, profiles: Iterable[Profile]) -> None:
        several = Several()
        for profile in profiles:
            for name in whom(profile):
                several.add(fingerprint(name))
        self._several = several.found()
        self._met: set[int] = set()

    def again(self, profile: Profile) -> bool:
        """Whether an earlier line was about the same person."""
        names = {fingerprint(name) for name in whom(profile)} & self._several
        met = bool(names & self._met)
        self._met |= names
        return met
