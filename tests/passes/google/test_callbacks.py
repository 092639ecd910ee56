"""Saved and deleted: Google's callbacks over the network, checked, recorded once, and confirmed by the object."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from passes.google import keys
from passes.google.keys import RootKeys, read_keys
from passes.google.sandbox import GoogleSandbox
from passes.models import GoogleIssuer, GoogleObject, WalletPass
from passes.wallets import state_of
from portal.models import Event
from portal.sandbox import Fault
from tests.passes import world as passes
from tests.passes.google import world
from tests.passes.google.sandbox_kit import OTHER_ISSUER

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def issuer(google: GoogleSandbox, portal: str) -> GoogleIssuer:
    return world.issuer(google)


@pytest.fixture
def held(issuer: GoogleIssuer) -> WalletPass:
    return world.wallet_pass(issuer)


def row(held: WalletPass) -> GoogleObject:
    return GoogleObject.objects.get(wallet_pass=held)


def news() -> list[str]:
    return list(
        Event.objects.filter(kind__in=["pass.installed", "pass.removed"]).order_by("pk").values_list("kind", flat=True)
    )


def statuses(google: GoogleSandbox) -> list[int | None]:
    google.callbacks.drain()
    return [each["status"] for each in google.callbacks.log]


def test_a_save_and_a_removal_are_news_and_wallet_state(google: GoogleSandbox, held: WalletPass) -> None:
    phone = world.added(google, held)
    assert row(held).installed
    assert state_of(held.customer).status == "google"
    (card,) = phone.cards()
    assert phone.remove(card.resource)
    world.heard(google)
    assert not row(held).installed
    assert row(held).removed_at
    assert news() == ["pass.installed", "pass.removed"]
    assert Event.objects.filter(kind="pass.installed").values_list("payload", flat=True)[0]["wallet"] == "google"


def test_the_last_of_several_holders_removes_it(google: GoogleSandbox, held: WalletPass) -> None:
    first = world.added(google, held)
    second = world.added(google, held, "ben")
    first.remove(row(held).object_id)
    world.heard(google)
    assert row(held).installed
    second.remove(row(held).object_id)
    world.heard(google)
    assert news() == ["pass.installed", "pass.removed"]


def test_a_callback_that_comes_twice_is_recorded_once(google: GoogleSandbox, held: WalletPass) -> None:
    google.switches.duplicate = True
    world.added(google, held)
    assert statuses(google) == [200, 200]
    assert Event.objects.get(kind="google.callback").repeats == 1
    assert news() == ["pass.installed"]


def test_a_late_save_after_a_removal_installs_nothing(google: GoogleSandbox, held: WalletPass) -> None:
    google.switches.out_of_order = True
    world.asked(held)
    phone = google.phone("anna")
    phone.add(Client().get(world.address(held))["Location"])
    phone.remove(row(held).object_id)
    world.heard(google)
    assert [each["event"] for each in google.callbacks.log] == ["del", "save"]
    assert not row(held).installed
    assert news() == []


def test_what_is_of_another_type_is_taken_and_left(google: GoogleSandbox, held: WalletPass) -> None:
    google.switches.activate = True
    world.added(google, held)
    assert statuses(google) == [200, 200]
    assert "Google told of something that the portal does not follow." in world.outcomes("google.callback")


@pytest.mark.parametrize(
    "switch", ["bad_signature", "expired_intermediate", "expired_message", "wrong_sender", "wrong_issuer"]
)
def test_what_is_not_in_order_is_refused_without_a_word(google: GoogleSandbox, held: WalletPass, switch: str) -> None:
    setattr(google.switches, switch, True)
    google.switches.retries = 0
    world.added(google, held)
    assert statuses(google) == [401]
    assert not Event.objects.filter(kind="google.callback").exists()


def post(issuer: GoogleIssuer, body: bytes, **more: Any) -> Any:
    address = f"/wallet/google/callbacks/{issuer.uid}"
    return Client(raise_request_exception=False).post(address, body, content_type="application/json", **more)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"nonsense", b'"x"', b"[" * 5000, b"\xff\xfe"])
def test_nonsense_is_refused(issuer: GoogleIssuer, body: bytes) -> None:
    answer = post(issuer, body)
    assert (answer.status_code, answer.content) == (401, b"")


def test_a_body_of_five_megabytes_is_refused_before_it_is_read(issuer: GoogleIssuer) -> None:
    assert post(issuer, b"x" * 5_000_000).status_code == 413


def test_only_posts_to_an_issuer_that_is_there(issuer: GoogleIssuer, google: GoogleSandbox) -> None:
    address = f"/wallet/google/callbacks/{issuer.uid}"
    assert Client().get(address).status_code == 405
    assert Client().post("/wallet/google/callbacks/6b4cbd15-0de7-4fe8-95f6-995a51b4595e").status_code == 404
    issuer.tenant.suspended_at = issuer.created_at
    issuer.tenant.save()
    assert post(issuer, b"{}").status_code == 404


def test_a_callback_of_one_issuer_is_none_of_another(google: GoogleSandbox, held: WalletPass, portal: str) -> None:
    """Another tenant's address with an envelope that is genuine for us."""
    other = world.issuer(google, passes.tenant("other"), OTHER_ISSUER)
    world.asked(held)
    google.store.resources["loyaltyClass"][row(held).class_id]["callbackOptions"]["url"] = (
        f"{portal}/wallet/google/callbacks/{other.uid}"
    )
    google.phone("anna").add(Client().get(world.address(held))["Location"])
    assert set(statuses(google)) == {401}


def test_a_card_of_no_pass_here_is_told(google: GoogleSandbox, held: WalletPass) -> None:
    world.asked(held)
    GoogleObject.objects.update(object_id=f"{row(held).issuer.issuer_id}.other")
    google.send_callback(f"{held.template.google.issuer_id}.{held.serial_number.hex}", "save")  # type: ignore[union-attr]
    google.callbacks.drain()
    assert "The card belongs to no pass here." in world.work()


def test_while_googles_keys_are_out_of_reach_google_is_asked_to_come_again(
    google: GoogleSandbox, held: WalletPass
) -> None:
    google.switches.retries = 0
    google.arm(Fault("status", "/gp/m/issuer/keys", status=503))
    world.added(google, held)
    assert statuses(google) == [503]
    keys.root_keys.clear()
    google.send_callback(row(held).object_id, "save")
    world.heard(google)
    assert row(held).installed


class TestRootKeys:
    def test_forged_callbacks_do_not_make_us_ask_google(self, google: GoogleSandbox, settings: Any) -> None:
        settings.SANDBOX = True
        now = [1000.0]
        roots = RootKeys(lambda: now[0])
        for _ in range(50):
            assert roots.of(google.url)
        assert [each["path"] for each in google.requests].count("/gp/m/issuer/keys") == 1
        now[0] += keys.FRESH_SECONDS
        google.arm(Fault("status", "/gp/m/issuer/keys", status=500, times=2))
        assert roots.of(google.url)  # those of before
        now[0] += keys.RETRY_SECONDS - 1
        assert roots.of(google.url)
        assert [each["path"] for each in google.requests].count("/gp/m/issuer/keys") == 2
        now[0] += keys.KEPT_SECONDS
        with pytest.raises(keys.OutOfReach):
            roots.of(google.url)

    @pytest.mark.parametrize("document", [None, [], {}, {"keys": {}}, {"keys": [1, {}, {"protocolVersion": "ECv1"}]}])
    def test_a_document_without_usable_keys_has_none(self, document: Any) -> None:
        assert read_keys(document) == ()

    def test_an_odd_key_spoils_no_other(self) -> None:
        good = {"protocolVersion": "ECv2SigningOnly", "keyValue": "AAAA", "keyExpiration": "7"}
        found = read_keys(json.loads(json.dumps({"keys": [{**good, "keyValue": "*"}, good]})))
        assert [each.expires for each in found] == [7]
