"""Whoever changes to and fro between both systems is paused, and asked about: a loop, or two forms that disagree."""

from __future__ import annotations

from datetime import datetime, timedelta

from integrations.pairing.models import ConsentReview, PairedPerson
from integrations.pairing.standing import Standing, Word

FLIPS_MOST, WINDOW = 5, timedelta(minutes=10)


def one_too_many(held: PairedPerson, standing: Standing, word: Word, now: datetime) -> bool:
    """Counts a change that comes from the other side than the one before. Pauses the person at one too many."""
    if standing.state is None or word.side == standing.by:
        return False
    recent = [each for each in held.flips if datetime.fromisoformat(each) > now - WINDOW]
    held.flips = [*recent, now.isoformat()]
    if len(held.flips) <= FLIPS_MOST:
        return False
    held.paused_at = now
    return True


def forgive(held: PairedPerson, review: ConsentReview) -> None:
    """A person of the team has answered: it may go on."""
    if review.reason == ConsentReview.Reason.FLIPS:
        held.paused_at, held.flips = None, []
