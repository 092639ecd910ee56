"""What a webhook says, nested or flattened, and what a careless or hostile one says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.didomi.paths import KnownPreference, Vocabulary
from integrations.didomi.payloads import NEVER, envelope_of, moment_of, told_of, unflattened
from tests.integrations.didomi.arrivals_world import ANNA, payload

NESTED = envelope_of(payload("event_created_as_documented"))


@pytest.mark.parametrize("case", ["event_flattened_by_number", "event_flattened_by_id"])
def test_a_flattened_event_tells_the_same_as_the_nested_one(case: str) -> None:
    flat = envelope_of(payload(case))
    assert (flat.type, flat.person, flat.entity_id, flat.organization_id, flat.regulation) == (
        NESTED.type, NESTED.person, NESTED.entity_id, NESTED.organization_id, NESTED.regulation,
    )  # fmt: skip
    mine, theirs = told_of(flat.entity, "gdpr"), told_of(NESTED.entity, "gdpr")
    consents = {path: value for path, value in theirs.leaves.items() if path.startswith("consents")}
    assert len(consents) > 30
    assert {path: mine.leaves.get(path, "absent") for path in consents} == consents
    assert (mine.key, mine.at, mine.metadata) == (theirs.key, theirs.at, theirs.metadata)


def test_an_update_brings_what_is_new_and_what_was_before() -> None:
    envelope = envelope_of(payload("event_updated_as_documented"))
    assert envelope.entity["updated_at"] == "2026-01-31T12:00:00.000Z"
    told = told_of(envelope.entity, "gdpr", old_entity=envelope.old_entity)
    assert told.leaves["consents_channels_email_enabled"] is False
    assert told.leaves["consents_purposes_newsletter_values_frequency_monthly_enabled"] is True
    # It was chosen before and is no longer among the values.
    assert told.leaves["consents_purposes_newsletter_values_frequency_weekly_enabled"] is False
    assert "consents_channels_sms_enabled" not in told.leaves


def test_values_are_known_from_the_catalogue_too() -> None:
    known = Vocabulary(preferences=(KnownPreference("frequency", ("weekly", "daily")),))
    told = told_of(NESTED.entity, "gdpr", known=known)
    assert told.leaves["consents_purposes_newsletter_values_frequency_daily_enabled"] is False


def test_what_is_told_for_the_proof() -> None:
    told = told_of(NESTED.entity, "gdpr")
    assert (told.key, told.at) == (ANNA, datetime(2026, 1, 31, 10, tzinfo=UTC))
    assert told.metadata == {"favourite_shop": "Gent", "children": 2}
    assert told.proof == {
        "event": "c1f3a0de-0001-4a5e-9d6b-1f2e3d4c5b6a",
        "regulation": "gdpr",
        "delegate": {"id": "call-centre", "name": "Call centre", "metadata": {}},
        "proofs": ["proof-1"],
        "country": "BE",
        "shown": {"form": "Footer of the shop"},
    }
    assert told_of({}, "gdpr").at == NEVER


def test_without_a_regulation_it_is_gdpr_as_didomi_means_it() -> None:
    assert envelope_of({"type": "x", "parameters": {"entity": {"id": "1"}}}).regulation == "gdpr"
    assert envelope_of({"type": "x", "parameters": {"entity": {"regulation": "CPRA"}}}).regulation == "cpra"
    assert envelope_of(payload("event_of_another_regulation")).regulation == "cpra"


# Flattened


@pytest.mark.parametrize(
    ("flat", "nested"),
    [
        ({"a__b": 1, "a__c": 2, "d": 3}, {"a": {"b": 1, "c": 2}, "d": 3}),
        ({"p__purposes__0__id": "x", "p__purposes__0__enabled": True},
         {"p": {"purposes": [{"id": "x", "enabled": True}]}}),
        ({"purposes__x__enabled": True}, {"purposes": [{"enabled": True, "id": "x"}]}),
        ({"purposes__7__enabled": True}, {"purposes": [{"enabled": True, "id": "7"}]}),
        ({"purposes__my__own__enabled": True}, {"purposes": [{"enabled": True, "id": "my__own"}]}),
        ({"channels__email": False}, {"channels": [{"enabled": False, "id": "email"}]}),
        ({"purposes__x__values__how__often__value": "a"},
         {"purposes": [{"values": {"how__often": {"value": "a"}}, "id": "x"}]}),
        ({"user__metadata__shoe__size": 40}, {"user": {"metadata": {"shoe__size": 40}}}),
        ({"vendors__enabled__0": "a", "vendors__enabled__1": "b"}, {"vendors": {"enabled": ["a", "b"]}}),
        ({"a__b": 1, "a": 2}, {"a": {"b": 1}}),
        ({"metadata": {"a__b": 1}}, {"metadata": {"a__b": 1}}),
    ],
)  # fmt: skip
def test_flat_keys_are_nested_again(flat: dict[str, Any], nested: dict[str, Any]) -> None:
    assert unflattened(flat) == nested


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
names = st.sampled_from(
    ["type", "parameters", "entity", "new_entity", "old_entity", "regulation", "entity__user__organization_user_id",
     "entity__consents__purposes__0__id", "parameters__entity", "user", "consents", "purposes", "channels", "id",
     "values", "value", "metadata", "organization_user_id", "created_at", "__", "a__0"]
)  # fmt: skip
bodies = st.dictionaries(names, st.dictionaries(names, json_values | st.dictionaries(names, json_values)) | json_values)


@settings(max_examples=300, deadline=None)
@given(bodies)
def test_no_body_breaks_the_reading(body: dict[str, Any]) -> None:
    envelope = envelope_of(body)
    told = told_of(envelope.entity, envelope.regulation, old_entity=envelope.old_entity)
    assert told.key == envelope.person
    assert all(value is None or isinstance(value, bool | str) for value in told.leaves.values())
    assert not told.ambiguous & set(told.leaves)


@pytest.mark.parametrize(
    ("value", "at"),
    [("2026-01-31T10:00:00.000Z", datetime(2026, 1, 31, 10, tzinfo=UTC)),
     ("2026-01-31T11:00:00+01:00", datetime(2026, 1, 31, 10, tzinfo=UTC)),
     ("2026-01-31T10:00:00", datetime(2026, 1, 31, 10, tzinfo=UTC)),
     (1769853600, datetime(2026, 1, 31, 10, tzinfo=UTC)),
     (1769853600000, datetime(2026, 1, 31, 10, tzinfo=UTC)),
     ("yesterday", None), ("", None), (None, None), (True, None), (10**40, None), (float("inf"), None), ([], None),
     ("0001-01-01T00:00:00+14:00", None)],
)  # fmt: skip
def test_moments_are_read_as_they_come(value: Any, at: datetime | None) -> None:
    assert moment_of(value) == at
