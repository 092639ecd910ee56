"""What a browser runs on, as far as that decides how a card is kept there. Pure.

Browsers do not have to tell the truth: an iPad calls itself a Macintosh, and a phone may ask for a computer's pages.
So every page offers the card as a file as well.
"""

from __future__ import annotations

from enum import StrEnum


class Runs(StrEnum):
    IPHONE = "iphone"  # and iPad
    MAC = "mac"  # opens the file in Wallet's own window; an iPad may be behind it
    ANDROID = "android"
    COMPUTER = "computer"


_MARKS = (
    ("iPhone", Runs.IPHONE), ("iPad", Runs.IPHONE), ("iPod", Runs.IPHONE), ("Android", Runs.ANDROID),
    ("Macintosh", Runs.MAC),
)  # fmt: skip


def runs_on(user_agent: str) -> Runs:
    return next((found for mark, found in _MARKS if mark in user_agent), Runs.COMPUTER)
