"""What phones, and strangers, write to the log: read, counted on the pass that it is about, shown to staff."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from passes import notices
from passes.apple import service
from passes.apple.phone_log import LINE_LENGTH, Kind, reported
from passes.apple.sandbox import AppleSandbox, webservice
from passes.apple.sandbox.webservice import Registered
from passes.links import link
from passes.models import PhoneNotice, WalletPass
from portal.rate import Buckets
from tests.passes import world
from tests.portal.admin_world import World, client_of, make_world, url

SERIAL = "0b5c3b3e-6d0f-4d5c-9d0e-3f1f6a0c7a11"
DEVICE = "5a3fd7c2b1e94f6d8a0b"
URL = "https://wallet.example.com/wallet/apple"
CARD = Registered(URL, world.PASS_TYPE, SERIAL, "token")


def line(task: str, problem: str) -> str:
    return (
        f"[2026-03-02 09:12:44 +0100] {task} task (for device {DEVICE}, pass type {world.PASS_TYPE}, serial number "
        f"{SERIAL}; with web service url {URL}) encountered error: {problem}"
    )


@pytest.fixture(autouse=True)
def _new_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The keys of passes come again from test to test."""
    monkeypatch.setattr(notices, "_buckets", Buckets())
    monkeypatch.setattr(service, "_log_lines", Buckets())


class TestReading:
    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            (line("Register", "Authentication failure"), Kind.REFUSED),
            (line("Register", "Unexpected response code 500"), Kind.REGISTER),
            (line("Unregister", "The network connection was lost."), Kind.UNREGISTER),
            (webservice.fetch_failure(CARD, None, "Unexpected response code 409"), Kind.FETCH),
            (webservice.fetch_failure(CARD, None, "Received invalid pass data (…)"), Kind.INVALID),
            (webservice.unchanged(CARD), Kind.UNCHANGED),
            (webservice.ignored_condition(CARD, "Mon, 02 Mar 2026 09:12:44 GMT"), Kind.CONDITION),
            (webservice.unregistered_serial(URL, world.PASS_TYPE, SERIAL), Kind.UNREGISTERED),
            (f"Something about serial number {SERIAL}.", Kind.OTHER),
        ],
    )
    def test_each_line_names_its_pass_and_kind(self, text: str, kind: Kind) -> None:
        report = reported(text)

        assert (report.kind, report.serial) == (kind, SERIAL)
        assert report.pass_type == ("" if kind is Kind.OTHER else world.PASS_TYPE)

    def test_neither_the_phones_secret_nor_a_token_is_kept(self) -> None:
        text = reported(line("Register", "ApplePass 0123456789abcdef was refused")).text

        assert DEVICE not in text
        assert "0123456789abcdef" not in text
        assert text.startswith(f"Register task (for device {DEVICE[:8]}…, pass type")

    @pytest.mark.parametrize(
        "text", ["", None, 7, {"a": 1}, "x" * 10_000, "serial number", "serial number '", "\0\n\r"]
    )
    def test_anything_else_is_kept_as_it_is(self, text: Any) -> None:
        report = reported(text)

        assert (report.kind, report.serial) == (Kind.OTHER, "")
        assert len(report.text) <= LINE_LENGTH
        assert report.text.isprintable()

    def test_a_line_that_was_made_to_be_slow_is_not(self) -> None:
        for text in ("serial number " * 40, "register task " + "encountered error" * 30, "for device " + "x" * 500):
            reported(text)


def post(*lines: Any) -> int:
    body = json.dumps({"logs": lines})
    return Client().post("/wallet/apple/v1/log", body, content_type="application/json").status_code


def about(held: WalletPass, problem: str = "Authentication failure", pass_type: str = world.PASS_TYPE) -> str:
    return webservice.fetch_failure(Registered(URL, pass_type, str(held.serial_number), ""), None, problem)


@pytest.mark.django_db
class TestKeeping:
    def test_a_report_stands_on_its_pass_and_is_counted(self) -> None:
        held = world.wallet_pass()

        assert post(about(held), about(held), about(held, "The request timed out.")) == 200
        assert post(about(held)) == 200

        assert dict(held.notices.values_list("kind", "times")) == {"refused": 3, "fetch": 1}
        assert held.notices.get(kind="fetch").text.endswith("The request timed out.")

    def test_a_flood_about_one_pass_stays_a_row_a_kind_and_few_writes(
        self, django_assert_max_num_queries: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        held = world.wallet_pass()
        # Half the lines of a post at most are looked at; a savepoint is two statements.
        with django_assert_max_num_queries(80 + 12 * 6):
            for _ in range(40):
                post(*[about(held, f"Error {number}") for number in range(40)])

        assert PhoneNotice.objects.count() == 1
        assert len(caplog.records) <= service.LOG_BURST + 2 * service.LOG_RATE

    @pytest.mark.parametrize("serial", [SERIAL, "3f1c", "x' OR 1=1", "0" * 400])
    def test_what_names_no_pass_of_ours_is_answered_alike_and_kept_nowhere(self, serial: str) -> None:
        world.wallet_pass()

        assert post(f"Get pass task (pass type {world.PASS_TYPE}, serial number {serial}, x)") == 200
        assert not PhoneNotice.objects.exists()

    def test_a_serial_with_another_pass_type_is_nobodys(self) -> None:
        post(about(world.wallet_pass(), pass_type="pass.com.example.other"))

        assert not PhoneNotice.objects.exists()

    def test_a_report_stays_with_the_tenant_of_its_pass(self) -> None:
        mine, other = (world.wallet_pass(world.template(world.tenant(slug))) for slug in ("brand", "outlet"))

        post(about(mine))

        assert [notice.wallet_pass for notice in PhoneNotice.objects.for_tenant(mine.tenant_id)] == [mine]
        assert not PhoneNotice.objects.for_tenant(other.tenant_id)

    def test_reports_that_do_not_come_again_go(self) -> None:
        held = world.wallet_pass()
        post(about(held), about(held, "Error"))
        held.notices.filter(kind="refused").update(last_at=timezone.now() - timedelta(days=31))

        call_command("prune", yes=True, names=["notices"], stdout=StringIO())

        assert list(held.notices.values_list("kind", flat=True)) == ["fetch"]


@pytest.mark.django_db
class TestThePage:
    @pytest.fixture
    def brand(self) -> World:
        return make_world("Verdi")

    def test_says_what_it_means_and_what_to_do(self, brand: World) -> None:
        held = brand.rows[WalletPass]
        text = "Get pass task <script>alert(1)</script>"
        PhoneNotice.objects.update_or_create(
            wallet_pass=held, kind="refused", defaults={"text": text, "times": 1_000_000}
        )

        page = client_of(brand.owner).get(url(WalletPass, "change", held.pk)).content.decode()

        assert "Have its owner remove the card and add it again from its page." in page
        assert "1000000 times" in page.replace(",", "").replace("\xa0", "")
        assert "<script>alert(1)" not in page
        assert "&lt;script&gt;alert(1)" in page

    def test_every_kind_has_words(self) -> None:
        assert set(notices.WORDS) == set(Kind)


@pytest.mark.django_db(transaction=True)
def test_what_a_phone_with_a_wrong_token_logs_stands_on_the_pass(
    apple: AppleSandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    held, phone = world.wallet_pass(), apple.phone("anna")
    phone.add(f"{link(held)}/apple")
    held.authentication_token = "another-token-altogether"
    held.save()

    world.change(held.customer, points=60)
    phone.refresh()

    [notice] = held.notices.all()
    assert (notice.kind, notice.times) == ("refused", 1)
    assert phone.device not in notice.text
