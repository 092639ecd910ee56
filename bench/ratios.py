"""Ratios of what was measured in turn, and whether they are as promised."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

Round = Mapping[str, float]  # how many a second, by what was measured


def told(rounds: Sequence[Round], wanted: Mapping[tuple[str, str], float]) -> bool:
    """Prints the medians, and of each pair the median of its ratio in each round. Whether all are kept."""
    for name in rounds[0]:
        print(f"  {name:38} {statistics.median(each[name] for each in rounds):10,.0f}/s")
    kept = [_told(rounds, one, other, least) for (one, other), least in wanted.items()]
    return all(kept)


def _told(rounds: Sequence[Round], one: str, other: str, least: float) -> bool:
    ratios = sorted(each[one] / each[other] for each in rounds)
    middle = statistics.median(ratios)
    verdict = "kept" if middle >= least else "NOT KEPT"
    print(f"  {one} / {other}: {middle:.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f}), wanted {least}: {verdict}")
    return middle >= least
