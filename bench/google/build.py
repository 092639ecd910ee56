"""The JSON of one object, and of the class beside it, in time of the processor.

Each of many passes has other values, so that nothing is remembered.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from typing import Any

from bench.place import place

PASSES = 500
WANTED_MS = 0.2
COLOURS = {"background": "#14532D", "text": "#FFFFFF", "label": "#D6ECE0"}
ORGANIZATION = {
    "organization_name": "Example Coffee",
    "description": "Loyalty card",
    "logo_text": "",
    "colours": COLOURS,
}
IMAGES = {"icon@2x.png": "1" * 40, "logo@2x.png": "2" * 40, "strip@2x.png": "3" * 40}


def _field(place: str, key: str, expression: str, **options: str) -> dict[str, str]:
    return {"place": place, "key": key, "label": key.title(), "expression": expression, "change_message": "", **options}


FIELDS = [
    _field("header", "points", "{{ points }}", format="number"),
    _field("primary", "tier", "{{ tier }}"),
    _field("secondary", "member", "{{ first_name }} {{ last_name }}"),
    _field("secondary", "since", "{{ since }}", format="date", date_style="medium"),
    _field("auxiliary", "balance", "{{ balance }}", format="currency", currency="EUR"),
    _field("back", "number", "{{ card_number }}"),
    _field("back", "terms", "Points are valid for two years after the purchase that they were given for."),
    _field("back", "service", "Call us.", link="tel:+3225550123"),
]
SMALL = {
    **ORGANIZATION, "kind": "customerCard", "language": "en", "fields": FIELDS, "images": IMAGES, "texts": {},
    "barcode": {"format": "qr", "expression": "{{ card_number }}"},
}  # fmt: skip
WHOLE = {
    **SMALL,
    "fields": [*FIELDS, *(_field("back", f"more{n}", f"{{{{ more{n} }}}}") for n in range(6))],
    "texts": {code: {each["label"]: f"{each['label']} ({code})" for each in FIELDS} for code in ("fr", "nl")},
    "expires": "{{ since }}", "grouping": "{{ tier }}", "app_link": "https://example.com/{{ card_number }}",
    "locations": [{"latitude": 50.85, "longitude": 4.35}] * 10,
    "actions": [{"kind": "shop", "target": "https://example.com"}, {"kind": "call", "target": "tel:+3225550123"}],
    "google": {"class": {"rewardsTier": "{{ tier }}"}, "object": {"accountName": "{{ first_name }}"}},
}  # fmt: skip


def run(rounds: int) -> bool:
    print(f"build: milliseconds for one, the median of {rounds} rounds of {PASSES} passes")
    with place(LOG_LEVEL="ERROR"):
        return all([_told("small card", SMALL, rounds), _told("with everything, in three languages", WHOLE, rounds)])


def _told(name: str, design: dict[str, Any], rounds: int) -> bool:
    from passes.content import render  # noqa: PLC0415 - after setup
    from passes.google.resources import class_of, object_of  # noqa: PLC0415

    contents = [render(design, _values(number)).data for number in range(PASSES)]
    spent = {
        "object": lambda content: object_of(content, object_id="1.pass", class_id="1.card", image_address=_address),
        "class": lambda content: class_of(content, class_id="1.card", image_address=_address),
    }
    found = {
        part: statistics.median(_milliseconds(make, contents) for _ in range(rounds)) for part, make in spent.items()
    }
    size = len(json.dumps(spent["object"](contents[0])))
    kept = found["object"] <= WANTED_MS
    verdict = "kept" if kept else "NOT KEPT"
    print(f"  {name}: object of {size:,} bytes {found['object']:.3f} ms, wanted {WANTED_MS}: {verdict}; "
          f"class {found['class']:.3f} ms")  # fmt: skip
    return kept


def _values(number: int) -> dict[str, Any]:
    return {
        "points": 1200 + number, "tier": "Gold", "first_name": "Anna", "last_name": f"Peeters {number}",
        "since": f"20{number % 90 + 10}-03-31", "balance": f"{number}.50", "card_number": f"4006381{number:06}",
        **{f"more{n}": number * 7919 + n for n in range(6)},
    }  # fmt: skip


def _address(sha1: str) -> str:
    return f"https://wallet.example.com/wallet/google/images/{sha1}.png"


def _milliseconds(make: Callable[[Any], object], contents: list[Any]) -> float:
    begun = time.process_time()
    for content in contents:
        make(content)
    return (time.process_time() - begun) / len(contents) * 1000
