"""The first look at a file of cards: what would become of each line. Nothing is done with them, only kept for the job.

A file is read twice, so that memory stays flat: once for what it has several times, then line by line.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import fields
from itertools import islice
from typing import IO, Any

from django.utils import timezone

from passes.card_import.cards import Card, Columns, Home, card_of, columns_of, shown_names
from passes.card_import.known import Known
from passes.card_import.repeats import Repeats
from passes.card_import.verdicts import IMPORTED, PROBLEMS, Verdict
from passes.models import CardImport, CardImportPart, CardImportProblem, PassTemplate
from portal.sentences import Explained, Sentence, say
from portal.sheets import Line, Sheet

LINES_LIMIT = 1_000_000
AT_ONCE = 500  # lines that are looked up together
PART = 50  # cards that are imported together
PROBLEMS_KEPT = 10_000
# What is kept for the job: the rest has been told, and would be the same then.
_WAITING = frozenset({*IMPORTED, Verdict.UNKNOWN, Verdict.HERE})


class TooLong(Explained):
    """The file has more lines than are taken at once."""


def look(template: PassTemplate, file: IO[bytes], *, name: str, who: str) -> CardImport:
    """Raises NoTable, NoCards or TooLong; then nothing is kept."""
    sheet = Sheet(file)
    home = home_of(template)
    columns = columns_of(sheet.columns, shown_names(template.published), home)
    repeats = Repeats.of(_cells(sheet, columns), home)
    seen = CardImport.objects.create(
        tenant_id=template.tenant_id, template=template, file_name=name, who=who, unused=list(columns.unused)
    )
    for lines in _batches(sheet):
        _look_at(seen, [(line.number, _card(line, columns, home)) for line in lines], repeats)
    seen.looked_at = timezone.now()
    seen.save()
    return seen


def home_of(template: PassTemplate) -> Home:
    return Home(template.apple_id is not None, template.google.issuer_id if template.google else "")


def _plain(card: Card) -> list[Any]:
    """What `cards_of` makes a card of. Not `astuple`, which copies every text."""
    return [getattr(card, each.name) for each in fields(card)]


def cards_of(part: CardImportPart) -> list[Card]:
    return [Card(*each) for each in json.loads(part.cards)]


def _cells(sheet: Sheet, columns: Columns) -> Iterator[Mapping[str, str]]:
    """What of each line may come again. Raises TooLong."""
    known = {part: column for part, column in columns.known.items() if part in {"serial", "google", "customer"}}
    for count, line in enumerate(sheet, start=1):
        if count > LINES_LIMIT:
            raise TooLong(say("The file has more than %(limit)s lines. Cut it into several.", limit=LINES_LIMIT))
        if line.cells:
            yield {part: line.cells[column] for part, column in known.items()}


def _batches(sheet: Sheet) -> Iterator[list[Line]]:
    lines = iter(sheet)
    while batch := list(islice(lines, AT_ONCE)):
        yield batch


def _card(line: Line, columns: Columns, home: Home) -> Card | Sentence:
    return line.problem or card_of(line.number, line.cells, columns, home)


def _look_at(seen: CardImport, read: list[tuple[int, Card | Sentence]], repeats: Repeats) -> None:
    """Keeps what became of some lines."""
    cards = [card for _, card in read if isinstance(card, Card)]
    known = Known.of(seen.template, cards)
    found = {card.line: repeats.verdict(card, known) for card in cards}
    waiting = [card for card in cards if found[card.line] in _WAITING]
    CardImportPart.objects.bulk_create(
        CardImportPart(card_import=seen, cards=json.dumps([_plain(card) for card in waiting[at : at + PART]]))
        for at in range(0, len(waiting), PART)
    )
    room = max(0, PROBLEMS_KEPT - problems_in(seen.found))
    wrong = (_problem(seen, line, card, found.get(line, Verdict.BAD)) for line, card in read if room)
    CardImportProblem.objects.bulk_create(islice(filter(None, wrong), room))
    seen.lines += len(read)
    seen.found = dict(Counter(seen.found) + Counter(found.get(line, Verdict.BAD) for line, _ in read))


def problems_in(found: dict[str, int]) -> int:
    return sum(found.get(verdict, 0) for verdict in (*PROBLEMS, Verdict.BAD))


def _problem(seen: CardImport, line: int, card: Card | Sentence, verdict: Verdict) -> CardImportProblem | None:
    said = PROBLEMS.get(verdict) if isinstance(card, Card) else card
    serial = (card.serial or card.google) if isinstance(card, Card) else ""
    if said is None:
        return None
    return CardImportProblem(card_import=seen, line=line, serial=serial, verdict=verdict, problem=said)
