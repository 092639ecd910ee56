"""Phones that add and remove passes, under whatever name and as often as they like."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from passes.apple import service
from passes.models import Device, Registration
from tests.passes import world
from tests.passes.world import Phone, news, quoted

pytestmark = pytest.mark.django_db


def answer(response: Any) -> tuple[int, dict[str, str], bytes]:
    return response.status_code, dict(response.headers), response.content


class TestRegistering:
    def test_is_201_for_a_new_registration_and_200_for_a_known_one(self) -> None:
        held, phone = world.wallet_pass(), Phone()

        assert phone.register(held).status_code == 201
        assert phone.register(held).status_code == 200
        assert phone.register(held, body=world.payload("registration.json")).status_code == 200
        assert news("pass.installed") == 1

    def test_takes_over_a_new_push_token_and_its_time(self) -> None:
        held, phone = world.wallet_pass(), Phone()
        phone.register(held)
        Device.objects.update(token_at=timezone.now() - timedelta(days=30))
        phone.push_token = "cd" * 32

        assert phone.register(held).status_code == 200

        assert phone.row().push_token == "cd" * 32
        assert timezone.now() - phone.row().token_at < timedelta(minutes=1)

    def test_takes_the_registration_of_an_android_wallet(self) -> None:
        assert (
            Phone().register(world.wallet_pass(), body=world.payload("registration_of_android_wallet.json")).status_code
            == 201
        )

    @pytest.mark.parametrize(
        "body",
        [b"", b"{", b"[]", b"null", b"7", b'"token"', b"\xff\xfe", b"{}", b'{"pushToken": null}', b'{"pushToken": 7}',
         b'{"pushToken": ""}', b'{"pushToken": ["ab"]}', b'{"pushToken": "../../3/device/x"}',
         b'{"pushToken": "\\u0000"}', b'{"pushToken": "' + b"a" * 201 + b'"}', b"[" * 60_000,
         b'{"pushToken": "ab", "x": "' + b"y" * 70_000 + b'"}'],
    )  # fmt: skip
    def test_with_a_body_that_makes_no_sense_is_400(self, body: bytes) -> None:
        assert Phone().register(world.wallet_pass(), body=body).status_code == 400
        assert Device.objects.count() == 0

    @pytest.mark.parametrize("device", ["d" * 101, "d" * 5000, "a\0b", "a\nb"])
    def test_with_a_device_identifier_that_is_none_is_400(self, device: str) -> None:
        assert Phone(quoted(device)).register(world.wallet_pass()).status_code == 400

    def test_of_ever_new_identifiers_keeps_the_newest_and_notes_one_installation(self, monkeypatch: Any) -> None:
        monkeypatch.setattr(service, "PHONES_PER_PASS", 5)
        held = world.wallet_pass()

        for number in range(12):
            assert Phone(f"device-{number}").register(held).status_code == 201

        kept = Device.objects.order_by("pk").values_list("library_identifier", flat=True)
        assert list(kept) == [f"device-{number}" for number in range(7, 12)]
        assert Registration.objects.count() == 5
        assert news("pass.installed") == 1

    def test_on_two_phones_notes_two_installations(self) -> None:
        held = world.wallet_pass()

        Phone("anna").register(held)
        Phone("bram", "cd" * 32).register(held)

        assert news("pass.installed") == 2

    def test_costs_the_same_however_many_registrations_there_are(self) -> None:
        held, other = world.wallet_pass(), world.wallet_pass(world.template(name="Other"))
        counts = []
        for number in (0, 150):
            for one in range(number):
                device = Device.objects.create(
                    tenant=held.tenant, apple=held.template.apple, library_identifier=f"x{one}", push_token="ab",
                    token_at=timezone.now(),
                )  # fmt: skip
                Registration.objects.bulk_create(
                    Registration(device=device, wallet_pass=each) for each in (held, other)
                )
            with CaptureQueriesContext(
                connection,
            ) as queries:
                assert Phone(f"device-{number}", "ef" * 32).register(held).status_code == 201
            counts.append(len(queries))

        assert counts[1] <= counts[0] + 6  # the two that go
        assert counts[1] < 30


class TestUnregistering:
    def test_is_200_however_often(self) -> None:
        held, phone = world.wallet_pass(), Phone()
        phone.register(held)

        assert [phone.unregister(held).status_code for _ in range(3)] == [200, 200, 200]
        assert Device.objects.count() == 0
        assert news("pass.removed") == 1

    def test_with_a_wrong_token_is_401_and_changes_nothing(self) -> None:
        held, phone = world.wallet_pass(), Phone()
        phone.register(held)

        assert phone.unregister(held, token="wrong").status_code == 401
        assert Registration.objects.count() == 1

    def test_keeps_the_device_for_its_other_passes(self) -> None:
        anna, phone = world.customer(), Phone()
        card, gift = (world.wallet_pass(world.template(name=name), anna) for name in ("Card", "Gift"))
        phone.register(card)
        phone.register(gift)

        phone.unregister(card)

        assert [row.wallet_pass for row in phone.row().registrations.all()] == [gift]

    @pytest.mark.parametrize("device", ["d" * 5000, "a\0b"])
    def test_of_an_impossible_device_is_200(self, device: str) -> None:
        assert Phone(quoted(device)).unregister(world.wallet_pass()).status_code == 200


@pytest.mark.django_db(transaction=True)
class TestAtTheSameTime:
    def together(self, *calls: Callable[[], Any]) -> list[int]:
        """The statuses of calls that begin at once."""
        barrier = threading.Barrier(len(calls))

        def one(call: Callable[[], Any]) -> int:
            barrier.wait()
            try:
                return int(call().status_code)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(one, calls))

    def test_one_registration_is_new_and_the_others_are_known(self) -> None:
        held = world.wallet_pass()

        statuses = self.together(*[lambda: Phone().register(held)] * 8)

        assert sorted(statuses) == [200] * 7 + [201]
        assert (Device.objects.count(), Registration.objects.count(), news("pass.installed")) == (1, 1, 1)

    def test_adding_one_pass_while_another_is_removed_loses_neither(self) -> None:
        anna = world.customer()
        card, gift = (world.wallet_pass(world.template(name=name), anna) for name in ("Card", "Gift"))

        for _ in range(10):
            Phone().register(card)
            assert set(self.together(lambda: Phone().unregister(card), lambda: Phone().register(gift))) <= {200, 201}
            assert [row.wallet_pass for row in Registration.objects.all()] == [gift]
            Phone().unregister(gift)

    def test_adding_and_removing_one_pass_ends_as_either(self) -> None:
        held = world.wallet_pass()

        for _ in range(10):
            calls = [lambda: Phone().unregister(held), lambda: Phone().register(held)] * 3
            assert set(self.together(*calls)) <= {200, 201}
            assert Device.objects.count() == Registration.objects.count() <= 1
