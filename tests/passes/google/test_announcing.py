"""What an owner is told of a change: by Google itself where it can, else by a message, three of each sort a day."""

from __future__ import annotations

from typing import Any

import pytest

from passes.google.announcing import MOST, Announcement, Way, announcement, readings

POINTS = {"place": "header", "key": "points", "label": "Points", "value": 120, "format": "number",
          "change_message": "You now have %@ points"}  # fmt: skip
TIER = {"place": "primary", "key": "tier", "label": "Tier", "value": "Gold", "change_message": "Welcome to %@"}
NAME = {"place": "secondary", "key": "name", "label": "Name", "value": "Anna", "change_message": ""}
FRENCH = {"Welcome to %@": "Bienvenue chez %@", "You now have %@ points": "Vous avez %@ points"}


def content(*fields: dict[str, Any], **texts: dict[str, str]) -> dict[str, Any]:
    return {"language": "en", "fields": list(fields), "texts": texts}


def balance(points: int) -> dict[str, Any]:
    return {"loyaltyPoints": {"label": "Points", "balance": {"int": points}}}


def told(now: dict[str, Any], earlier: dict[str, Any], /, **changes: Any) -> Announcement:
    asked = {"told": readings(earlier), "type_": "loyalty", "before": {}, "after": {}, "used": {}, **changes}
    return announcement(now, **asked)


def test_a_change_without_a_change_message_is_silent() -> None:
    assert told(content({**NAME, "value": "Ann"}), content(NAME)).way is Way.SILENT


def test_google_itself_tells_of_points() -> None:
    found = told(content({**POINTS, "value": 170}), content(POINTS), before=balance(120), after=balance(170))
    assert found == Announcement(Way.UPDATE)


def test_a_message_tells_of_other_fields_in_every_language() -> None:
    found = told(content({**TIER, "value": "Platinum"}, fr=FRENCH), content(TIER))
    assert found == Announcement(Way.MESSAGE, {"en": "Welcome to Platinum", "fr": "Bienvenue chez Platinum"})


def test_types_without_such_fields_send_a_message_of_points_with_the_number_as_people_write_it() -> None:
    found = told(content({**POINTS, "value": 12500}, fr=FRENCH), content(POINTS), type_="generic",
                 before=balance(120), after=balance(12500))  # fmt: skip
    assert found.way is Way.MESSAGE
    assert found.texts["en"] == "You now have 12,500 points"
    assert "500 points" in found.texts["fr"]
    assert found.texts["fr"] != "Vous avez 12,500 points"


def test_several_changes_are_one_message() -> None:
    one = told(content({**TIER, "value": "Platinum"}, {**POINTS, "value": 1}), content(TIER, POINTS), type_="offer")
    assert one.texts == {"en": "Welcome to Platinum\nYou now have 1 points"}


def test_a_silent_update_a_new_field_and_an_emptied_one_are_not_told() -> None:
    hushed = told(content({**TIER, "value": "Platinum", "hushed": True}), content(TIER))
    new = told(content(TIER, POINTS), content(TIER))
    emptied = told(content({**TIER, "value": ""}), content(TIER))
    assert {hushed.way, new.way, emptied.way} == {Way.SILENT}


@pytest.mark.parametrize(("used", "way"), [
    ({"message": MOST - 1}, Way.MESSAGE), ({"message": MOST}, Way.OVER), ({"update": MOST}, Way.MESSAGE),
])  # fmt: skip
def test_the_fourth_message_in_a_day_is_not_sent_and_the_other_sort_is_counted_apart(
    used: dict[str, int], way: Way
) -> None:
    assert told(content({**TIER, "value": "Platinum"}), content(TIER), used=used).way is way


def test_the_fourth_update_in_a_day_is_silent_too() -> None:
    asked = {"before": balance(1), "after": balance(2)}
    assert told(content({**POINTS, "value": 2}), content(POINTS), used={"update": MOST}, **asked).way is Way.OVER
