"""The first look at a file of cards: what would become of each line. Nothing is done with them, only kept for the job.

A file is read twice, so that memory stays flat: once for what it has several times, then line by line.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from itertools import islice
from typing import IO, Any

from django.utils import timezone

from passes.card_import.cards import Card, Columns, card_of, columns_of, shown_names
from passes.card_import.verdicts import PROBLEMS, Known, Verdict
from passes.models import CardImport, CardImportPart, CardImportProblem, PassTemplate
from portal.repeats import Several, fingerprint
from portal.sentences import Explained, Sentence, say
from portal.sheets import Line, Sheet

LINES_LIMIT = 1_000_000
AT_ONCE = 500  # lines that are looked up together
PART = 50  # cards that are imported together
PROBLEMS_KEPT = 10_000
# What is kept for the job: the rest has been told, and would be the same then.
_WAITING = frozenset({Verdict.NEW, Verdict.TAKES_OVER, Verdict.UNKNOWN, Verdict.HERE})


class TooLong(Explained):
    """The file has more lines than are taken at once."""


def look(template: PassTemplate, file: IO[bytes], *, name: str, who: str) -> CardImport:
    """Raises NoTable, NoCards or TooLong; then nothing is kept."""
    sheet = Sheet(file)
    columns = columns_of(sheet.columns, shown_names(template.published))
    repeats = Repeats.of(_cells(sheet, columns))
    seen = CardImport.objects.create(
        tenant_id=template.tenant_id, template=template, file_name=name, who=who, unused=list(columns.unused)
    )
    for lines in _batches(sheet):
        _look_at(seen, [(line.number, _card(line, columns)) for line in lines], repeats)
    seen.looked_at = timezone.now()
    seen.save()
    return seen


def _plain(card: Card) -> list[Any]:
    """What `cards_of` makes a card of. Not `astuple`, which copies every text."""
    return [getattr(card, each.name) for each in fields(card)]


def cards_of(part: CardImportPart) -> list[Card]:
    return [Card(*each) for each in json.loads(part.cards)]


def _cells(sheet: Sheet, columns: Columns) -> Iterator[tuple[str, str]]:
    """Serial number and customer key of each line. Raises TooLong."""
    for count, line in enumerate(sheet, start=1):
        if count > LINES_LIMIT:
            raise TooLong(say("The file has more than %(limit)s lines. Cut it into several.", limit=LINES_LIMIT))
        if line.cells:
            yield line.cells[columns.known["serial"]], line.cells[columns.known["customer"]]


def _batches(sheet: Sheet) -> Iterator[list[Line]]:
    lines = iter(sheet)
    while batch := list(islice(lines, AT_ONCE)):
        yield batch


def _card(line: Line, columns: Columns) -> Card | Sentence:
    return line.problem or card_of(line.number, line.cells, columns)


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
    serial = card.serial if isinstance(card, Card) else ""
    if said is None:
        return None
    return CardImportProblem(card_import=seen, line=line, serial=serial, verdict=verdict, problem=said)


@dataclass
class Repeats:
    """What a file has in several lines, as fingerprints of eight bytes a line."""

    serials: frozenset[int]
    customers: frozenset[int]
    _cards: dict[int, int] = field(default_factory=dict)  # by serial number
    _serials: dict[int, int] = field(default_factory=dict)  # by customer

    @classmethod
    def of(cls, cells: Iterable[tuple[str, str]]) -> Repeats:
        serials, customers = Several(), Several()
        for serial, customer in cells:
            serials.add(fingerprint(serial))
            customers.add(fingerprint(customer.lower()))
        return cls(serials.found(), customers.found())

    def verdict(self, card: Card, known: Known) -> Verdict:
        """What becomes of the card, after the lines before it."""
        alone, whose = known.verdict(card), -known.customers.get(card.customer, 0)
        serial, customer = fingerprint(card.serial), fingerprint(card.customer.lower())
        again = serial in self._cards
        if serial in self.serials:
            itself = fingerprint(f"{card.token}\0{card.customer}")
            if self._cards.setdefault(serial, itself) != itself:
                return Verdict.REPEATED
        if customer in self.customers and alone in _MAKING:
            first = self._serials.setdefault(whose or customer, serial)
            return Verdict.SECOND if first != serial else Verdict.HERE if again else alone
        return alone


_MAKING = frozenset({Verdict.NEW, Verdict.TAKES_OVER, Verdict.UNKNOWN})
