"""A virtual phone speaks the pass web service's protocol and shows what changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from passes.apple.sandbox import Network, PassRefused, VirtualIPhone
from portal.sandbox import Fault
from tests.passes.apple.test_sandbox_kit import (
    PASS_TYPE,
    TOKEN,
    PassServer,
    authority,
    build,
    document,
    running_pass_server,
)

CARD = (PASS_TYPE, "C-1")


def make_phone(state: Path | None = None) -> VirtualIPhone:
    return VirtualIPhone(authority().root, allow_http=True, state=state, network=Network(retry_waits=(0.01,)))


@pytest.fixture
def server() -> Iterator[PassServer]:
    with running_pass_server() as server:
        yield server


@pytest.fixture
def phone() -> VirtualIPhone:
    return make_phone()


def added(phone: VirtualIPhone, server: PassServer) -> VirtualIPhone:
    assert phone.add(f"{server.url}/card.pkpass") == "C-1"
    return phone


def test_adding_a_pass_registers_the_phone_with_its_push_token(phone: VirtualIPhone, server: PassServer) -> None:
    added(phone, server)

    assert server.registered == {phone.device: phone.push_token}
    assert phone.passes[CARD]["registered"]
    assert phone.passes[CARD]["last_modified"] == server.last_modified()
    assert "accepted http because this is a sandbox" in phone.notices


def test_adding_it_again_registers_again_and_keeps_one_card(phone: VirtualIPhone, server: PassServer) -> None:
    added(phone, server)
    added(phone, server)

    assert list(phone.passes) == [CARD]
    assert phone.passes[CARD]["registered"]


def test_a_pass_without_a_web_service_is_added_and_never_calls(phone: VirtualIPhone) -> None:
    assert phone.add(build()) == "C-1"
    phone.refresh()

    assert not phone.passes[CARD]["registered"]


def test_a_link_that_is_no_pass_is_refused(phone: VirtualIPhone, server: PassServer) -> None:
    for path, reason in (("/nothing", "answered 404"), ("/_sandbox/requests", "Content-Type 'application/json'")):
        with pytest.raises(PassRefused, match=reason):
            phone.add(server.url + path)
    with pytest.raises(PassRefused):
        phone.add("http://127.0.0.1:1/card.pkpass")

    assert phone.passes == {}


def test_a_push_fetches_the_new_version_and_shows_the_change(phone: VirtualIPhone, server: PassServer) -> None:
    added(phone, server)
    server.change(points=25)

    phone.on_push(PASS_TYPE)

    assert [(entry["serial"], entry["title"], entry["text"]) for entry in phone.screen] == [
        ("C-1", "Example Coffee", "You now have 25 points")
    ]
    assert phone.summary()["passes"][0]["fields"] == {"points": 25, "tier": "silver"}
    assert phone.passes[CARD]["tag"] == "2"


def test_the_phone_asks_with_its_last_tag_and_its_last_modified(phone: VirtualIPhone, server: PassServer) -> None:
    added(phone, server)
    first_version = server.last_modified()
    server.change(points=25)
    phone.on_push(PASS_TYPE)
    server.change(points=30)
    server.asked.clear()

    phone.on_push(PASS_TYPE)

    listing, fetching = server.asked
    assert listing.query == {"passesUpdatedSince": "2"}
    assert "authorization" not in listing.headers
    assert fetching.headers["authorization"] == f"ApplePass {TOKEN}"
    assert fetching.headers["if-modified-since"] > first_version


def test_a_change_without_change_message_is_silent(phone: VirtualIPhone, server: PassServer) -> None:
    added(phone, server)
    fields = document()["storeCard"]
    server.change(points=10, storeCard={**fields, "backFields": [{"key": "tier", "label": "Tier", "value": "gold"}]})

    phone.on_push(PASS_TYPE)

    assert phone.screen == []
    assert phone.summary()["passes"][0]["fields"]["tier"] == "gold"


def test_nothing_new_is_204_and_leaves_no_trace(phone: VirtualIPhone, server: PassServer) -> None:
    added(phone, server)
    phone.on_push(PASS_TYPE)
    server.logs.clear()

    phone.on_push(PASS_TYPE)

    assert server.logs == []


def test_the_lock_screen_speaks_the_phones_language(phone: VirtualIPhone, server: PassServer) -> None:
    french = '"You now have %@ points" = "Vous avez %@ points";\n"Points" = "Vos points";'
    server.extra = {"fr-BE.lproj/pass.strings": french.encode("utf-16")}
    phone.language = "fr"
    added(phone, server)
    server.change(points=25)

    phone.on_push(PASS_TYPE)

    assert phone.screen[0]["text"] == "Vous avez 25 points"
    assert phone.shown()[0][1][0].label == "Vos points"


def test_currencies_and_messages_without_a_place_for_the_value(phone: VirtualIPhone, server: PassServer) -> None:
    def fields(amount: float) -> dict[str, object]:
        balance = {"key": "balance", "value": amount, "currencyCode": "EUR", "changeMessage": "Balance: %@"}
        return {"backFields": [balance, {"key": "seen", "value": amount, "changeMessage": "Look!"}]}

    server.change(points=0, storeCard=fields(5))
    added(phone, server)
    server.change(points=0, storeCard=fields(7.5))

    phone.on_push(PASS_TYPE)

    assert [entry["text"] for entry in phone.screen] == ["Balance: 7.50 EUR", "Pass updated"]


def test_a_listed_pass_that_did_not_change_is_logged(phone: VirtualIPhone, server: PassServer) -> None:
    added(phone, server)

    phone.on_push(PASS_TYPE)

    assert "Server requested update to serial number 'C-1', but the pass was unchanged." in server.logs[0]
    assert server.logs[0].startswith("[20")


def test_a_server_that_ignores_if_modified_since_is_told_so(phone: VirtualIPhone, server: PassServer) -> None:
    server.ignores_condition = True
    added(phone, server)

    phone.on_push(PASS_TYPE)

    assert "Server ignored the 'if-modified-since' header" in server.logs[0]
    assert phone.screen == []


def test_a_serial_that_is_not_on_the_phone_is_logged(phone: VirtualIPhone, server: PassServer) -> None:
    added(phone, server)
    server.listed = ["C-9"]

    phone.on_push(PASS_TYPE)

    assert server.logs[0].endswith("Update requested for unregistered serial number C-9")


def test_a_broken_update_is_logged_and_the_old_card_stays(phone: VirtualIPhone, server: PassServer) -> None:
    added(phone, server)
    server.change(points=25, authenticationToken="another-token-of-sixteen")

    phone.on_push(PASS_TYPE)

    assert "Received invalid pass data (authenticationToken must not change in an update.)" in server.logs[0]
    assert phone.passes[CARD]["tag"] is None
    server.change(points=25, description="")
    phone.on_push(PASS_TYPE)
    assert "description is missing or empty." in server.logs[1]
    assert phone.summary()["passes"][0]["fields"]["points"] == 10


def test_a_registration_that_fails_is_logged_and_made_up_for_by_a_refresh(
    phone: VirtualIPhone, server: PassServer
) -> None:
    server.arm(Fault("status", path="/registrations/", times=1, status=401))

    added(phone, server)

    assert not phone.passes[CARD]["registered"]
    assert server.logs[0].endswith("encountered error: Authentication failure")
    assert f"Register task (for device {phone.device}, pass type {PASS_TYPE}, serial number C-1;" in server.logs[0]
    phone.refresh()
    assert phone.passes[CARD]["registered"]


def test_a_server_that_fails_for_a_moment_is_asked_again(phone: VirtualIPhone, server: PassServer) -> None:
    added(phone, server)
    server.change(points=25)
    server.arm(Fault("status", path="/v1/passes/", times=1, status=503))
    server.arm(Fault("drop", path="passesUpdatedSince|/registrations/", times=1))

    phone.on_push(PASS_TYPE)

    assert phone.screen[0]["text"] == "You now have 25 points"
    assert server.logs == []


def test_an_update_that_failed_is_asked_for_again_with_the_old_tag(phone: VirtualIPhone, server: PassServer) -> None:
    added(phone, server)
    server.change(points=25)
    server.arm(Fault("status", path="/v1/passes/", times=2, status=500))

    phone.on_push(PASS_TYPE)
    assert "Get pass task" in server.logs[0]
    assert "Unexpected response code 500" in server.logs[0]
    phone.on_push(PASS_TYPE)

    assert phone.screen[0]["text"] == "You now have 25 points"


def test_a_malformed_listing_is_logged(phone: VirtualIPhone, server: PassServer) -> None:
    added(phone, server)
    server.arm(Fault("malformed", path="/registrations/"))

    phone.on_push(PASS_TYPE)

    assert "Get serial #s task" in server.logs[0]
    assert server.logs[0].endswith("Server response was malformed")


def test_removing_a_card_unregisters_the_phone(phone: VirtualIPhone, server: PassServer) -> None:
    added(phone, server)

    assert phone.remove("C-1")
    assert not phone.remove("C-1")

    assert server.registered == {}
    assert phone.passes == {}


def test_a_restart_keeps_device_cards_tags_and_screen(server: PassServer, tmp_path: Path) -> None:
    state = tmp_path / "phone.json"
    before = added(make_phone(state), server)
    server.change(points=25)
    before.on_push(PASS_TYPE)
    before.language = "nl"

    after = make_phone(state)

    assert after.summary() == before.summary()
    assert after.passes == before.passes
    server.change(points=26)
    after.on_push(PASS_TYPE)
    assert [entry["text"] for entry in after.screen] == ["You now have 25 points", "You now have 26 points"]


def test_a_phone_that_is_not_a_sandbox_refuses_http(server: PassServer) -> None:
    strict = VirtualIPhone(authority().root)

    with pytest.raises(PassRefused, match="webServiceURL must use https"):
        strict.add(f"{server.url}/card.pkpass")
