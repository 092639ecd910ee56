"""Writing and finding profiles at Actito: what is sent, and what each answer means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from integrations.actito.models import ActitoConnection
from integrations.actito.profile_calls import CREATE, DELETE, SEARCH, SUBSCRIBE, UPDATE, ProfileClient
from integrations.actito.sandbox import ActitoSandbox
from portal.http import ApiError
from portal.ledger import Failure
from portal.ledger.failure import Decision
from tests.integrations.actito.double import Double, answer
from tests.world import ACTITO_KEY, ENTITY, TABLE, make_connection, make_tenant

pytestmark = pytest.mark.django_db

Calls = dict[str, Callable[[ProfileClient], Any]]
CALLS: Calls = {
    "create": lambda client: client.create_profile({"emailAddress": "bram@example.com"}),
    "update": lambda client: client.update_profile("1", {"tier": "Gold"}),
    "delete": lambda client: client.delete_profile("1"),
    "search": lambda client: client.search("tier", "Gold"),
    "subscribe": lambda client: client.subscribe("1", "Newsletter"),
    "unsubscribe": lambda client: client.subscribe("1", "Newsletter", False),
    "subscriptions": lambda client: client.subscriptions("1"),
}
WRITING = ["create", "update", "delete", "subscribe", "unsubscribe"]


def client(url: str, **more: Any) -> ProfileClient:
    return ProfileClient(make_connection(make_tenant(), url, **more))


def refusal(call: str, of: ProfileClient) -> ApiError:
    with pytest.raises(ApiError) as caught:
        CALLS[call](of)
    return caught.value


@pytest.mark.parametrize("style", ActitoConnection.PathStyle.values)
def test_a_profile_lives_and_dies_in_each_path_style(actito: ActitoSandbox, style: str) -> None:
    actito_client = client(actito.url, path_style=style)
    bram = actito_client.create_profile({"emailAddress": "bram+1/2@example.com", "points": 5}, {"Newsletter": True})
    assert actito_client.update_profile(bram, {"tier": "Gold", "points": None})
    assert [each.profile_id for each in actito_client.search("tier", "Gold")] == [bram]
    assert actito_client.subscriptions("emailAddress=bram+1/2@example.com") == {"Newsletter": True}

    actito_client.subscribe(bram, "Newsletter", False)
    seen = actito.values(ENTITY, TABLE, bram)
    assert (seen["tier"], seen["points"], seen["Newsletter"]) == ("Gold", None, False)
    assert seen["emailAddress"] == "bram+1/2@example.com"  # what was not sent stayed

    assert actito_client.delete_profile(bram) is True
    assert actito_client.delete_profile(bram) is False
    assert actito_client.update_profile(bram, {"tier": "Gold"}) is False
    assert actito_client.subscriptions(bram) is None
    assert actito_client.search("tier", "Gold") == []


def test_a_unique_value_that_somebody_has_is_refused_or_means_that_one(actito: ActitoSandbox) -> None:
    anna = {"emailAddress": "anna.peeters@example.com", "tier": "Gold"}
    with pytest.raises(ApiError, match="Another profile has this value") as caught:
        client(actito.url).create_profile(anna)
    assert (caught.value.decision, caught.value.status) == (Decision.DEAD, 409)
    second = make_connection(make_tenant("second"), actito.url)
    assert ProfileClient(second).create_profile(anna, allow_update=True) == "1"
    assert actito.values(ENTITY, TABLE, 1)["tier"] == "Gold"


def test_an_attribute_that_is_not_there_is_refused_in_words_and_nothing_is_written(actito: ActitoSandbox) -> None:
    with pytest.raises(ApiError, match=r"no such attribute.*Profiles has no attribute walletStatus") as caught:
        client(actito.url).update_profile("1", {"tier": "Gold", "walletStatus": "apple"})
    assert caught.value.decision is Decision.DEAD
    assert actito.values(ENTITY, TABLE, 1).get("tier") is None


@pytest.mark.parametrize("call", WRITING)
def test_a_key_without_the_right_to_write_is_told_so_and_can_still_read(actito: ActitoSandbox, call: str) -> None:
    actito.grant(ACTITO_KEY, {"profiles": "read"})
    refused = client(actito.url)
    error = refusal(call, refused)
    assert (error.decision, error.status) == (Decision.DEAD, 403)
    assert error.sentence.startswith("The API key may not change profiles.")
    assert refused.read_profile("1")


# What each status means: (call, the statuses of its table)
TABLES = {"create": CREATE, "update": UPDATE, "delete": DELETE, "search": SEARCH, "subscribe": SUBSCRIBE}


@pytest.mark.parametrize(("call", "status"), [(call, status) for call, table in TABLES.items() for status in table])
def test_a_status_of_a_calls_own_table_ends_the_event_in_its_words(double: Double, call: str, status: int) -> None:
    double.profile = answer(status, b"<html><h1>Sorry</h1></html>", "text/html")
    error = refusal(call, client(double.url))
    assert (error.decision, error.status) == (Decision.DEAD, status)
    assert error.sentence.startswith(f"{TABLES[call][status]} Actito ")
    assert str(status) in error.sentence


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("status", "decision"), [(401, Decision.PAUSE), (429, Decision.RETRY), (503, Decision.RETRY)])
def test_other_statuses_mean_what_they_mean_everywhere(
    double: Double, call: str, status: int, decision: Decision
) -> None:
    double.profile = answer(status)
    assert refusal(call, client(double.url)).decision is decision


@pytest.mark.parametrize("call", CALLS)
def test_only_making_a_profile_is_left_to_a_person_when_nobody_saw_its_end(double: Double, call: str) -> None:
    double.profile = lambda line: None  # hangs up without a word
    expected = Decision.UNCERTAIN if call == "create" else Decision.RETRY
    mine = client(double.url)
    assert refusal(call, mine).decision is expected
    for status in (408, 500, 502, 504):
        double.profile = answer(status)
        assert refusal(call, mine).decision is expected


@pytest.mark.parametrize("reply", [
    answer(201, b""), answer(200, b"<html>ok</html>", "text/html"), answer(202, {"x": 1}), answer(204),
])  # fmt: skip
def test_a_success_is_one_whatever_it_holds(double: Double, reply: bytes) -> None:
    double.profile = reply
    mine = client(double.url)
    assert mine.update_profile("7", {"tier": "Gold"}) is True
    assert mine.delete_profile("7") is True
    mine.subscribe("7", "Newsletter")
    assert mine.create_profile({"emailAddress": "a@example.com"}) == ""


@pytest.mark.parametrize("reply", [
    answer(200, {"profileId": "7"}), answer(201, {"profileId": 7.0, "more": []}),
    answer(201, b"", Location="https://api3.actito.com/profiles/v4/entity/e/table/t/profile/7/"),
])  # fmt: skip
def test_the_id_of_a_new_profile_is_found_where_the_answer_has_it(double: Double, reply: bytes) -> None:
    double.profile = reply
    assert client(double.url).create_profile({"emailAddress": "a@example.com"}) == "7"


@pytest.mark.parametrize("body", [
    {"profiles": [{"attributes": [{"name": "profileId", "value": "7"}, {"name": "tier", "value": "Gold"}]}]},
    [{"attributes": {"profileId": 7, "tier": "Gold"}, "extra": True}],
])  # fmt: skip
def test_what_a_search_finds_is_read_in_each_shape(double: Double, body: Any) -> None:
    double.profile = answer(200, body)
    [found] = client(double.url).search("tier", "Gold & Silver", most=5)
    assert (found.profile_id, found.attributes["tier"]) == ("7", "Gold")
    assert double.paths()[-1].endswith("/profile?search=tier%3DGold%20%26%20Silver&number=5")


@pytest.mark.parametrize("body", [{}, {"profiles": None}, "none", [{"attributes": {"tier": "Gold"}}], [7]])
def test_a_list_that_is_none_is_not_taken_for_nobody(double: Double, body: Any) -> None:
    double.profile = answer(200, body)
    assert refusal("search", client(double.url)).decision is Decision.RETRY


@pytest.mark.parametrize("body", [
    {"subscriptions": [{"name": "News", "subscribe": "true"}, {"name": "Offers", "subscribe": 0}]},
    {"subscriptions": {"News": True, "Offers": "false"}},
])  # fmt: skip
def test_subscriptions_are_read_in_each_shape(double: Double, body: Any) -> None:
    double.profile = answer(200, body)
    assert client(double.url).subscriptions("7") == {"News": True, "Offers": False}


def test_names_alone_are_subscriptions_and_another_answer_is_none(double: Double) -> None:
    mine = client(double.url)
    double.profile = answer(200, {"subscriptions": ["News"]})
    assert mine.subscriptions("7") == {"News": True}
    double.profile = answer(200, {"error": "none"})
    with pytest.raises(Failure, match="not a list of subscriptions"):
        mine.subscriptions("7")
