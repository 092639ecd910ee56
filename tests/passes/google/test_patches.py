"""A PATCH that leaves Google with exactly what is wanted, whatever it had."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from passes.google.patches import hash_of, patch, takeover

VALUES = st.recursive(
    st.booleans() | st.integers(0, 9) | st.text("ab", max_size=2) | st.lists(st.integers(0, 3), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("xyz"), inner, max_size=3),
    max_leaves=5,
)
BODIES = st.dictionaries(st.sampled_from("abcd"), VALUES, max_size=4)


def merged(base: Any, changes: Any) -> Any:
    """What Google does with a PATCH (JSON merge patch, RFC 7396), written from its text."""
    if not isinstance(changes, dict):
        return changes
    kept = dict(base) if isinstance(base, dict) else {}
    for name, value in changes.items():
        if value is None:
            kept.pop(name, None)
        else:
            kept[name] = merged(kept.get(name), value)
    return kept


@given(before=BODIES, after=BODIES)
def test_a_patch_makes_the_one_body_the_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert merged(before, patch(before, after)) == after


@given(body=BODIES)
def test_equal_bodies_need_no_patch_and_have_one_hash(body: dict[str, Any]) -> None:
    assert patch(body, body) == {}
    assert hash_of(body) == hash_of(dict(reversed(body.items())))


def test_a_list_is_given_whole() -> None:
    before = {"textModulesData": [{"id": "a", "body": "1"}, {"id": "b", "body": "2"}]}
    after = {"textModulesData": [{"id": "a", "body": "1"}, {"id": "b", "body": "3"}]}
    assert patch(before, after) == after


def test_what_another_vendor_put_there_goes_and_what_is_googles_stays() -> None:
    wanted = {"id": "1.a", "classId": "1.c", "state": "ACTIVE", "accountId": "7"}
    foreign = {
        "accountName": "Ann",
        "loyaltyPoints": {"balance": {"int": 3}},
        "messages": [{"id": "m"}],
        "hasUsers": True,
    }
    found = merged(foreign, takeover(wanted, "loyaltyObject"))
    assert found == {**wanted, "messages": [{"id": "m"}], "hasUsers": True}
