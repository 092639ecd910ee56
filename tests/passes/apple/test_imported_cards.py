"""Cards that another vendor issued go on: found by their own serial numbers, told of changes, fetched."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from pytest_django import Settings

from passes.api.views import shown
from passes.apple.sandbox import AppleSandbox, VirtualIPhone
from passes.models import AppleCredentials, Device, PassTemplate, Registration, WalletPass
from tests.passes import cards, world
from tests.passes.apple.test_phones import logged, points, work
from tests.passes.apple.test_sandbox_kit import wait_until
from tests.passes.cards import TOKEN, line
from tests.portal.jobs_world import Worker


def imported(
    serial: str = "1001", token: str = TOKEN, owner: str = "brand", device: str = "", push_token: str = ""
) -> WalletPass:
    """Anna's card, with 10 points, as the job imports it."""
    tenant = world.tenant(owner)
    design = PassTemplate.objects.filter(tenant=tenant).first() or world.template(tenant, issue="hand")
    person = world.customer(tenant)
    person.key = f"{len(serial)}@example.com"
    person.save()
    seen = cards.looked_at(design, cards.export(line(quoted(serial), person.key, token, device, push_token)))
    Worker().until_ended(cards.begun(seen))
    return WalletPass.objects.get(tenant=tenant, imported_serial=serial)


def quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


class Iphone:
    """Fetches and registers by serial number and token, over Django's client."""

    def __init__(self) -> None:
        self.http = Client(raise_request_exception=False)

    def fetch(self, serial: str, token: str = TOKEN, pass_type: str = world.PASS_TYPE, **headers: str) -> Any:
        address = f"/wallet/apple/v1/passes/{pass_type}/{quote(serial, safe='')}"
        return self.http.get(address, headers={"Authorization": f"ApplePass {token}", **headers})

    def register(self, serial: str, token: str = TOKEN, device: str = "device-1") -> Any:
        kind = f"{world.PASS_TYPE}/{quote(serial, safe='')}"
        return self.http.post(
            f"/wallet/apple/v1/devices/{device}/registrations/{kind}", {"pushToken": world.PUSH_TOKEN},
            content_type="application/json", headers={"Authorization": f"ApplePass {token}"},
        )  # fmt: skip

    def updates(self, tag: str = "", device: str = "device-1") -> list[str]:
        query = {"passesUpdatedSince": tag} if tag else {}
        answer = self.http.get(f"/wallet/apple/v1/devices/{device}/registrations/{world.PASS_TYPE}", query)
        return list(answer.json()["serialNumbers"]) if answer.status_code == 200 else []


# On a phone, over real sockets


@pytest.mark.django_db(transaction=True)
class TestOnThePhone:
    def moved(self, apple: AppleSandbox, settings: Settings) -> VirtualIPhone:
        """A phone that added the other vendor's card while the portal did not know it; then its host became ours."""
        phone = apple.phone("anna")
        phone.add(cards.pkpass("card 1001/é", TOKEN, f"{settings.PUBLIC_URL}/wallet/apple"))
        assert [each["registered"] for each in phone.passes.values()] == [False]
        world.template(issue=PassTemplate.Issue.BY_HAND)
        AppleCredentials.objects.update(apns_url=apple.apns.url)
        return phone

    def test_an_imported_card_is_fetched_changed_and_pushed_and_stays_the_same_card(
        self,
        apple: AppleSandbox,
        settings: Settings,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        phone = self.moved(apple, settings)
        caplog.clear()
        held = imported("card 1001/é", device=phone.device, push_token=phone.push_token)
        phone.refresh()
        assert points(phone) == [10]
        assert [entry["text"] for entry in phone.screen] == ["You now have 10 points"]

        world.change(held.customer, points=60)
        assert "Apple accepted the push." in work()

        wait_until(lambda: len(phone.screen) == 2)
        assert points(phone) == [60]
        assert [identity[1] for identity in phone.passes] == ["card 1001/é"]
        assert Registration.objects.count() == 1
        assert logged(caplog) == []

    def test_a_phone_that_no_export_named_registers_by_itself(
        self,
        apple: AppleSandbox,
        settings: Settings,
    ) -> None:
        phone = self.moved(apple, settings)
        held = imported("card 1001/é")
        phone.refresh()
        world.change(held.customer, points=60)
        assert "Apple accepted the push." in work()
        wait_until(lambda: points(phone) == [60])
        phone.remove("card 1001/é")
        assert not Device.objects.exists()


# By serial number and token


@pytest.mark.django_db
class TestByItsSerialNumber:
    @pytest.mark.parametrize(
        "serial",
        [
            "1001",
            "a/b//c",
            "a%2Fb",
            "Ünï çødé 卡",
            "?x=1#y",
            "../../v1/log",
            '"quoted"',
            "x" * 255,
            "6f1e2d3c-4b5a-4678-9abc-def012345678",
        ],
    )
    def test_a_card_is_found_whatever_its_serial_number_looks_like(self, serial: str) -> None:
        imported(serial)
        phone = Iphone()
        answer = phone.fetch(serial)
        assert answer.status_code == 200
        document = world.document(answer.content)
        assert (document["serialNumber"], document["authenticationToken"]) == (serial, TOKEN)
        assert [phone.register(serial).status_code for _ in range(2)] == [201, 200]
        assert phone.updates() == [serial]

    @pytest.mark.parametrize("serial", ["", "1002", "x" * 1000, "a\0b", "a\nb", "\u202e1001", "1001/", "1001 "])
    def test_what_nobody_has_is_answered_like_a_wrong_token(self, serial: str) -> None:
        imported("1001")
        assert Iphone().fetch(serial).status_code in {401, 404}
        wrong, unknown = Iphone().fetch("1001", "wrong" * 5), Iphone().fetch("1002")
        assert (wrong.status_code, wrong.content, wrong.headers.items()) == (
            unknown.status_code, unknown.content, unknown.headers.items(),
        )  # fmt: skip

    def test_our_own_number_of_an_imported_card_opens_nothing(self) -> None:
        held = imported("1001")
        assert Iphone().fetch(str(held.serial_number)).status_code == 401
        assert Iphone().fetch("1001", pass_type="pass.com.example.other").status_code == 401

    def test_two_tenants_of_one_pass_type_may_have_the_same_serial_number(self) -> None:
        for owner in ("brand", "outlet"):
            held = imported("1001", f"{TOKEN}-{owner}", owner)
            world.change(held.customer, first_name=owner)
        for owner in ("brand", "outlet"):
            fields = world.document(Iphone().fetch("1001", f"{TOKEN}-{owner}").content)["storeCard"]
            assert fields["secondaryFields"][0]["value"] == f"{owner} Peeters"
            assert Iphone().register("1001", f"{TOKEN}-{owner}", f"device-{owner}").status_code == 201
        assert {device.library_identifier: device.tenant.slug for device in Device.objects.all()} == {
            "device-brand": "brand", "device-outlet": "outlet",
        }  # fmt: skip
        assert Iphone().updates(device="device-brand") == ["1001"]

    def test_a_serial_number_that_is_the_uuid_of_another_tenants_pass_opens_only_its_own(self) -> None:
        theirs = world.wallet_pass(world.template(world.tenant("outlet")))
        held = imported(str(theirs.serial_number))
        answer = world.document(Iphone().fetch(str(theirs.serial_number)).content)
        assert answer["authenticationToken"] == held.authentication_token
        theirs_too = Iphone().fetch(str(theirs.serial_number), theirs.authentication_token)
        assert world.document(theirs_too.content)["authenticationToken"] == theirs.authentication_token

    @pytest.mark.parametrize(
        "tag", ["", "5", "1732230000", "1732230000123", "1732230000123456789", "2026-11-22T00:00Z"]
    )
    def test_whatever_tag_the_phone_comes_with_it_is_told_of_the_card(self, tag: str) -> None:
        world.wallet_pass(world.template(world.tenant("outlet")))
        imported("1001", device="device-1", push_token=world.PUSH_TOKEN)
        assert Iphone().updates(tag) == ["1001"]

    def test_a_phone_with_the_other_vendors_content_fetches_ours(self) -> None:
        imported("1001")
        old = {"If-Modified-Since": "Sat, 21 Nov 2026 10:00:00 GMT"}
        answer = Iphone().fetch("1001", **old)
        assert answer.status_code == 200
        assert Iphone().fetch("1001", **{"If-Modified-Since": answer["Last-Modified"]}).status_code == 304

    def test_the_api_keeps_our_own_number_and_tells_the_cards(self) -> None:
        held = imported("1001")
        assert {name: shown(held)[name] for name in ("id", "serialNumber")} == {
            "id": str(held.serial_number), "serialNumber": "1001",
        }  # fmt: skip

    def test_a_card_under_another_certificate_is_a_card_of_ours(self) -> None:
        held = imported("1001")
        held.template.apple = world.apple(pass_type="pass.com.example.other")
        held.template.save()
        assert WalletPass.objects.get().card_serial == str(held.serial_number)
        assert Iphone().fetch("1001").status_code == 401
