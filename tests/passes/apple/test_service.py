"""Apple's five calls, each answer of the protocol's table, and what strangers and broken phones send."""

from __future__ import annotations

import json
import logging
import uuid
from typing import Any

import pytest
from django.test import Client
from django.utils.http import http_date

from passes.apple import service
from passes.apple.bundle import MEDIA_TYPE
from passes.models import Device, UpdateCounter, WalletPass
from portal.models import Event
from tests.passes import world
from tests.passes.world import Phone, news, quoted

pytestmark = pytest.mark.django_db


def answer(response: Any) -> tuple[int, dict[str, str], bytes]:
    return response.status_code, dict(response.headers), response.content


class TestAuthentication:
    @pytest.mark.parametrize("call", ["register", "unregister", "fetch"])
    def test_tells_an_unknown_serial_and_a_wrong_token_apart_in_no_byte(self, call: str) -> None:
        held, phone = world.wallet_pass(), Phone()
        token = held.authentication_token
        wrong = answer(getattr(phone, call)(held, token="wrong"))
        held.serial_number = uuid.uuid4()

        assert answer(getattr(phone, call)(held, token=token)) == wrong
        assert wrong[0] == 401
        assert wrong[1]["WWW-Authenticate"] == "ApplePass"
        assert wrong[2] == b""

    @pytest.mark.parametrize(
        "header",
        ["", "ApplePass", "ApplePass ", "Bearer {}", "applepass {}", "ApplePass {}x", "{}", "ApplePass é", "\udcff"],
    )
    def test_takes_the_right_token_in_the_right_form_only(self, header: str) -> None:
        held = world.wallet_pass()
        path = f"/wallet/apple/v1/passes/{world.PASS_TYPE}/{held.serial_number}"
        value = header.format(held.authentication_token)

        response = Client().get(path, HTTP_AUTHORIZATION=value.encode("latin-1", "replace").decode("latin-1"))

        assert response.status_code == 401

    @pytest.mark.parametrize("serial", ["x", "0", "a" * 4000, "%00", "..", "3f1c%0a", "%F0%9F%98%80"])
    def test_of_an_impossible_serial_is_401(self, serial: str) -> None:
        path = f"/wallet/apple/v1/passes/{world.PASS_TYPE}/{serial}"

        assert Client().get(path, headers={"Authorization": "ApplePass x"}).status_code in {401, 404}

    @pytest.mark.parametrize("pass_type", ["pass.com.other", "%00", "x" * 4000, "%F0%9F%98%80"])
    def test_of_another_pass_type_is_401(self, pass_type: str) -> None:
        held = world.wallet_pass()
        path = f"/wallet/apple/v1/passes/{pass_type}/{held.serial_number}"

        assert (
            Client().get(path, headers={"Authorization": f"ApplePass {held.authentication_token}"}).status_code == 401
        )


class TestAskingWhatChanged:
    def test_without_a_tag_lists_every_pass_on_the_device(self) -> None:
        anna, phone = world.customer(), Phone()
        passes = [world.wallet_pass(world.template(name=name), anna) for name in ("Card", "Gift")]
        world.wallet_pass(world.template(name="Not on the phone"), anna)
        for held in passes:
            phone.register(held)

        response = phone.updates()

        assert response.headers["Content-Type"] == "application/json"
        assert response.json() == {"serialNumbers": [str(held.serial_number) for held in passes], "lastUpdated": "2"}

    def test_with_a_tag_lists_all_that_changed_after_it_and_only_those(self) -> None:
        anna, phone = world.customer(), Phone()
        passes = [world.wallet_pass(world.template(name=name), anna) for name in ("Card", "Gift")]
        still = world.wallet_pass(world.template(name="Still", fields=[world.NAME]), anna)
        for held in (*passes, still):
            phone.register(held)
        tag = phone.updates().json()["lastUpdated"]
        assert phone.updates(tag).status_code == 204

        world.change(anna, points=11)

        answered = phone.updates(tag).json()
        assert sorted(answered["serialNumbers"]) == sorted(str(held.serial_number) for held in passes)
        assert phone.updates(answered["lastUpdated"]).status_code == 204

    def test_by_an_unknown_device_is_204(self) -> None:
        world.wallet_pass()

        assert answer(Phone("stranger").updates())[::2] == (204, b"")

    @pytest.mark.parametrize("device", ["d" * 5000, "a\0b", "😀"])
    def test_by_an_impossible_device_is_204(self, device: str) -> None:
        assert Phone(quoted(device)).updates().status_code == 204

    @pytest.mark.parametrize("pass_type", ["%00", "x" * 4000, "%F0%9F%98%80", "pass.com.other"])
    def test_about_an_impossible_pass_type_is_204(self, pass_type: str) -> None:
        phone = Phone()
        phone.register(world.wallet_pass())

        assert phone.updates(pass_type=pass_type).status_code == 204

    @pytest.mark.parametrize(
        "tag", ["", "x", "-1", "1.5", "2026-03-01T12:00:00+00:00", "9" * 18, "9" * 400, "²", "\0", "1; DROP TABLE", "٣"]
    )
    def test_with_a_tag_that_is_none_of_ours_lists_everything(self, tag: str) -> None:
        held, phone = world.wallet_pass(), Phone()
        phone.register(held)

        assert phone.updates(tag).json()["serialNumbers"] == [str(held.serial_number)]

    def test_with_a_tag_from_before_the_database_was_restored_misses_nothing(self) -> None:
        held, phone = world.wallet_pass(), Phone()
        phone.register(held)
        for points in range(5):
            world.change(held.customer, points=points)
        tag = phone.updates().json()["lastUpdated"]
        UpdateCounter.objects.update(value=2)
        WalletPass.objects.update(update_tag=2)

        assert phone.updates(tag).json() == {"serialNumbers": [str(held.serial_number)], "lastUpdated": "2"}

    def test_of_two_tenants_that_share_a_pass_type_lists_both_and_no_other_phones(self) -> None:
        brand, outlet = world.tenant("brand"), world.tenant("outlet")
        mine = [world.wallet_pass(world.template(owner)) for owner in (brand, outlet)]
        theirs = world.wallet_pass(world.template(outlet, name="Theirs"))
        phone, other = Phone(), Phone("other", "cd" * 32)
        for held in mine:
            phone.register(held)
        other.register(theirs)

        assert sorted(phone.updates().json()["serialNumbers"]) == sorted(str(held.serial_number) for held in mine)
        assert other.updates().json()["serialNumbers"] == [str(theirs.serial_number)]
        tag = phone.updates().json()["lastUpdated"]
        world.change(mine[1].customer, points=99)
        assert phone.updates(tag).json()["serialNumbers"] == [str(mine[1].serial_number)]
        assert {row.tenant for row in Device.objects.filter(library_identifier=phone.device)} == {brand, outlet}

    def test_takes_two_queries_at_most(self, django_assert_max_num_queries: Any) -> None:
        held, phone = world.wallet_pass(), Phone()
        phone.register(held)

        with django_assert_max_num_queries(2):
            phone.updates("1")


class TestFetching:
    def test_gives_the_pass_with_its_time(self) -> None:
        held = world.wallet_pass()

        response = Phone().fetch(held)

        assert response.status_code == 200
        assert response.headers["Content-Type"] == MEDIA_TYPE
        assert response.headers["Last-Modified"] == http_date(world.seconds(held.changed_at))
        assert response.headers["Cache-Control"] == "private, no-store"
        assert world.document(response.content)["serialNumber"] == str(held.serial_number)

    def test_is_304_for_who_has_it_and_200_for_who_has_an_older_one(self) -> None:
        held, phone = world.wallet_pass(), Phone()
        seen = phone.fetch(held).headers["Last-Modified"]

        assert phone.fetch(held, since=seen).status_code == 304
        assert phone.fetch(held, since=http_date(world.seconds(held.changed_at) - 1)).status_code == 200
        assert phone.fetch(held, since=http_date(world.seconds(held.changed_at) + 99)).status_code == 304

    @pytest.mark.parametrize("since", ["x", "0", "Thu, 99 Jan 2026 00:00:00 GMT", "Mon, 01 Jan 0001 00:00:00 GMT"])
    def test_with_a_condition_that_is_no_date_is_200(self, since: str) -> None:
        assert Phone().fetch(world.wallet_pass(), since=since).status_code == 200

    def test_sees_both_of_two_changes_within_one_second(self) -> None:
        held, phone = world.wallet_pass(), Phone()
        seen, shown = phone.fetch(held).headers["Last-Modified"], []
        for points in (11, 12):
            world.change(held.customer, points=points)
            response = phone.fetch(held, since=seen)
            shown.append(world.document(response.content)["storeCard"]["headerFields"][0]["value"])
            seen = response.headers["Last-Modified"]

        assert shown == [11, 12]
        assert phone.fetch(held, since=seen).status_code == 304

    def test_by_head_has_the_headers_and_no_body(self) -> None:
        held, phone = world.wallet_pass(), Phone()
        full = phone.fetch(held)

        head = phone.fetch(held, method="head")

        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["Last-Modified"] == full.headers["Last-Modified"]
        assert phone.fetch(held, method="head", since=full.headers["Last-Modified"]).status_code == 304

    def test_notes_the_first_fetch_of_a_content_in_the_trace_of_its_change(self) -> None:
        held, phone = world.wallet_pass(), Phone()
        world.change(held.customer, points=11)
        held.refresh_from_db()

        phone.fetch(held, method="head")
        assert news("pass.fetched") == 0
        phone.fetch(held)
        phone.fetch(held)

        [noted] = Event.objects.filter(kind="pass.fetched")
        assert (noted.parent, noted.correlation_id) == (held.changed_by, held.changed_by.correlation_id)
        held.refresh_from_db()
        assert held.fetched_at

    def test_of_a_template_without_an_icon_is_409_with_a_word_for_the_operator(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        held = world.wallet_pass(world.template(icon=False))

        response = Phone().fetch(held)

        assert response.status_code == 409
        assert "has no icon" not in response.content.decode()
        assert f"pass={held.pk} cannot be made for Apple Wallet: The template “Loyalty card” has no icon" in caplog.text

    def test_of_a_template_without_a_certificate_is_401_as_for_any_unknown_pass(self) -> None:
        held, phone = world.wallet_pass(), Phone()
        type(held.template).objects.update(apple=None)

        assert phone.fetch(held).status_code == 401


class TestTheLog:
    def post(self, body: bytes) -> int:
        return Client().post("/wallet/apple/v1/log", body, content_type="application/json").status_code

    @pytest.mark.parametrize(("case", "lines"), [("log_of_iphone.json", 2), ("log_as_bare_list.json", 1)])
    def test_is_kept_line_by_line(self, case: str, lines: int, caplog: pytest.LogCaptureFixture) -> None:
        assert self.post(world.payload(case)) == 200

        told = [record.getMessage() for record in caplog.records if record.name == service.log.name]
        assert len(told) == lines
        assert all(line.endswith(("Authentication failure", "was unchanged.")) for line in told)

    @pytest.mark.parametrize(
        "body",
        [b"", b"{", b"7", b"null", b'{"logs": "x"}', b'{"logs": {"a": 1}}', b'{"logs": null}', b"\xff", b"[" * 60_000],
    )
    def test_takes_anything_without_a_word(self, body: bytes, caplog: pytest.LogCaptureFixture) -> None:
        assert self.post(body) == 200
        assert service.log.name not in {record.name for record in caplog.records}

    def test_is_bounded_and_cannot_forge_a_line(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.WARNING)
        self.post(json.dumps({"logs": ["x\r\n2026-01-01 ERROR forged \x1b[31m" + "y" * 1000] * 40}).encode())

        told = [record.getMessage() for record in caplog.records if record.name == service.log.name]
        assert len(told) == service.LOG_LINES
        assert all(len(line) < 600 and line.isprintable() for line in told)


class TestAddresses:
    @pytest.mark.parametrize(
        ("method", "path", "allowed"),
        [
            ("get", "v1/devices/d/registrations/t/s", "POST, DELETE"),
            ("put", "v1/devices/d/registrations/t/s", "POST, DELETE"),
            ("post", "v1/devices/d/registrations/t", "GET, HEAD"),
            ("delete", "v1/passes/t/s", "GET, HEAD"),
            ("post", "v1/passes/t/s", "GET, HEAD"),
            ("get", "v1/log", "POST"),
        ],
    )
    def test_answer_other_methods_with_405(self, method: str, path: str, allowed: str) -> None:
        response = getattr(Client(enforce_csrf_checks=True), method)(f"/wallet/apple/{path}")

        assert (response.status_code, response.headers["Allow"]) == (405, allowed)

    def test_may_have_a_second_slash(self) -> None:
        held = world.wallet_pass()
        path = f"/wallet/apple//v1/passes/{world.PASS_TYPE}/{held.serial_number}"

        response = Client().get(path, headers={"Authorization": f"ApplePass {held.authentication_token}"})

        assert response.status_code == 200

    def test_need_no_cookie_and_set_none(self) -> None:
        held, phone = world.wallet_pass(), Phone()
        phone.http = Client(enforce_csrf_checks=True)

        assert phone.register(held).status_code == 201
        assert phone.unregister(held).status_code == 200
        assert not phone.http.cookies
