"""What becomes of a card, and the sentences for those that are left out. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from portal.sentences import say


class Verdict(StrEnum):
    """Those that come first decide where a line has a card for each wallet."""

    BAD = "bad"  # the line makes no card
    REPEATED = "repeated"  # the file has the same card in an earlier line
    OTHER = "other"  # the serial number is here with another token, or of another customer
    OTHER_OBJECT = "other_object"  # the object is here on another pass
    SECOND = "second"  # the customer has another card of the template
    SECOND_OBJECT = "second_object"  # the customer's pass has another object
    UNKNOWN = "unknown"  # no customer has the key
    NEW = "new"  # a pass is made for it
    TAKES_OVER = "takes_over"  # the customer's pass, which is on no phone, becomes the card
    JOINS = "joins"  # the customer's pass, which Google has not, gets the object
    HERE = "here"  # it was imported before


IMPORTED = frozenset({Verdict.NEW, Verdict.TAKES_OVER, Verdict.JOINS})
PROBLEMS = {
    Verdict.UNKNOWN: say("No customer has this key."),
    Verdict.OTHER: say("This serial number is here already, with another token or of another customer."),
    Verdict.SECOND: say("The customer has another pass of this template that is in use, or another card in the file."),
    Verdict.OTHER_OBJECT: say("This Google object is here already, on another pass."),
    Verdict.SECOND_OBJECT: say("Google has another object of the customer's pass, or the file names another one."),
    Verdict.REPEATED: say("An earlier line has the same card, with another token or customer."),
}
_WEIGHT = list(Verdict)


def together(parts: Iterable[Verdict]) -> Verdict:
    """Of a whole line: what stands against one of its cards leaves out the other, too."""
    return min(parts, key=_WEIGHT.index)
