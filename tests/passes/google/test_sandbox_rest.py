"""The sandbox keeps Google's rules on classes and objects, and refuses in Google's words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from passes.google.sandbox import GoogleSandbox
from passes.google.sandbox.wire import KINDS, TYPES
from portal.sandbox import Fault, Request, Response, Sandbox, route
from tests.passes.google.sandbox_kit import ISSUER, OTHER_ISSUER, Account, body, reason

CLASS, CARD = f"{ISSUER}.loyalty", f"{ISSUER}.loyalty-card"
WRONG = (400, "badRequest")


def told(answer: Any) -> str:
    return str(answer.json()["error"]["message"])


# What is required, and whose it is


@pytest.mark.parametrize("kind", KINDS)
def test_each_type_is_refused_without_what_it_requires(account: Account, kind: str) -> None:
    answer = account.call("POST", kind, {"id": f"{ISSUER}.x"})

    required = {key for key in body(kind) if key in {"state", "issuerName", "header"}}
    if kind == "genericClass":  # it requires no more than its id
        assert answer.status_code == 200
        return
    assert reason(answer) == WRONG
    assert all(f"{key} is required." in told(answer) for key in required)


@pytest.mark.parametrize("wrong", ["", "loyalty", f"{ISSUER}", f"{ISSUER}.a b", f"{ISSUER}.é", f"{OTHER_ISSUER}.x", 7])
def test_an_id_that_is_no_id_or_of_no_issuer_is_invalid(account: Account, wrong: Any) -> None:
    assert reason(account.call("POST", "loyaltyClass", {**body("loyaltyClass"), "id": wrong})) == (
        400,
        "invalidResource",
    )


def test_another_issuers_classes_are_denied(account: Account, google: GoogleSandbox) -> None:
    stranger = Account(google, OTHER_ISSUER, "stranger")
    account.insert("loyaltyClass")

    for method, path in (("GET", f"loyaltyClass/{CLASS}"), ("PATCH", f"loyaltyClass/{CLASS}")):
        assert reason(stranger.call(method, path, {} if method == "PATCH" else None)) == (403, "permissionDenied")
    assert reason(stranger.call("GET", "loyaltyClass", issuerId=ISSUER)) == (403, "permissionDenied")
    assert reason(stranger.call("GET", f"permissions/{ISSUER}")) == (403, "permissionDenied")


def test_a_reader_reads_and_no_more(account: Account, google: GoogleSandbox) -> None:
    account.insert("loyaltyClass")
    google.store.issuers[ISSUER].permissions[account.file["client_email"]] = "READER"

    assert account.call("GET", f"loyaltyClass/{CLASS}").status_code == 200
    assert reason(account.call("PATCH", f"loyaltyClass/{CLASS}", {})) == (403, "permissionDenied")


def test_permissions_are_changed_whole(account: Account) -> None:
    wanted = [
        {"emailAddress": account.file["client_email"], "role": "WRITER"},
        {"emailAddress": "a@b.be", "role": "reader"},
    ]

    answer = account.call("PUT", f"permissions/{ISSUER}", {"issuerId": ISSUER, "permissions": wanted})

    assert [each["role"] for each in answer.json()["permissions"]] == ["writer", "reader"]


# Bodies


@pytest.mark.parametrize(
    ("kind", "change", "sentence"),
    [
        ("loyaltyObject", {"colour": "red"}, "Unknown name \"colour\" at ''"),
        ("loyaltyObject", {"messages": [{"message_type": "TEXT"}]}, "Unknown name \"message_type\" at 'messages.0'"),
        ("genericObject", {"notifyPreference": "NOTIFY_ON_UPDATE"}, 'Unknown name "notifyPreference"'),
        ("loyaltyObject", {"state": "GONE"}, "state must be one of"),
        ("loyaltyObject", {"heroImage": {"sourceUri": {"uri": "/logo.png"}}}, "An image's URI must begin with https://."),
        ("loyaltyObject", {"heroImage": {"contentDescription": {"defaultValue": {"language": "en", "value": "x"}}}},
         "heroImage: Exactly one of sourceUri, privateImageId"),
        ("loyaltyObject", {"textModulesData": [{"id": "a.b"}]}, "The id 'a.b' may have"),
        ("loyaltyObject", {"linksModuleData": {"uris": [{"uri": "example.com"}]}}, "has no scheme."),
        ("loyaltyObject", {"loyaltyPoints": {"balance": {"int": 1, "string": "1"}}}, "Exactly one of string, int"),
        ("loyaltyObject", {"validTimeInterval": {"start": {"date": "2027-01-01T00:00:00Z"},
                                                 "end": {"date": "2027-02-01T00:00:00"}}}, "Either both ends"),
        ("loyaltyObject", {"validTimeInterval": {"start": {"date": "tomorrow"}}}, "'tomorrow' is no ISO 8601 date."),
        ("loyaltyObject", {"linkedObjectIds": [CARD]}, "cannot be linked to itself"),
        ("loyaltyObject", {"merchantLocations": [{"latitude": 1.0, "longitude": 1.0}] * 11}, "more than 10 entries"),
        ("loyaltyObject", {"messages": [{"body": "x"}] * 11}, "messages has more than 10 entries"),
        ("loyaltyClass", {"hexBackgroundColor": "green"}, "hexBackgroundColor must be #rrggbb"),
        ("loyaltyClass", {"localizedProgramName": {"translatedValues": []}}, "defaultValue is required"),
        ("genericClass", {"classTemplateInfo": {"cardTemplateOverride": {"cardRowTemplateInfos": [{}]}}},
         "Exactly one of oneItem"),
        ("eventTicketClass", {"venue": {"name": {"defaultValue": {"language": "en", "value": "x"}}}},
         "address is required"),
        ("giftCardObject", {"balanceUpdateTime": {"date": "2026-11-22T10:00:00"}}, "balanceUpdateTime needs an offset"),
    ],
)  # fmt: skip
def test_a_body_that_google_would_not_take_is_refused(
    account: Account, kind: str, change: dict[str, Any], sentence: str
) -> None:
    if kind.endswith("Object"):
        account.insert(f"{kind.removesuffix('Object')}Class")

    answer = account.call("POST", kind, {**body(kind), **change})

    assert reason(answer) == WRONG
    assert sentence in told(answer)


def test_with_the_switch_off_unknown_keys_are_dropped(account: Account, google: GoogleSandbox, card: str) -> None:
    google.switches.refuse_unknown_keys = False

    found = account.call("PATCH", f"loyaltyObject/{card}", {"colour": "red", "accountName": "Bram"}).json()

    assert "colour" not in found
    assert found["accountName"] == "Bram"


@pytest.mark.parametrize("sent", [b"{", b"[]", b"7", b""])
def test_what_is_no_json_object_is_refused(account: Account, sent: bytes) -> None:
    answer = account.session.post(f"{account.google.api_url}/loyaltyClass", data=sent, timeout=5)

    assert answer.status_code == 400
    assert answer.json()["error"]["status"] == "INVALID_ARGUMENT"


# Classes and their review


@pytest.mark.parametrize("sort", TYPES)
def test_a_class_under_review_is_approved_at_once(account: Account, google: GoogleSandbox, sort: str) -> None:
    google.switches.legacy_echo = False
    assert account.insert(f"{sort}Class").get("reviewStatus") == (None if sort == "generic" else "APPROVED")


def test_a_class_is_never_approved_by_its_issuer_and_never_a_draft_again(account: Account) -> None:
    assert reason(account.call("POST", "loyaltyClass", body("loyaltyClass", reviewStatus="APPROVED"))) == WRONG
    stored = account.insert("loyaltyClass")
    # What was read is sent back: this is how updates fail in the field.
    assert stored["reviewStatus"] == "approved"
    assert reason(account.call("PUT", f"loyaltyClass/{CLASS}", stored)) == WRONG
    assert reason(account.call("PATCH", f"loyaltyClass/{CLASS}", {"programName": "New"})) == WRONG
    assert reason(account.call("PATCH", f"loyaltyClass/{CLASS}", {"reviewStatus": "DRAFT"})) == WRONG
    changed = account.call("PATCH", f"loyaltyClass/{CLASS}", {"programName": "New", "reviewStatus": "UNDER_REVIEW"})
    assert (changed.status_code, changed.json()["programName"]) == (200, "New")


def test_with_the_switch_off_a_patch_may_be_silent_on_the_review(account: Account, google: GoogleSandbox) -> None:
    google.switches.update_needs_review = False
    account.insert("loyaltyClass")
    assert account.call("PATCH", f"loyaltyClass/{CLASS}", {"programName": "New"}).status_code == 200


@pytest.mark.parametrize(("switch", "status"), [("APPROVED", "DRAFT"), ("REJECTED", "UNDER_REVIEW")])
def test_a_draft_or_a_rejected_class_takes_no_objects(
    account: Account, google: GoogleSandbox, switch: str, status: str
) -> None:
    google.switches.review = switch
    account.insert("loyaltyClass", reviewStatus=status)

    assert "takes no objects" in told(account.call("POST", "loyaltyObject", body("loyaltyObject")))


def test_an_object_needs_a_class_of_its_type(account: Account) -> None:
    assert reason(account.call("POST", "loyaltyObject", body("loyaltyObject"))) == (404, "classNotFound")
    account.insert("offerClass")
    wrong = account.call("POST", "loyaltyObject", body("loyaltyObject", classId=f"{ISSUER}.offer"))
    assert reason(wrong) == WRONG


def test_ids_are_unique_across_types(account: Account, card: str) -> None:
    account.insert("offerClass")
    taken = account.call("POST", "offerObject", body("offerObject", id=card))
    assert reason(taken) == (409, "existingResource")
    assert told(taken) == f"Wallet Object {card} already exists."


def test_an_object_moves_to_another_class_or_not(account: Account, google: GoogleSandbox, card: str) -> None:
    account.insert("loyaltyClass", "silver")
    moved = {"classId": f"{ISSUER}.silver"}
    assert account.call("PATCH", f"loyaltyObject/{card}", moved).json()["classId"] == f"{ISSUER}.silver"

    google.switches.class_change = False
    assert reason(account.call("PATCH", f"loyaltyObject/{card}", {"classId": CLASS})) == WRONG


# Updates


def test_a_patch_merges_objects_replaces_lists_whole_and_removes_what_is_null(account: Account, card: str) -> None:
    account.call(
        "PATCH", f"loyaltyObject/{card}",
        {"textModulesData": [{"id": "a", "body": "1"}, {"id": "b", "body": "2"}], "accountName": None},
    )  # fmt: skip
    sent = {"textModulesData": [{"id": "c", "body": "3"}], "loyaltyPoints": {"balance": {"int": 170}}}

    found = account.call("PATCH", f"loyaltyObject/{card}", sent).json()

    assert [each["id"] for each in found["textModulesData"]] == ["c"]
    assert (found["loyaltyPoints"]["label"], found["loyaltyPoints"]["balance"]["int"]) == ("Points", 170)
    assert "accountName" not in found
    assert found["accountId"] == "V10000"


def test_a_put_clears_what_it_leaves_out(account: Account, card: str) -> None:
    whole = {"classId": CLASS, "state": "ACTIVE"}
    assert "accountId" not in account.call("PUT", f"loyaltyObject/{card}", whole).json()
    assert reason(account.call("PUT", f"loyaltyObject/{card}", {**whole, "id": f"{ISSUER}.other"})) == WRONG


def test_a_firewall_that_knows_no_patch_is_helped(account: Account, card: str) -> None:
    account.session.headers["X-HTTP-Method-Override"] = "PATCH"
    assert account.call("POST", f"loyaltyObject/{card}", {"accountName": "Bram"}).json()["accountName"] == "Bram"
    del account.session.headers["X-HTTP-Method-Override"]
    assert account.call("POST", f"loyaltyObject/{card}", {"accountName": "Bram"}).status_code == 404


def test_what_is_not_there_is_404(account: Account, card: str) -> None:
    assert reason(account.call("GET", f"loyaltyObject/{ISSUER}.none")) == (404, "resourceNotFound")
    assert reason(account.call("GET", f"loyaltyClass/{ISSUER}.none")) == (404, "classNotFound")
    assert reason(account.call("PATCH", f"offerObject/{card}", {})) == (404, "resourceNotFound")
    assert reason(account.call("GET", "loyaltyObject", classId=f"{ISSUER}.none")) == (404, "classNotFound")
    assert account.call("DELETE", f"loyaltyObject/{card}").status_code == 405
    assert account.call("GET", "posterObject").status_code == 404


def test_linked_objects_must_be_there_and_stay(account: Account, card: str) -> None:
    offer, path = account.make("offer"), f"loyaltyObject/{card}"
    assert reason(account.call("PATCH", path, {"linkedObjectIds": [f"{ISSUER}.none"]})) == (404, "resourceNotFound")
    assert reason(account.call("PATCH", path, {"linkedOfferIds": [f"{OTHER_ISSUER}.none"]})) == WRONG
    assert account.call("PATCH", path, {"linkedObjectIds": [offer]}).status_code == 200
    assert "cannot be unlinked" in told(account.call("PATCH", path, {"linkedObjectIds": []}))


def test_a_page_token_that_was_never_given_is_refused(account: Account, card: str) -> None:
    assert reason(account.call("GET", "loyaltyObject", classId=CLASS, token="x")) == WRONG
    assert reason(account.call("GET", "loyaltyObject", classId=CLASS, maxResults=0)) == WRONG


# The echo


def test_the_echo_is_googles_older_spelling_as_it_was_recorded(account: Account) -> None:
    account.insert("genericClass")
    translated = {"defaultValue": {"language": "en", "value": "Verdi"}, "translatedValues": []}
    found = account.insert("genericObject", cardTitle=translated, state="ACTIVE")

    assert found["state"] == "active"
    assert found["genericType"] == "genericTypeUnspecified"
    assert found["cardTitle"] == {
        "kind": "walletobjects#localizedString",
        "defaultValue": {"kind": "walletobjects#translatedString", "language": "en", "value": "Verdi"},
    }


def test_the_echo_of_today_is_what_was_sent(account: Account, google: GoogleSandbox) -> None:
    google.switches.legacy_echo = False
    account.insert("loyaltyClass")
    sent = body("loyaltyObject")
    assert account.insert("loyaltyObject") == {**sent, "hasUsers": False}


def test_values_may_be_sent_in_the_older_spelling(account: Account, google: GoogleSandbox, card: str) -> None:
    google.switches.legacy_echo = False
    assert account.call("PATCH", f"loyaltyObject/{card}", {"state": "expired"}).json()["state"] == "EXPIRED"


# Limits and faults


def test_beyond_twenty_calls_a_second_it_is_429(account: Account, google: GoogleSandbox) -> None:
    google.switches.rate_limit = 20

    answers = [account.call("GET", "issuer").status_code for _ in range(24)]

    assert answers[:20] == [200] * 20
    assert 429 in answers


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"status": 403}, (403, "permissionDenied")),
        ({"status": 403, "reason": "quotaExceeded"}, (403, "quotaExceeded")),
        ({"status": 404}, (404, "resourceNotFound")),
        ({"status": 409}, (409, "existingResource")),
        ({"status": 429, "retry_after": "3"}, (429, "rateLimitExceeded")),
        ({"status": 500}, (500, "backendError")),
        ({"status": 503}, (503, "backendError")),
    ],
)
def test_an_armed_fault_speaks_as_google_does(
    account: Account, google: GoogleSandbox, fault: dict[str, Any], expected: tuple[int, str]
) -> None:
    google.arm(Fault("status", path="/issuer", **fault))

    answer = account.call("GET", "issuer")

    assert reason(answer) == expected
    assert answer.headers.get("Retry-After") == fault.get("retry_after")
    assert account.call("GET", "issuer").status_code == 200


def test_an_api_that_is_not_switched_on_is_told_by_the_front_end(account: Account, google: GoogleSandbox) -> None:
    google.arm(Fault("status", path="/issuer", status=403, reason="SERVICE_DISABLED"))

    error = account.call("GET", "issuer").json()["error"]

    assert (error["status"], error["details"][0]["reason"]) == ("PERMISSION_DENIED", "SERVICE_DISABLED")


class Pictures(Sandbox):
    @route("GET", "/logo.png")
    def logo(self, request: Request) -> Response:
        return Response(200, b"\x89PNG", {"Content-Type": "image/png"})

    @route("GET", "/page")
    def no_image(self, request: Request) -> Response:
        return Response(200, "<p>no image</p>")


@pytest.fixture
def pictures() -> Iterator[Pictures]:
    server = Pictures()
    server.start()
    yield server
    server.stop()


def test_an_image_that_cannot_be_fetched_is_refused_when_the_switch_is_on(
    account: Account, google: GoogleSandbox, pictures: Pictures
) -> None:
    def logo(path: str) -> dict[str, Any]:
        return body("loyaltyClass", programLogo={"sourceUri": {"uri": f"{pictures.url}/{path}"}})

    google.switches.fetch_images = True
    assert told(account.call("POST", "loyaltyClass", logo("gone.png"))).endswith(
        f"Image cannot be loaded: {pictures.url}/gone.png."
    )
    assert reason(account.call("POST", "loyaltyClass", logo("page"))) == WRONG
    assert account.call("POST", "loyaltyClass", logo("logo.png")).status_code == 200


def test_without_a_token_it_is_401(account: Account) -> None:
    for held in ("", "Bearer nobody", "Basic eA=="):
        account.session.headers["Authorization"] = held
        answer = account.call("GET", "issuer")
        assert (answer.status_code, answer.json()["error"]["status"]) == (401, "UNAUTHENTICATED")
