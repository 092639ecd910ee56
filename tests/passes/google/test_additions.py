"""Additions to Google's resources: checked against Google's own description, filled in, and merged last."""

from __future__ import annotations

from typing import Any

import pytest

from passes.content import ContentError, render
from passes.google.additions import merged, problems
from passes.google.resources import class_of, object_of
from tests.passes.google.test_resources import address, case


def design(additions: Any, kind: str = "customerCard") -> dict[str, Any]:
    known = case("voided_loyalty_without_values")["design"]
    return {**known, "kind": kind, "google": additions}


def told(additions: Any, kind: str = "customerCard") -> list[str]:
    return [str(problem.told) for problem in problems(design(additions, kind))]


def resources(additions: Any, **values: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    content = render(design(additions), values).data
    return (
        class_of(content, class_id="1.template", image_address=address),
        object_of(content, object_id="1.pass", class_id="1.template", image_address=address),
    )


def test_a_template_without_any_has_nothing_to_tell() -> None:
    known = case("offer")["design"]
    assert list(problems({name: value for name, value in known.items() if name != "google"})) == []


@pytest.mark.parametrize(
    ("additions", "sentence"),
    [
        ([1], "{ … } must be an object."),
        ({"type": "flight"}, "type is for generic templates only."),
        ({"klass": {}}, "klass must be “class” or “object”."),
        ({"class": []}, "class must be an object."),
        ({"class": {"homepage": "x"}}, "class.homepage is no key that Google Wallet knows here."),
        ({"class": {"reviewStatus": "APPROVED"}}, "class.reviewStatus is set by the portal or elsewhere in this form."),
        ({"object": {"accountName": 7}}, "object.accountName must be a text in quotes."),
        ({"object": {"state": "ACTIVE"}}, "object.state is set by the portal or elsewhere in this form."),
        ({"object": {"linkedOfferIds": "1.a"}}, "object.linkedOfferIds must be a list."),
        ({"class": {"programName": "{{ name }}"}},
         "class.programName is the same on all passes, so it cannot hold a customer's value."),
        ({"class": {"textModulesData": [{"id": "a", "body": "{{ name }}"}]}},
         "class.textModulesData is the same on all passes, so it cannot hold a customer's value."),
    ],
)  # fmt: skip
def test_what_google_would_not_take_is_told_by_its_path(additions: Any, sentence: str) -> None:
    assert told(additions) == [sentence]


def test_each_kind_has_its_own_keys() -> None:
    assert told({"class": {"finePrint": "Once."}}, "offer") == []
    assert told({"class": {"finePrint": "Once."}}) == ["class.finePrint is no key that Google Wallet knows here."]


def test_a_generic_template_may_be_a_journey() -> None:
    assert told({"type": "transit", "class": {"transitType": "BUS"}}, "generic") == []
    assert told({"type": "boat"}, "generic") == ["type must be one of flight, transit."]


def test_only_the_tier_of_a_class_may_be_a_customers() -> None:
    assert told({"class": {"rewardsTier": "{{ tier }}", "secondaryRewardsTier": "{{ level }}"}}) == []


def test_texts_hold_values_of_the_type_that_google_wants() -> None:
    _, card = resources(
        {"object": {
            "accountName": "{{ number }}",
            "groupingInfo": {"sortIndex": 2},
            "secondaryLoyaltyPoints": {"label": "Stamps", "balance": {"int": "{{ stamps }}"}},
            "valueAddedModuleData": [{"header": {"defaultValue": {"language": "en", "value": "{{ nothing }}"}}}],
        }},
        number=12, stamps="7",
    )  # fmt: skip

    assert card["accountName"] == "12"
    assert card["groupingInfo"] == {"sortIndex": 2}
    assert card["secondaryLoyaltyPoints"] == {"label": "Stamps", "balance": {"int": 7}}
    assert card["valueAddedModuleData"] == [{"header": {"defaultValue": {"language": "en"}}}]


def test_a_customers_value_that_google_would_not_take_makes_no_content_and_is_not_told() -> None:
    with pytest.raises(ContentError) as problem:
        resources({"object": {"secondaryLoyaltyPoints": {"balance": {"int": "{{ stamps }}"}}}}, stamps="a secret")

    assert "secondaryLoyaltyPoints.balance.int must be a whole number" in str(problem.value.sentence)
    assert "secret" not in str(problem.value.sentence)


def test_a_class_never_gets_a_customers_value_even_from_a_design_that_nobody_looked_at() -> None:
    with pytest.raises(ContentError):
        resources({"class": {"programName": "Card of {{ name }}"}}, name="Anna")


def test_additions_come_last_and_a_card_of_ones_own_replaces_the_rows() -> None:
    row = {"oneItem": {"item": {"firstValue": {"fields": [{"fieldPath": "object.accountName"}]}}}}
    card = {"cardTemplateOverride": {"cardRowTemplateInfos": [row]}}

    made, _ = resources({"class": {"programName": "Verdi Club", "classTemplateInfo": card}})

    assert made["programName"] == "Verdi Club"
    assert made["classTemplateInfo"] == card


def test_objects_are_merged_and_lists_joined() -> None:
    assert merged({"a": {"b": 1, "c": [1]}, "d": 1}, {"a": {"c": [2], "e": 3}, "d": 2}) == {
        "a": {"b": 1, "c": [1, 2], "e": 3}, "d": 2,
    }  # fmt: skip
