"""Which media type an Accept header asks for."""

from __future__ import annotations

import time

import pytest

from portal.accept import preferred

PROBLEM, JSON, TEXT_JSON, PLAIN = OFFERED = ("application/problem+json", "application/json", "text/json", "text/plain")


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", PROBLEM),
        ("*/*", PROBLEM),
        ("application/*", PROBLEM),
        ("application/problem+json", PROBLEM),
        ("application/json", JSON),
        ("Application/JSON; charset=utf-8", JSON),
        ("text/json", TEXT_JSON),
        ("text/plain", PLAIN),
        ("text/*", TEXT_JSON),
        ("text/*, text/json;q=0", PLAIN),
        ("text/*;q=0.5, text/plain;q=0.4", TEXT_JSON),
        ("text/plain;q=0.2, application/json;q=0.9, */*;q=0.1", JSON),
        ("application/json;q=0.3, text/plain;Q=0.8", PLAIN),
        ("text/plain, application/json, text/json", JSON),
        ("application/json, text/plain, */*", JSON),
        ("*/*, application/problem+json;q=0", JSON),
        ("application/json;q=0.5, */*", PROBLEM),
        ("application/json;v=2;q=1.000", JSON),
        ("text/plain;q=0.5;level=1, text/json;q=0.4", PLAIN),
    ],
)
def test_the_highest_weight_wins_then_the_name_then_our_order(accept: str, expected: str) -> None:
    assert preferred(accept, OFFERED) == expected


@pytest.mark.parametrize(
    "accept",
    [
        "text/html",
        "image/*;q=0.1",
        "application/json;q=0",
        "*/*;q=0",
        "application/json;q=0.0, text/*;q=0.000",
        "nonsense",
        ",,, ;q=1",
        "*",
        "application",
        "application/json/json",
        "application/json;q=2",
        "application/json;q=abc",
        "application/json;q=-1",
        "application/json;q=٠",
        "té/json",
        "text/plain\x00",
    ],
)
def test_a_header_that_asks_for_nothing_on_offer_gets_the_first(accept: str) -> None:
    assert preferred(accept, OFFERED) == PROBLEM


@pytest.mark.parametrize("accept", ["text/plain," * 100_000, "text/plain" + ";q=1" * 100_000, ";" * 999, "a/" * 499])
def test_a_hostile_header_costs_nothing(accept: str) -> None:
    began = time.perf_counter()
    assert preferred(accept, OFFERED) == PROBLEM
    assert time.perf_counter() - began < 0.05
