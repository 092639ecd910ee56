"""What the owner of a phone opens from a message: it must work anywhere, load nothing and tell nobody."""

from __future__ import annotations

import base64
import io
import re
import zipfile
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
import zxingcpp
from django.core.signing import Signer
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from passes.apple.bundle import MEDIA_TYPE
from passes.apple.collection import collect
from passes.apple.sandbox import inspect
from passes.images import inspect_png
from passes.links import link, link_to_all
from passes.models import TemplateImage, TemplateText, WalletPass
from portal.models import Customer
from tests.passes import world

pytestmark = pytest.mark.django_db


class Page(HTMLParser):
    """The elements of a page as (tag, attributes), and its text outside of style."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text, self._open = "", ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open = tag

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open != "style":
            self.text += f" {' '.join(data.split())}"

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


_SYSTEM = "Mozilla/5.0 ({}) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15"
IPHONE = _SYSTEM.format("iPhone; CPU iPhone OS 26_1 like Mac OS X")
IPAD = _SYSTEM.format("iPad; CPU OS 12_5 like Mac OS X")
MAC = _SYSTEM.format("Macintosh; Intel Mac OS X 10_15_7")
WINDOWS = _SYSTEM.format("Windows NT 10.0; Win64; x64")
ANDROID = _SYSTEM.format("Linux; Android 16; Pixel 10")


def read_code(picture: str) -> str:
    """What a camera reads in a QR code that a page holds as SVG."""
    svg = base64.b64decode(picture.partition(",")[2]).decode()
    size = int(re.findall(r'viewBox="0 0 (\d+)', svg)[0])
    points = bytearray(b"\xff" * (size * size * 16))
    for left, top, width, height in re.findall(r"M(\d+) (\d+)h(\d+)v(\d+)h-\d+Z", svg):
        for row in range(4 * int(top), 4 * (int(top) + int(height))):
            begin = row * size * 4 + 4 * int(left)
            points[begin : begin + 4 * int(width)] = bytes(4 * int(width))
    [found] = zxingcpp.read_barcodes(memoryview(points).cast("B", [size * 4, size * 4]))
    return str(found.text)


def path(held: WalletPass) -> str:
    return "/" + link(held).split("/", 3)[3]


def opened(held: WalletPass, **more: Any) -> tuple[Any, Page]:
    response = Client().get(path(held), **more)
    return response, Page(response.content.decode())


class TestThePage:
    def test_shows_the_card_and_the_button_of_a_phone(self) -> None:
        held = world.wallet_pass()

        response, page = opened(held, headers={"User-Agent": IPHONE})

        assert response.status_code == 200
        for text in ("Loyalty card", "Example Coffee", "Points 10", "Member Anna Peeters", "Add to Apple Wallet"):
            assert re.sub(" +", " ", page.text).count(text), text
        [button] = page.all("a")
        assert button == {"class": "add", "href": f"{path(held)}/apple", "type": MEDIA_TYPE}
        assert page.all("img") == []
        assert held.authentication_token not in response.content.decode()
        assert str(held.serial_number) not in response.content.decode()

    @pytest.mark.parametrize(
        ("browser", "offers", "code"),
        [
            (IPAD, "Add to Apple Wallet", False),
            (MAC, "Add to Apple Wallet", True),
            (WINDOWS, "Add it with your iPhone", True),
            (ANDROID, "which Android does not have", False),
            ("", "Add it with your iPhone", True),
        ],
    )
    def test_offers_what_works_on_the_device_and_the_file_on_each(self, browser: str, offers: str, code: bool) -> None:
        held = world.wallet_pass()

        _, page = opened(held, headers={"User-Agent": browser})

        assert offers in page.text
        assert [each["href"] for each in page.all("a")] == [f"{path(held)}/apple"]
        pictures = [str(each["src"]) for each in page.all("img")]
        assert (link(held) in page.text) is code
        assert [read_code(picture) for picture in pictures] == ([link(held)] if code else [])

    def test_a_link_of_some_days_is_not_prolonged_by_looking(self, monkeypatch: pytest.MonkeyPatch) -> None:
        held = world.wallet_pass(world.template(link_days=5))
        address = link(held)
        tomorrow = timezone.now() + timedelta(days=1)
        monkeypatch.setattr("passes.links.timezone.now", lambda: tomorrow)
        assert link(held) != address

        page = Page(Client().get("/" + address.split("/", 3)[3]).content.decode())

        assert address in page.text
        assert link(held) not in page.text

    def test_loads_nothing_from_elsewhere_and_runs_nothing(self) -> None:
        held = world.wallet_pass()
        for role in ("logo", "strip"):
            TemplateImage.objects.create(template=held.template, role=role, scale=2, data=world.png(5))
        world.republish(held)

        response, page = opened(held)

        assert page.all("script") == []
        assert [image["src"] for image in page.all("img")][:2] == [f"{path(held)}/images/{sha1(5)}.png"] * 2
        assert all("://" not in str(value) for tag, each in page.elements for value in each.values() if tag != "p")
        assert response.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'nonce-")
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert response.headers["X-Robots-Tag"] == "noindex"
        assert response.headers["Cache-Control"] == "private, no-store"
        assert not response.cookies
        assert len(response.content) < 16000

    def test_is_readable_for_those_who_cannot_see_it(self) -> None:
        held = world.wallet_pass()
        TemplateImage.objects.create(template=held.template, role="logo", scale=1, data=world.png(5))
        world.republish(held)

        _, page = opened(held)

        assert page.all("html") == [{"lang": "en"}]
        assert len(page.all("h1")) == len(page.all("title")) == len(page.all("main")) == 1
        assert [image["alt"] for image in page.all("img")] == ["Example Coffee", "QR code of this page's address"]
        assert page.all("section")[0]["aria-label"] == "Preview of the card"

    @pytest.mark.parametrize(
        ("customers", "shown"), [("nl", "nl"), ("fr-BE", "fr"), ("NL_be", "nl"), ("de", "en"), ("", "en")]
    )
    def test_speaks_the_customers_language(self, customers: str, shown: str) -> None:
        held = world.wallet_pass()
        for language, translation in (("nl", "Punten"), ("fr", "Vos points")):
            TemplateText.objects.create(
                template=held.template, language=language, text="Points", translation=translation
            )
        world.republish(held)
        Customer.objects.update(language=customers)

        response, page = opened(held, headers={"Accept-Language": "fr"})

        assert page.all("html") == [{"lang": shown}]
        assert response.headers["Content-Language"] == shown
        assert {"nl": "Punten", "fr": "Vos points", "en": "Points"}[shown] in page.text

    def test_shows_values_as_text_and_colours_as_colours(self) -> None:
        held = world.wallet_pass(holder=world.customer(first_name="<script>alert(1)</script>"))
        WalletPass.objects.update(
            content={
                **held.content,
                "colours": {"background": "red;}</style><script>", "text": "#123456", "label": "x"},
            }
        )

        response, page = opened(held)

        assert page.all("script") == []
        assert "color: #123456" in response.content.decode()
        assert "&lt;script&gt;alert(1)" in response.content.decode()

    def test_of_a_voided_card_says_so_and_offers_nothing(self) -> None:
        held = world.wallet_pass()
        WalletPass.objects.update(voided=True)
        world.republish(held)

        _, page = opened(held)

        assert "no longer valid" in page.text
        assert page.all("a") == []

    def test_of_a_template_without_a_wallet_says_so(self) -> None:
        _, page = opened(world.wallet_pass(world.template(apple=None)))

        assert "cannot be added to a phone yet" in page.text
        assert page.all("a") == []

    def test_takes_one_query_for_everything(self, django_assert_num_queries: Any) -> None:
        held = world.wallet_pass()

        with django_assert_num_queries(1):
            opened(held)


class TestLinks:
    def test_begin_with_the_public_address(self, settings: Settings) -> None:
        settings.PUBLIC_URL = "https://wallet.example.com"

        assert link(world.wallet_pass()).startswith("https://wallet.example.com/p/")

    @pytest.mark.parametrize("suffix", ["", "/apple"])
    @pytest.mark.parametrize("forge", ["cut", "changed", "unsigned", "other salt", "gone", "nonsense", "nul", "huge"])
    def test_that_are_forged_or_cut_lead_to_a_friendly_404(self, forge: str, suffix: str) -> None:
        held = world.wallet_pass()
        token = path(held).removeprefix("/p/")
        if forge == "gone":
            held.delete()
        forged = {
            "cut": token[:-3],
            "changed": ("0" if token[0] != "0" else "1") + token[1:],
            "unsigned": held.serial_number.hex,
            "other salt": Signer(salt="elsewhere", sep=".").sign(held.serial_number.hex),
            "gone": token,
            "nonsense": "%F0%9F%98%80",
            "nul": f"{token}%00",
            "huge": "x" * 5000,
        }[forge]

        response = Client().get(f"/p/{forged}{suffix}")

        page = Page(response.content.decode())
        assert response.status_code == 404
        assert "No card here" in page.text
        assert page.all("html") == [{"lang": "en"}]

    def test_lead_nowhere_while_the_pass_has_no_content(self) -> None:
        held = WalletPass.objects.create(tenant=world.tenant(), template=world.template(), customer=world.customer())

        assert opened(held)[0].status_code == 404

    @pytest.mark.parametrize("method", ["post", "put", "delete"])
    def test_are_for_reading(self, method: str) -> None:
        assert getattr(Client(), method)(path(world.wallet_pass())).status_code == 405


class TestThePassItself:
    def test_comes_as_a_file_that_wallet_opens(self) -> None:
        held = world.wallet_pass()

        response = Client().get(f"{path(held)}/apple")

        assert (response.status_code, response.headers["Content-Type"]) == (200, MEDIA_TYPE)
        assert world.document(response.content)["serialNumber"] == str(held.serial_number)
        assert response.headers["Last-Modified"]
        assert response.headers["Cache-Control"] == "private, no-store"

    @pytest.mark.parametrize("missing", [{"icon": False}, {"apple": None}])
    def test_that_cannot_be_made_is_a_page_for_its_owner_and_a_word_for_the_operator(
        self, missing: dict[str, Any], caplog: pytest.LogCaptureFixture
    ) -> None:
        held = world.wallet_pass(world.template(**missing))

        response = Client().get(f"{path(held)}/apple")

        assert response.status_code == 409
        assert "This card is not ready" in response.content.decode()
        assert f"pass={held.pk} cannot be made for Apple Wallet: The template “Loyalty card” has no" in caplog.text


class TestImages:
    @pytest.fixture
    def held(self) -> WalletPass:
        held = world.wallet_pass()
        TemplateImage.objects.create(template=held.template, role="logo", scale=2, data=world.png(5))
        world.republish(held)
        return held

    def test_are_kept_by_browsers_for_ever(self, held: WalletPass) -> None:
        address = f"{path(held)}/images/{sha1(5)}.png"

        response = Client().get(address)

        assert (response.status_code, response.content) == (200, world.png(5))
        assert "immutable" in response.headers["Cache-Control"]
        again = Client().get(address, headers={"If-None-Match": response.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")

    def test_of_other_templates_are_not_served(self, held: WalletPass) -> None:
        other = world.template(name="Other", icon=False)
        TemplateImage.objects.create(template=other, role="logo", scale=1, data=world.png(99))

        assert Client().get(f"{path(held)}/images/{sha1(99)}.png").status_code == 404
        assert Client().get(f"/p/x/images/{sha1(5)}.png").status_code == 404


def sha1(shade: int) -> str:
    return inspect_png(world.png(shade)).sha1


class TestSeveralPasses:
    """All valid passes of a customer in one file."""

    def collected(self, held: WalletPass) -> Any:
        return Client().get("/" + link_to_all(held).split("/", 3)[3])

    def two(self) -> tuple[WalletPass, WalletPass]:
        first = world.wallet_pass()
        second = world.wallet_pass(world.template(name="Coupon", kind="offer"), first.customer)
        return first, second

    def test_are_one_file_that_holds_each_signed_pass(self) -> None:
        first, second = self.two()
        world.wallet_pass(world.template(name="Of somebody else"), world.customer())

        response = self.collected(first)

        assert response["Content-Type"] == "application/vnd.apple.pkpasses"
        with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
            assert archive.testzip() is None
            passes = [
                inspect(archive.read(name), world.authority().root, allow_http=True) for name in archive.namelist()
            ]
        serials = [checked.document["serialNumber"] for checked in passes]
        assert serials == [str(second.serial_number), str(first.serial_number)]

    def test_without_those_that_are_void_or_cannot_be_made(self) -> None:
        first = world.wallet_pass()
        world.wallet_pass(world.template(name="Coupon", kind="offer", icon=False), first.customer)
        with zipfile.ZipFile(io.BytesIO(self.collected(first).content)) as archive:
            assert len(archive.namelist()) == 1

        WalletPass.objects.filter(pk=first.pk).update(voided=True)
        assert self.collected(first).status_code == 409

    def test_are_not_opened_with_the_link_of_one_pass(self) -> None:
        first, _ = self.two()

        assert Client().get(f"/p/all/{path(first).removeprefix('/p/')}").status_code == 404
        assert Client().get("/p/all/forged").status_code == 404

    def test_are_ten_at_most(self) -> None:
        with pytest.raises(ValueError, match="11 passes are more than 10"):
            collect([b""] * 11)
