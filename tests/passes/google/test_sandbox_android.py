"""A person with an Android phone: the card in the wallet, its news, and its end."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from passes.google.sandbox import GoogleSandbox
from tests.passes.google.sandbox_kit import ISSUER, Account, points, reason

CLASS, CARD = f"{ISSUER}.loyalty", f"{ISSUER}.loyalty-card"


def test_the_card_is_laid_out_as_its_class_says(google: GoogleSandbox, account: Account) -> None:
    card = account.make("generic")
    phone = google.phone("anna")
    phone.add(account.link(card, sort="generic"))

    [shown] = phone.summary()["passes"]

    assert (shown["issuer"], shown["subtitle"], shown["title"]) == ("Verdi", "Member", "Anna Peeters")
    assert shown["rows"] == [[{"label": "Points", "text": "120"}, {"label": "Tier", "text": "Gold"}]]
    assert (shown["barcode"], shown["state"], shown["notices"]) == ("V10000", "ACTIVE", [])


def test_a_row_that_names_nothing_stays_empty_and_is_told(google: GoogleSandbox, account: Account) -> None:
    account.insert("genericClass")
    account.insert("genericObject", textModulesData=[{"id": "points", "header": "Points", "body": "120"}])
    phone = google.phone("anna")
    phone.add(account.link(f"{ISSUER}.generic-card", sort="generic"))

    [shown] = phone.summary()["passes"]

    assert shown["rows"] == [[{"label": "Points", "text": "120"}]]
    assert shown["notices"] == ["object.textModulesData['tier'] names nothing: its place on the card stays empty."]


def test_a_loyalty_card_shows_points_member_and_tier_in_the_phones_language(
    google: GoogleSandbox, account: Account
) -> None:
    dutch = {
        "defaultValue": {"language": "en", "value": "Points"},
        "translatedValues": [{"language": "nl", "value": "Punten"}],
    }
    account.insert("loyaltyClass", accountNameLabel="Member")
    account.insert("loyaltyObject", loyaltyPoints={"label": "Points", "localizedLabel": dutch, "balance": {"int": 120}})
    phone = google.phone("bram")
    phone.language = "nl"
    phone.add(account.link(CARD))

    assert phone.summary()["passes"][0]["fields"] == {"Punten": "120", "Member": "Anna Peeters", "Tier": "Gold"}


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({"state": "INACTIVE"}, "INACTIVE"),
        ({"validTimeInterval": {"end": {"date": "2020-01-01T00:00:00Z"}}}, "EXPIRED"),
        ({"validTimeInterval": {"end": {"date": "2099-01-01T00:00:00"}}}, "ACTIVE"),
    ],
)
def test_a_pass_that_has_ended_stands_among_the_archived(
    google: GoogleSandbox, account: Account, card: str, change: dict[str, Any], state: str
) -> None:
    phone = google.phone("anna")
    phone.add(account.link(card))
    account.patch(card, **change)
    assert phone.cards()[0].state == state


def test_money_is_shown_in_its_currency(google: GoogleSandbox, account: Account) -> None:
    phone = google.phone("anna")
    phone.add(account.link(account.make("giftCard"), sort="giftCard"))
    assert phone.summary()["passes"][0]["fields"] == {"Balance": "12.50 EUR", "Card number": "4000123"}


# Notifications


def test_a_change_of_points_that_asks_for_it_reaches_the_phone(
    google: GoogleSandbox, account: Account, card: str
) -> None:
    phone = google.phone("anna")
    phone.add(account.link(card))

    account.patch(card, **points(170))
    account.patch(card, notify=False, **points(180))
    account.patch(card, accountName="Bram")

    assert [entry["text"] for entry in phone.screen] == ["Points: 170"]


def test_the_fourth_change_in_a_day_is_silent_and_the_content_is_there(
    google: GoogleSandbox, account: Account, card: str
) -> None:
    phone = google.phone("anna")
    phone.add(account.link(card))
    for value in (1, 2, 3, 4):
        account.patch(card, **points(value))

    assert len(phone.screen) == 3
    assert phone.summary()["passes"][0]["fields"]["Points"] == "4"
    assert google.store.notices[-1]["silent"] == "three in 24 hours already"

    now = google.notices.clock()
    google.notices.clock = lambda: now + 24 * 3600 + 1
    account.patch(card, **points(5))
    assert len(phone.screen) == 4


def test_nobody_is_told_of_a_pass_that_nobody_holds(google: GoogleSandbox, account: Account, card: str) -> None:
    account.patch(card, **points(170))
    assert google.store.notices[-1]["silent"] == "nobody holds the pass"


def test_the_tier_of_a_class_is_told_to_everybody_who_holds_a_card_of_it(
    google: GoogleSandbox, account: Account, card: str
) -> None:
    phone = google.phone("anna")
    phone.add(account.link(card))
    sent = {"rewardsTier": "Platinum", "reviewStatus": "UNDER_REVIEW", "notifyPreference": "NOTIFY_ON_UPDATE"}
    account.call("PATCH", f"loyaltyClass/{CLASS}", sent)
    assert [entry["text"] for entry in phone.screen] == ["Tier: Platinum"]


def test_messages_with_a_push_are_three_a_day_apart_from_changes(
    google: GoogleSandbox, account: Account, card: str
) -> None:
    def send(number: int, kind: str = "TEXT_AND_NOTIFY", path: str = f"loyaltyObject/{CARD}") -> requests.Response:
        message = {"header": "Double points", "body": f"Today {number}", "messageType": kind}
        return account.call("POST", f"{path}/addMessage", {"message": message})

    phone = google.phone("anna")
    phone.add(account.link(card))
    for value in (1, 2, 3):
        account.patch(card, **points(value))
    assert [send(number).status_code for number in (1, 2, 3)] == [200, 200, 200]
    refused = send(4)

    assert reason(refused) == (403, "quotaExceeded")
    assert ISSUER in refused.json()["error"]["message"]
    assert send(5, "TEXT").status_code == 200
    assert [entry["title"] for entry in phone.screen][3:] == ["Double points"] * 3
    assert [each["body"] for each in phone.summary()["passes"][0]["messages"]] == [
        "Today 1",
        "Today 2",
        "Today 3",
        "Today 5",
    ]
    assert send(6, path=f"loyaltyClass/{CLASS}").status_code == 200
    assert len(phone.screen) == 7
    requests.delete(f"{google.url}/_sandbox/pushed", timeout=5)
    assert send(7).status_code == 200


def test_the_eleventh_message_is_refused(account: Account, card: str) -> None:
    for number in range(10):
        account.call("POST", f"loyaltyObject/{card}/addMessage", {"message": {"body": str(number)}})
    answer = account.call("POST", f"loyaltyObject/{card}/addMessage", {"message": {"body": "11"}})
    assert reason(answer) == (400, "badRequest")
    assert reason(account.call("POST", f"loyaltyObject/{card}/addMessage", {"id": "x"})) == (400, "badRequest")
    assert reason(account.call("POST", f"loyaltyObject/{card}/addMessage", {})) == (400, "badRequest")
