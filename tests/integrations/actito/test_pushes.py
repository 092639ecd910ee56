"""What Actito pushes, in all its shapes, made one; and what a custom action wants."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from integrations.actito.commands import KEY, PROFILE, SERIAL, Unclear, command_of
from integrations.actito.pushes import Push, Unreadable, nested, profile_id, pushes_of
from tests.world import payload


def only(body: dict[str, Any]) -> Push:
    [push] = pushes_of(body)
    return push


@pytest.mark.parametrize(
    ("case", "profile", "event_type"),
    [
        ("minimal", "147471", ""),
        ("v1_profile_created", "147472", "CREATE"),
        ("v1_profile_updated", "147471", "UPDATE"),
        ("v1_values_as_strings", "147471", "UPDATE"),
        ("v2_profile_updated", "147471", ""),
        ("v2_values_as_strings", "147471", ""),
        ("subscription_changed", "147471", "UPDATED_SUBSCRIPTION"),
        ("action_with_flat_keys", "147471", ""),
        ("profile_deleted", "147471", "DELETE"),
    ],
)
def test_every_shape_names_its_profile_and_its_event(case: str, profile: str, event_type: str) -> None:
    push = only(payload(case))
    assert (profile_id(push.data), push.event_type) == (profile, event_type)


def test_a_bulk_is_one_push_for_each_element_each_with_an_id_of_its_own() -> None:
    pushes = pushes_of(payload("action_bulk"))
    assert [push.path for push in pushes] == ["$.data[0]", "$.data[1]", "$.data[2]", "$.data[3]"]
    assert len({push.source_id for push in pushes}) == 4
    assert pushes[2].problem == "The element is not an object."


def test_an_element_keeps_its_id_wherever_it_stands_in_the_bulk() -> None:
    one, other = {"profileId": 1, "bonus": 5}, {"profileId": 2, "bonus": 5}
    there, back = (pushes_of({"id": "b", "data": data}) for data in ([one, other, one], [one, one, other]))
    assert {push.source_id: push.data for push in there} == {push.source_id: push.data for push in back}
    assert len({push.source_id for push in there}) == 3
    assert [push.source_id for push in pushes_of({"data": [one, other]})] == [None, None]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("95f1", "95f1"), (12345, "12345"), (12.0, "12"), (0, "0"), ("", None), (None, None), (True, None), ({}, None)],
)
def test_an_id_is_kept_as_text(sent: Any, kept: str | None) -> None:
    assert only({"id": sent, "data": {}}).source_id == kept


def test_a_long_id_is_still_an_id() -> None:
    one, other = (only({"id": "x" * 300 + end, "data": {}}).source_id for end in "ab")
    assert one
    assert other
    assert one != other
    assert len(one) <= 100


def test_the_limit_of_elements_holds_over_all_envelopes() -> None:
    envelope = {"data": [{"profileId": 1}] * 20}
    assert len(pushes_of([envelope] * 50)) == 1000
    with pytest.raises(Unreadable, match="at most 1000 elements in all"):
        pushes_of([envelope] * 51)


def test_an_array_of_envelopes_is_a_bulk_as_well() -> None:
    pushes = pushes_of([payload("minimal"), 7, {"data": None}, payload("v2_bulk")])
    assert [push.path for push in pushes] == ["$[0].data", "$[1]", "$[2].data", "$[3].data[0]", "$[3].data[1]"]
    assert [bool(push.problem) for push in pushes] == [False, True, True, False, False]
    assert all(push.bulk for push in pushes)


@pytest.mark.parametrize("data", [None, 7, "x", True, [], [{}] * 1001])
def test_what_holds_no_element_is_refused(data: Any) -> None:
    with pytest.raises(Unreadable):
        pushes_of({"data": data})


def test_dotted_keys_are_unfolded_and_nothing_is_lost() -> None:
    assert nested({"a.b": 1, "a.c": 2, "d": 3}) == {"a": {"b": 1, "c": 2}, "d": 3}
    assert nested({"a": 1, "a.b": 2}) == {"a": 1, "a.b": 2}
    assert nested({"a.b": 1, "a": {"b": 2}}) == {"a": {"b": 2}, "a.b": 1}
    deep = ".".join("x" * 500)
    assert nested({deep: 1}) == {deep: 1}


@given(some.dictionaries(some.text("ab.", max_size=6), some.integers(), max_size=6))
def test_unfolding_keeps_every_value(flat: dict[str, int]) -> None:
    def leaves(value: Any) -> list[Any]:
        return [leaf for each in value.values() for leaf in leaves(each)] if isinstance(value, dict) else [value]

    assert sorted(leaves(nested(flat))) == sorted(flat.values())


# What an action wants


def test_actitos_own_shape() -> None:
    command = command_of(only(payload("action_with_flat_keys")))
    assert command.who == ((PROFILE, "147471"), (KEY, "anna@example.com"))
    assert command.values == {"campaignId": "987654", "points": "250"}
    assert command.message == "Your points count double today"


def test_the_shape_of_other_connectors() -> None:
    command = command_of(only(payload("action_of_other_connectors")))
    assert (command.who, command.pass_type) == (((KEY, "anna@example.com"),), "Loyalty card")
    assert (command.values, command.message) == ({"points": 300}, "Welcome back")


def test_a_flat_object_without_any_envelope() -> None:
    command = command_of(only({"serialNumber": "5e1c…", "tier": "Gold", "_links": {}}))
    assert (command.who, command.values) == (((SERIAL, "5e1c…"),), {"tier": "Gold"})


def test_reserved_names_in_any_case() -> None:
    command = command_of(only({"data": {"PROFILEID": 7, "MoveToTemplate": "Gold", "PassType": "Card"}}))
    assert (command.who, command.move_to, command.pass_type) == (((PROFILE, "7"),), "Gold", "Card")


def test_the_connections_own_names_for_customers() -> None:
    command = command_of(only({"data": {"actionParameters.customerId": "V1", "customerid": "V1"}}), ["customerId"])
    assert command.who == (("customerId", "V1"),)


@pytest.mark.parametrize(
    "data",
    [{}, {"points": 5}, {"profileId": 0}, {"profileId": True}, {"email": ""}, {"email": None}, {"email": ["a"]},
     {"email": "x" * 256}, {"profileId": "7e3"}, {"identifiers": {}}, {"identifiers": "anna"}],
)  # fmt: skip
def test_who_names_nobody_is_told_which_names_there_are(data: dict[str, Any]) -> None:
    with pytest.raises(Unclear, match="profileId, businessKey, emailAddress, serialNumber, card_number"):
        command_of(Push(data, "", None, False, "$.data"), ["card_number"])


@pytest.mark.parametrize(("sent", "number"), [("01", "1"), ("0001", "1"), (" 7 ", "7"), (7.0, "7"), (7, "7")])
def test_a_profile_id_has_one_form_in_actions_too(sent: Any, number: str) -> None:
    assert command_of(only({"data": {"profileId": sent}})).who == ((PROFILE, number),)


@pytest.mark.parametrize(
    ("sent", "message"), [({"message": ""}, ""), ({"Message": None}, ""), ({"message": []}, None), ({}, None)]
)
def test_an_empty_message_differs_from_none(sent: dict[str, Any], message: str | None) -> None:
    assert command_of(only({"data": {"profileId": 7, **sent}})).message == message


def test_a_message_has_a_length() -> None:
    with pytest.raises(Unclear, match="longer than 1000"):
        command_of(only({"data": {"profileId": 7, "message": "x" * 1001}}))
