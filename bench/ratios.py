"""Ratios of what was measured in turn, and whether they are as promised."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

Round = Mapping[str, float]  # how many a second, by what was measured
Pair = tuple[str, str]


def told(rounds: Sequence[Round], wanted: Mapping[Pair, float], beside: Sequence[Pair] = ()) -> bool:
    """Prints the medians, and of each pair the median of its ratio in each round. Whether all promises are kept.

    `beside`: pairs of which nothing is promised.
    """
    for name in rounds[0]:
        print(f"  {name:44} {statistics.median(each[name] for each in rounds):10,.0f}/s")
    kept = [_told(rounds, pair, least) for pair, least in wanted.items()]
    for pair in beside:
        print(f"  {_ratio(rounds, pair)[1]}")
    return all(kept)


def _told(rounds: Sequence[Round], pair: Pair, least: float) -> bool:
    middle, words = _ratio(rounds, pair)
    print(f"  {words}, wanted {least}: {'kept' if middle >= least else 'NOT KEPT'}")
    return middle >= least


def _ratio(rounds: Sequence[Round], pair: Pair) -> tuple[float, str]:
    one, other = pair
    ratios = sorted(each[one] / each[other] for each in rounds)
    middle = statistics.median(ratios)
    return middle, f"{one} / {other}: {middle:.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f})"
