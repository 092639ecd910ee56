"""What a file has in several lines: the first line of a card counts, and a customer has one card in each wallet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from passes.card_import.cards import APPLE, GOOGLE, Card, Home, object_id
from passes.card_import.known import Known
from passes.card_import.verdicts import IMPORTED, Verdict, together
from portal.repeats import Several, fingerprint

_MAKING = IMPORTED | {Verdict.UNKNOWN}
_SECOND = {APPLE: Verdict.SECOND, GOOGLE: Verdict.SECOND_OBJECT}
# What a card becomes after a line that makes its customer's pass.
_NEXT = {APPLE: Verdict.TAKES_OVER, GOOGLE: Verdict.JOINS}


@dataclass
class Repeats:
    """As fingerprints of eight bytes a line."""

    customers: frozenset[int]
    wallets: Mapping[str, Firsts]
    _made: set[int] = field(default_factory=set)  # customers whose pass an earlier line makes

    @classmethod
    def of(cls, lines: Iterable[Mapping[str, str]], home: Home) -> Repeats:
        """`lines`: the cells "serial", "google" and "customer", as far as the file has them."""
        customers, names = Several(), {APPLE: Several(), GOOGLE: Several()}
        for cells in lines:
            customers.add(fingerprint(cells["customer"].lower()))
            if serial := cells.get("serial"):
                names[APPLE].add(fingerprint(serial))
            if name := object_id(cells.get("google", ""), home.issuer_id):
                names[GOOGLE].add(fingerprint(name))
        return cls(customers.found(), {wallet: Firsts(found.found()) for wallet, found in names.items()})

    def verdict(self, card: Card, known: Known) -> Verdict:
        """What becomes of the card, after the lines before it."""
        whose = self._whose(card, known)
        parts = {
            wallet: self.wallets[wallet].verdict(card, wallet, alone, whose)
            for wallet, alone in known.parts(card).items()
        }
        if whose in self._made:
            return together(_NEXT[wallet] if each is Verdict.NEW else each for wallet, each in parts.items())
        found = together(parts.values())
        if whose and found is Verdict.NEW:
            self._made.add(whose)
        return found

    def _whose(self, card: Card, known: Known) -> int:
        """0 for one who has a single line."""
        customer = fingerprint(card.customer.lower())
        return -known.customers.get(card.customer, 0) or customer if customer in self.customers else 0


@dataclass
class Firsts:
    """Of one wallet: the first line of each serial number or object ID, and of each customer."""

    several: frozenset[int]
    _lines: dict[int, int] = field(default_factory=dict)  # by number: what the line says of it
    _numbers: dict[int, int] = field(default_factory=dict)  # by customer

    def verdict(self, card: Card, wallet: str, alone: Verdict, whose: int) -> Verdict:
        number = fingerprint(card.names[wallet])
        again = number in self._lines
        if number in self.several:
            itself = fingerprint(f"{card.token}\0{card.customer}" if wallet == APPLE else card.customer)
            if self._lines.setdefault(number, itself) != itself:
                return Verdict.REPEATED
        if whose and alone in _MAKING:
            first = self._numbers.setdefault(whose, number)
            return _SECOND[wallet] if first != number else Verdict.HERE if again else alone
        return alone
