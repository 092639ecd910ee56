"""How much to feed, how often, and how long it will take: pure.

Rows and live webhooks share a lane, first come, first served. So a job never has more rows waiting than the lane ends
within HOLD_SECONDS: a webhook waits no longer than that behind them, and a pause takes effect as soon.
"""

from __future__ import annotations

from collections.abc import Sequence

HOLD_SECONDS = 2.0
MINUTE = 60.0
# The shortest stretch over which a speed is worth reckoning with.
SPEED_SECONDS = 5.0
SAMPLE_EVERY = 2.0
WINDOW_LEAST, WINDOW_MOST = 4, 500
# A burst that a limited rate allows after a pause of the worker.
BURST_SECONDS = 10.0

# [seconds since 1970, rows that had ended]
Samples = Sequence[Sequence[float]]


def sampled(samples: Samples, now: float, ended: int) -> list[list[float]]:
    """With what has ended by now; what is older than a minute goes, but for one to reckon from."""
    kept = [[at, count] for at, count in samples if at >= now - MINUTE - SAMPLE_EVERY and count <= ended]
    if not kept or now - kept[-1][0] >= SAMPLE_EVERY:
        kept.append([now, ended])
    return kept


def speed(samples: Samples, now: float, ended: int, over: float = MINUTE) -> float:
    """Rows ended per second over the last stretch of time; 0.0 while there is nothing to reckon from."""
    within = [(at, count) for at, count in samples if now - over - SAMPLE_EVERY <= at < now]
    if not within:
        return 0.0
    at, count = within[0]
    return max(0.0, (ended - count) / max(now - at, 1.0))


def window(samples: Samples, now: float, ended: int, least: int) -> int:
    """How many rows may be unfinished: what ends within HOLD_SECONDS, at the speed of the last few seconds."""
    found = round(speed(samples, now, ended, SPEED_SECONDS) * HOLD_SECONDS)
    return min(max(found, least, WINDOW_LEAST), WINDOW_MOST)


def allowed(rate: int, paced_at: float | None, now: float) -> tuple[int, float]:
    """How many rows the rate a minute allows now, and the time from which on they are paid for."""
    each = MINUTE / rate
    paid_until = now - each if paced_at is None else min(paced_at, now)  # ahead only where a clock has been set back
    begin = max(paid_until, now - max(BURST_SECONDS, each))
    return int((now - begin) / each + 1e-6), begin


def paid(rate: int, begin: float, rows: int) -> float:
    return begin + rows * MINUTE / rate


def a_minute(*limits: float, measured: float = 0.0) -> float:
    """The pace to expect: the lowest of the limits (0: none), or what is measured where that is slower."""
    known = [each for each in (*limits, measured) if each > 0]
    return min(known) if known else 0.0
