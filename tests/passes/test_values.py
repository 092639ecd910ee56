"""Which values a pass shows: the newest write wins, a pinned one stays, an addition counts once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from passes.values import Held, Write, shown, written

NOTHING = Held({}, {})


def customer(number: int, **values: Any) -> Held:
    return Held(values, {name: {"number": number, "changed": number} for name in values})


def after(of: Held, *arrivals: tuple[int, Write]) -> dict[str, Any]:
    held = NOTHING
    for number, write in arrivals:
        held = written(of, held, [write], number)
    return shown(of, held)


def test_a_value_of_the_pass_alone_is_shown() -> None:
    assert after(customer(1, points=5), (2, Write("offer", "-10 %"))) == {"points": 5, "offer": "-10 %"}


def test_the_newest_write_wins_wherever_it_came_from() -> None:
    assert after(customer(5, points=120), (6, Write("points", 170)))["points"] == 170
    assert after(customer(7, points=120), (6, Write("points", 170)))["points"] == 120


def test_reading_a_value_again_does_not_make_it_newer() -> None:
    read_again = Held({"points": 120}, {"points": {"number": 9, "changed": 5}})
    assert after(read_again, (6, Write("points", 170)))["points"] == 170


def test_a_pinned_value_stays_until_it_is_cleared() -> None:
    pinned = (6, Write("tier", "Gold", pinned=True))
    assert after(customer(9, tier="Silver"), pinned)["tier"] == "Gold"
    assert after(customer(9, tier="Silver"), pinned, (10, Write("tier", None)))["tier"] == "Silver"
    assert after(customer(9, tier="Silver"), pinned, (4, Write("tier", None)))["tier"] == "Gold"


def test_additions_of_several_arrivals_count_in_any_order() -> None:
    add = Write("points", 50, add=True)
    assert after(customer(1, points=120), (2, add), (3, add))["points"] == 220
    assert after(customer(1, points=120), (3, add), (2, add))["points"] == 220


def test_what_one_arrival_adds_is_added_to_what_it_sets() -> None:
    add, write = Write("points", 10, add=True), Write("points", 250)
    for writes in ([add, write], [write, add], [write, Write("points", 4, add=True), Write("points", 6, add=True)]):
        held = written(customer(1, points=100), NOTHING, writes, 2)
        assert shown(customer(1, points=100), held)["points"] == 260
    assert after(customer(1, points=100), (2, Write("points", None)), (2, add))["points"] == 110


def test_an_addition_starts_from_what_the_card_shows() -> None:
    held = written(customer(1, points=120), NOTHING, [Write("points", 50, add=True)], 2)
    newer = customer(3, points=200)
    assert shown(newer, written(newer, held, [Write("points", 5, add=True)], 4))["points"] == 205


def test_an_addition_that_is_older_than_what_was_set_is_part_of_it() -> None:
    assert after(NOTHING, (9, Write("points", 100)), (8, Write("points", 5, add=True)))["points"] == 100


@pytest.mark.parametrize(
    ("start", "value", "total"), [(1, 2, 3), (1.5, "2", 3.5), (None, 4, 4), ("", 4, 4), (0.1, 0.2, 0.3)]
)
def test_sums(start: Any, value: Any, total: Any) -> None:
    assert after(customer(1, points=start), (2, Write("points", value, add=True)))["points"] == total


def test_only_numbers_are_added() -> None:
    with pytest.raises(ValueError, match="numbers"):
        after(customer(1, points="many"), (2, Write("points", 5, add=True)))


@pytest.mark.parametrize("start", ["1e999999", "NaN", "Infinity", 10**15, "9" * 5000])
def test_a_sum_has_a_limit(start: Any) -> None:
    with pytest.raises(ValueError, match="too large"):
        after(customer(1, points=start), (2, Write("points", 5, add=True)))


writes = some.lists(
    some.tuples(some.integers(1, 30), some.sampled_from("ab"), some.one_of(some.none(), some.integers(0, 9))),
    max_size=12, unique_by=lambda each: each[0],
)  # fmt: skip


@given(writes, some.randoms(use_true_random=False))
def test_the_order_in_which_arrivals_are_carried_out_does_not_matter(arrivals: Any, chance: Any) -> None:
    in_order = [(number, Write(name, value)) for number, name, value in sorted(arrivals, key=lambda each: each[0])]
    shuffled = list(in_order)
    chance.shuffle(shuffled)
    assert after(NOTHING, *shuffled) == after(NOTHING, *in_order)
