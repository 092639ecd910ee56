"""Paths of mappings: every documented spelling is understood, and none is ever taken apart by its underscores."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.didomi.bodies import body_of
from integrations.didomi.paths import PATH_MOST, KnownPreference, Target, Vocabulary, flatten, readings, spellings
from tests.integrations.didomi.arrivals_world import payload

KNOWN = Vocabulary(
    purposes=("newsletter", "cookies"),
    channels=("email", "sms"),
    preferences=(KnownPreference("newsletter", ("weekly", "daily_mail"), purposes=("cookies",)),),
)


def consents(**told: Any) -> dict[str, Any]:
    return {"consents": told}


# The samples of Didomi's pages


@pytest.mark.parametrize(
    ("path", "event", "value"),
    [
        ("consents_channels_email_enabled", consents(channels=[{"id": "email", "enabled": True}]), True),
        ("consents_purposes_newsletter_enabled", consents(purposes=[{"id": "newsletter", "enabled": False}]), False),
        ("consents_preferences_newsletter_enabled",
         consents(purposes=[{"id": "cookies", "preferences": [{"id": "newsletter", "enabled": True}]}]), True),
        ("consents_purposes_cookies_preferences_newsletter_channel_email_enabled",
         consents(purposes=[{"id": "cookies", "preferences": [
             {"id": "newsletter", "channels": [{"id": "email", "enabled": False}]}]}]), False),
        ("user_organization_user_id", {"user": {"organization_user_id": "anna"}}, "anna"),
    ],
)  # fmt: skip
def test_documented_samples_are_read(path: str, event: dict[str, Any], value: Any) -> None:
    assert flatten(event).values[path] == value


@pytest.mark.parametrize(
    ("path", "targets"),
    [
        ("consents_channels_email_enabled", [Target(channel="email")]),
        ("consents.channels.email.enabled", [Target(channel="email")]),
        ("consents__channel__email__enabled", [Target(channel="email")]),
        (" consents_purposes_newsletter_enabled ", [Target("newsletter")]),
        ("consents_preferences_newsletter_enabled", [Target("cookies", "newsletter")]),
        ("consents_purposes_cookies_preferences_newsletter_channel_email_enabled",
         [Target("cookies", "newsletter", channel="email")]),
        ("consents_purposes_cookies_values_newsletter_daily_mail_enabled",
         [Target("cookies", "newsletter", value="daily_mail")]),
        ("consents_purposes_cookies_values_newsletter_value", []),
        ("consents_purposes_unknown_enabled", []),
        ("consents_channels_email", []),
        ("user_organization_user_id", []),
        ("", []),
    ],
)  # fmt: skip
def test_what_a_path_may_mean_for_writing(path: str, targets: list[Target]) -> None:
    assert readings(path, KNOWN) == targets


# What an event says


def test_an_event_as_documented_is_read_whole() -> None:
    leaves = flatten(payload("event_created_as_documented")["parameters"]["entity"])
    assert not leaves.ambiguous
    said = {
        "consents_channels_sms_enabled": False,
        "consents.purposes.newsletter.enabled": True,
        "consents__purposes__newsletter__values__frequency__value": "weekly,monthly",
        "consents_purposes_newsletter_values_frequency_weekly_enabled": True,
        "consents_purposes_cookies_enabled": None,
        "consents_preferences_offers_channel_email_enabled": False,
        "consents_vendors_enabled": "google",
        "user_metadata_children": "2",
        "user_metadata_favourite_shop": "Gent",
        "status": "confirmed",
    }
    assert {path: leaves.values[path] for path in said} == said


def test_what_is_absent_is_in_no_leaf_and_what_is_null_is_none() -> None:
    leaves = flatten(consents(channels=[{"id": "email"}, {"id": "sms", "enabled": None}], purposes=None)).values
    assert "consents_channels_email_enabled" not in leaves
    assert leaves["consents_channels_sms_enabled"] is None


def test_a_value_that_was_not_chosen_is_false_where_it_is_known_to_exist() -> None:
    event = consents(purposes=[{"id": "p", "values": {"frequency": {"value": "weekly"}, "topic": {"value": None}}}])
    known = {"frequency": ["weekly", "daily"], "topic": ["shoes"], "other": ["x"]}
    leaves = flatten(event, known).values
    path = "consents_purposes_p_values_{}_enabled".format
    assert leaves[path("frequency_weekly")] is True
    assert leaves[path("frequency_daily")] is False
    assert leaves[path("topic_shoes")] is None
    assert path("other_x") not in leaves
    assert path("frequency_daily") not in flatten(event).values


def test_text_that_means_yes_or_no_is_taken_so() -> None:
    leaves = flatten(consents(channels=[{"id": "a", "enabled": "True"}, {"id": "b", "enabled": "maybe"}])).values
    assert (leaves["consents_channels_a_enabled"], leaves["consents_channels_b_enabled"]) == (True, "maybe")


# Open which is meant


def test_a_spelling_of_two_places_says_nothing() -> None:
    event = consents(purposes=[
        {"id": "a_channels_b", "enabled": True},
        {"id": "a", "enabled": True, "channels": [{"id": "b", "enabled": False}]},
    ])  # fmt: skip
    leaves = flatten(event)
    open_one = "consents_purposes_a_channels_b_enabled"
    assert open_one in leaves.ambiguous
    assert open_one not in leaves.values
    assert leaves.values["consents.purposes.a.channels.b.enabled"] is False
    assert leaves.values["consents.purposes.a_channels_b.enabled"] is True


def test_a_preference_of_two_purposes_needs_the_purpose() -> None:
    preference = {"id": "letter", "enabled": True}
    event = consents(purposes=[{"id": each, "preferences": [preference]} for each in ("shop", "club")])
    leaves = flatten(event)
    assert "consents_preferences_letter_enabled" in leaves.ambiguous
    assert leaves.values["consents_purposes_shop_preferences_letter_enabled"] is True
    known = Vocabulary(purposes=("shop", "club"), preferences=(KnownPreference("letter"),))
    assert len(readings("consents_preferences_letter_enabled", known)) == 2


def test_an_event_that_says_two_things_of_one_consent_says_nothing() -> None:
    twice = [{"id": "email", "enabled": True}, {"id": "email", "enabled": False}]
    leaves = flatten(consents(channels=twice))
    assert "consents_channels_email_enabled" in leaves.ambiguous
    assert not leaves.values
    same = flatten(consents(channels=twice[:1] * 2))
    assert same.values["consents_channels_email_enabled"] is True


# What is sent


def test_a_body_holds_only_what_is_set() -> None:
    targets = {Target(channel="email"): True, Target("news", "letter", channel="sms"): False, Target("news"): True}
    assert body_of(targets) == {
        "channels": [{"id": "email", "enabled": True}],
        "purposes": [{"id": "news", "enabled": True,
                      "preferences": [{"id": "letter", "channels": [{"id": "sms", "enabled": False}]}]}],
        "vendors": {"enabled": [], "disabled": []},
    }  # fmt: skip
    assert body_of(dict(reversed(targets.items()))) == body_of(targets)


def test_values_that_the_person_chose_before_stay_chosen() -> None:
    current = {"purposes": [{"id": "p", "values": {"f": {"value": "weekly, monthly"}}}]}
    targets = {Target("p", "f", "daily"): True, Target("p", "f", "monthly"): False}
    (purpose,) = body_of(targets, current)["purposes"]
    assert purpose == {"id": "p", "values": {"f": {"value": "weekly,daily"}}}
    (alone,) = body_of({Target("p", "f", "daily"): False})["purposes"]
    assert alone["values"] == {"f": {"value": ""}}


# Any ids

# Words of the structure as ids, joined by the joiners: whoever splits, goes wrong.
WORDS = ["a", "b", "channels", "channel", "purposes", "preferences", "values", "enabled", "value", "consents", "x_y"]
ids = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).flatmap(
    lambda words: st.sampled_from(["_", "__", "-", "."]).map(lambda joiner: joiner.join(words))
)
some_ids = st.lists(ids, min_size=1, max_size=3, unique=True).map(tuple)
vocabularies = st.builds(
    Vocabulary,
    purposes=some_ids,
    channels=some_ids,
    preferences=st.lists(
        st.builds(KnownPreference, id=ids, values=some_ids), max_size=2, unique_by=lambda each: each.id
    ).map(tuple),
)


@settings(max_examples=60, deadline=None)
@given(vocabularies, st.data())
def test_what_is_written_is_read_back_by_every_spelling(known: Vocabulary, data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.sampled_from(sorted(known.targets())), min_size=1, max_size=4, unique=True))
    targets = {target: data.draw(st.booleans()) for target in chosen}
    values = {each.id: each.values for each in known.preferences}
    leaves = flatten({"consents": body_of(targets)}, values)
    for target, state in targets.items():
        for path in spellings(target.place):
            meant = readings(path, known)
            assert target in meant
            if path in leaves.ambiguous:
                assert len(meant) > 1 or target.value or target.preference
            elif len(meant) == 1:
                assert leaves.values[path] is state


@settings(max_examples=60, deadline=None)
@given(vocabularies, st.data())
def test_an_event_never_says_anything_of_what_it_does_not_name(known: Vocabulary, data: st.DataObject) -> None:
    """Where a path can mean one thing only, an event about something else leaves it alone."""
    told, other = data.draw(st.lists(st.sampled_from(sorted(known.targets())), min_size=2, max_size=2, unique=True))
    leaves = flatten({"consents": body_of({told: True})}).values
    for path in spellings(other.place):
        if readings(path, known) == [other]:
            assert leaves.get(path) is None


def test_what_is_too_long_to_be_named_is_not_spelled_ten_thousand_times() -> None:
    below = {str(number): True for number in range(10_000)}
    found = flatten({"consents": {"k" * 100_000: below, "purposes": [{"id": "newsletter", "enabled": True}]}})
    assert found.values["consents_purposes_newsletter_enabled"] is True
    assert max(map(len, found.values)) <= PATH_MOST
    assert len(found.values) == 3


def test_the_longest_path_that_a_line_takes_is_found() -> None:
    purpose = "p" * (PATH_MOST - len("consents_purposes__enabled"))
    found = flatten({"consents": {"purposes": [{"id": purpose, "enabled": False}]}})
    assert found.values[f"consents_purposes_{purpose}_enabled"] is False
