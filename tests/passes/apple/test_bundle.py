from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from passes.apple import bundle
from passes.apple.bundle import Unfit, build
from passes.apple.sandbox import inspect
from passes.apple.sandbox.strings import parse
from passes.apple.styles import STYLES
from passes.models import PassTemplate, TemplateImage, TemplateText, WalletPass
from tests.passes import world

pytestmark = pytest.mark.django_db


def rich_pass(**changes: Any) -> WalletPass:
    design = world.template(
        **{"barcode_format": "qr", "barcode_message": "{{ card_number }}", "logo_text": "Coffee", **changes}
    )
    for language, text, translation in (
        ("fr", "Points", "Points"),
        ("nl", "Points", "Punten"),
        ("nl", "You now have %@ points", 'U hebt nu "%@" \\ punten'),
    ):
        TemplateText.objects.create(template=design, language=language, text=text, translation=translation)
    return world.wallet_pass(design)


class TestThePass:
    def test_is_accepted_by_a_phone(self) -> None:
        checked = inspect(build(rich_pass()), world.authority().root, allow_http=True)

        assert checked.notices == ["accepted http because this is a sandbox"]

    def test_names_its_identity_and_where_it_speaks_to(self, settings: Settings) -> None:
        settings.PUBLIC_URL = "https://wallet.example.com"
        held = rich_pass()

        card = world.document(build(held))

        assert card["serialNumber"] == str(held.serial_number)
        assert card["authenticationToken"] == held.authentication_token
        assert card["webServiceURL"] == "https://wallet.example.com/wallet/apple"
        assert (card["passTypeIdentifier"], card["teamIdentifier"]) == (world.PASS_TYPE, world.TEAM)
        assert inspect(build(held), world.authority().root).notices == []

    def test_keeps_numbers_as_json_numbers_and_codes_as_text(self) -> None:
        fields = [world.POINTS, ("back", "rate", "Rate", "{{ rate }}", ""), ("back", "code", "Code", "{{ code }}", "")]
        held = world.wallet_pass(world.template(fields=fields), world.customer(points=1234567, rate=4.5, code="0042"))

        body = world.files(build(held))["pass.json"]

        assert b'"value":1234567' in body
        assert b'"value":4.5' in body
        assert b'"value":"0042"' in body

    @pytest.mark.parametrize(
        ("kind", "style"),
        [("customerCard", "storeCard"), ("offer", "coupon"), ("giftCard", "storeCard"), ("eventTicket", "eventTicket"),
         ("generic", "generic")],
    )  # fmt: skip
    def test_has_the_style_of_its_kind(self, kind: str, style: str) -> None:
        card = inspect(build(world.wallet_pass(world.template(kind=kind))), world.authority().root, allow_http=True)

        assert card.document[style]["headerFields"] == [
            {"key": "points", "value": 10, "label": "Points", "changeMessage": "You now have %@ points"}
        ]

    @pytest.mark.parametrize(
        ("message", "encoding"), [("C-1 é", "iso-8859-1"), ("Ω", "utf-8"), ("€ 5", "utf-8"), ("😀", "utf-8")]
    )
    def test_has_a_barcode_in_an_encoding_that_holds_its_message(self, message: str, encoding: str) -> None:
        design = world.template(barcode_format="qr", barcode_message="{{ card_number }}")
        card = world.document(build(world.wallet_pass(design, world.customer(card_number=message))))

        [barcode] = card["barcodes"]
        assert barcode == {"format": "PKBarcodeFormatQR", "message": message, "messageEncoding": encoding}

    def test_without_fields_is_still_a_pass(self) -> None:
        held = world.wallet_pass(world.template(fields=[]))

        assert inspect(build(held), world.authority().root, allow_http=True).document["storeCard"] == {}

    def test_what_becomes_empty_is_no_news(self) -> None:
        field = ("back", "news", "News", "{{ news }}", "%@")
        design = world.template(fields=[field])
        [quiet] = world.document(build(world.wallet_pass(design, world.customer())))["storeCard"]["backFields"]
        assert quiet == {"key": "news", "label": "News", "value": ""}

    def test_says_when_it_is_void(self) -> None:
        held = rich_pass()
        held.content["voided"] = True

        assert world.document(build(held))["voided"] is True


class TestThePackage:
    def test_lists_every_file_with_its_sha1_and_nothing_else(self) -> None:
        files = world.files(build(rich_pass()))
        manifest = json.loads(files.pop("manifest.json"))
        del files["signature"]

        assert manifest == {name: hashlib.sha1(data).hexdigest() for name, data in files.items()}
        assert set(files) == {
            "pass.json", "icon.png", "icon@2x.png", "icon@3x.png",
            "en.lproj/pass.strings", "fr.lproj/pass.strings", "nl.lproj/pass.strings",
        }  # fmt: skip

    def test_is_a_plain_zip_with_the_files_at_its_root(self) -> None:
        with zipfile.ZipFile(io.BytesIO(build(rich_pass()))) as archive:
            entries = archive.infolist()
            assert archive.testzip() is None

        assert {"pass.json", "manifest.json", "signature", "icon.png"} < {entry.filename for entry in entries}
        assert {entry.compress_type for entry in entries} == {zipfile.ZIP_STORED}
        assert {entry.date_time for entry in entries} == {(2020, 1, 1, 0, 0, 0)}
        assert len({entry.filename for entry in entries}) == len(entries)

    def test_is_the_same_up_to_the_signature_when_nothing_changed(self) -> None:
        held = rich_pass()
        first, second = world.files(build(held)), world.files(build(WalletPass.objects.get(pk=held.pk)))

        assert {**first, "signature": b""} == {**second, "signature": b""}

    def test_translates_in_every_language_with_the_same_keys(self) -> None:
        files = world.files(build(rich_pass()))

        assert files["nl.lproj/pass.strings"].startswith(b"\xff\xfe"), "UTF-16 with its mark, as Apple has it"
        assert {name: parse(data) for name, data in files.items() if name.endswith("pass.strings")} == {
            "en.lproj/pass.strings": {"Points": "Points", "You now have %@ points": "You now have %@ points"},
            "fr.lproj/pass.strings": {"Points": "Points", "You now have %@ points": "You now have %@ points"},
            "nl.lproj/pass.strings": {"Points": "Punten", "You now have %@ points": 'U hebt nu "%@" \\ punten'},
        }

    @pytest.mark.skipif(not shutil.which("openssl"), reason="the openssl command line is the judge here")
    def test_is_signed_as_openssl_wants_it_with_a_signing_time(self, tmp_path: Path) -> None:
        files = world.files(build(rich_pass()))
        (tmp_path / "signature").write_bytes(files["signature"])
        (tmp_path / "manifest.json").write_bytes(files["manifest.json"])
        (tmp_path / "root.pem").write_text(world.authority().root_pem)

        verified = openssl(
            tmp_path, "-verify", "-binary", "-content", "manifest.json", "-CAfile", "root.pem", "-purpose", "any"
        )
        printed = openssl(tmp_path, "-cmsout", "-print", "-noout")

        assert (verified.returncode, verified.stderr) == (0, b"CMS Verification successful\n")
        assert b"signingTime" in printed.stdout
        assert b"Sandbox WWDR" in printed.stdout

    @pytest.mark.skipif(not shutil.which("openssl"), reason="the openssl command line is the judge here")
    def test_is_refused_by_openssl_when_a_byte_of_the_manifest_differs(self, tmp_path: Path) -> None:
        files = world.files(build(rich_pass()))
        (tmp_path / "signature").write_bytes(files["signature"])
        (tmp_path / "manifest.json").write_bytes(files["manifest.json"] + b"\n")
        (tmp_path / "root.pem").write_text(world.authority().root_pem)

        refused = openssl(
            tmp_path, "-verify", "-binary", "-content", "manifest.json", "-CAfile", "root.pem", "-purpose", "any"
        )

        assert refused.returncode != 0


def openssl(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = ["openssl", "cms", *arguments, "-inform", "DER", "-in", "signature"]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False)


class TestImages:
    @pytest.fixture(autouse=True)
    def _new_process(self) -> None:
        bundle._kept_images.cache_clear()

    def images(self, held: WalletPass) -> dict[str, bytes]:
        files = world.files(build(WalletPass.objects.get(pk=held.pk)))
        manifest = json.loads(files["manifest.json"])
        images = {name: data for name, data in files.items() if name.endswith(".png")}
        assert {name: hashlib.sha1(data).hexdigest() for name, data in images.items()} == {
            name: sha1 for name, sha1 in manifest.items() if name.endswith(".png")
        }
        return images

    def test_are_read_once_for_a_version(self, django_assert_num_queries: Any) -> None:
        held = WalletPass.objects.select_related("template__apple").get(pk=rich_pass().pk)
        build(held)

        with django_assert_num_queries(0):
            build(held)

    def test_that_were_replaced_after_the_content_was_stored_agree_with_the_manifest(self) -> None:
        held = rich_pass()
        self.images(held)
        icon = TemplateImage.objects.get(role="icon", scale=1)
        icon.data = world.png(77)
        icon.save()

        assert self.images(held)["icon.png"] in {world.png(1), world.png(77)}
        world.republish(held)
        assert self.images(held)["icon.png"] == world.png(77)

    def test_that_were_replaced_are_not_kept_as_if_they_were_the_old_ones(self) -> None:
        held = rich_pass()
        icon = TemplateImage.objects.get(role="icon", scale=1)
        for shade in (77, 78, 1):
            icon.data = world.png(shade)
            icon.save()
            assert self.images(held)["icon.png"] == world.png(shade)

    def test_never_lose_the_icon_when_only_a_sharp_one_is_left(self) -> None:
        held = rich_pass()
        TemplateImage.objects.filter(scale=1).delete()

        assert self.images(held)["icon.png"] == world.png(2)
        inspect(build(held), world.authority().root, allow_http=True)

    def test_of_a_template_with_only_a_sharp_icon_serve_all_screens(self) -> None:
        design = world.template(icon=False)
        TemplateImage.objects.create(template=design, role="icon", scale=3, data=world.png(3))
        held = world.wallet_pass(design)

        assert self.images(held) == {"icon.png": world.png(3), "icon@3x.png": world.png(3)}
        assert self.images(held) == {"icon.png": world.png(3), "icon@3x.png": world.png(3)}


class TestPicturesOfLanguagesAndPosters:
    def test_a_picture_of_a_language_lies_in_its_folder(self) -> None:
        design = world.template()
        for language, shade in (("", 10), ("fr", 20)):
            for scale in (1, 2, 3):
                row = {"language": language, "scale": scale, "data": world.png(shade + scale)}
                TemplateImage.objects.create(template=design, role="strip", **row)

        checked = inspect(build(world.wallet_pass(design)), world.authority().root, allow_http=True)

        assert checked.files["strip@2x.png"] == world.png(12)
        assert checked.files["fr.lproj/strip@2x.png"] == world.png(22)
        assert checked.notices == ["accepted http because this is a sandbox"]

    def test_a_picture_that_lacks_a_scale_in_its_language_is_noticed(self) -> None:
        design = world.template()
        for language, scale in (("", 1), ("", 2), ("fr", 1)):
            TemplateImage.objects.create(
                template=design, role="strip", language=language, scale=scale, data=world.png(scale)
            )

        checked = inspect(build(world.wallet_pass(design)), world.authority().root, allow_http=True)

        assert "fr.lproj has strip without 1 of its scales." in checked.notices

    def test_a_poster_brings_its_background_under_both_names(self) -> None:
        design = world.template(kind="generic", poster=True)
        TemplateImage.objects.create(template=design, role="background", scale=2, data=world.png(9))

        files = world.files(build(world.wallet_pass(design)))

        assert files["background@2x.png"] == files["artwork@2x.png"] == world.png(9)


class TestUnfit:
    def test_without_an_icon(self) -> None:
        held = world.wallet_pass(world.template(icon=False))

        with pytest.raises(Unfit, match="“Loyalty card” has no icon"):
            build(held)

    def test_without_a_certificate(self) -> None:
        held = world.wallet_pass(world.template(apple=None))

        with pytest.raises(Unfit, match="“Loyalty card” has no Apple certificate"):
            build(held)

    def test_without_content(self) -> None:
        held = WalletPass.objects.create(tenant=world.tenant(), template=world.template(), customer=world.customer())

        with pytest.raises(Unfit, match="no content yet"):
            build(held)

    @pytest.mark.parametrize(
        "damage", [{"colours": {"background": "red"}}, {"kind": "boat"}, {"barcode": {"format": "qr2"}}]
    )
    def test_with_content_that_cannot_be_read(self, damage: dict[str, Any]) -> None:
        held = rich_pass()
        held.content = {**held.content, **damage}

        with pytest.raises(Unfit, match="stored content cannot be read"):
            build(held)

    def test_with_a_certificate_that_has_expired(self) -> None:
        held = rich_pass()
        expired = world.authority().issue_pass_certificate(world.PASS_TYPE, world.TEAM, "Example", -1)
        apple = held.template.apple
        apple.certificate, apple.private_key = expired.certificate_pem, expired.private_key_pem

        with pytest.raises(Unfit, match=r"Apple certificate “pass.com.example.loyalty”: .* only. Renew it at Apple."):
            build(held)

    def test_with_a_key_that_cannot_be_read_and_never_says_it(self) -> None:
        held = rich_pass()
        held.template.apple.private_key = "-----BEGIN PRIVATE KEY-----\nTOPSECRET\n-----END PRIVATE KEY-----"

        with pytest.raises(Unfit, match="private key is not PEM") as caught:
            build(held)

        assert "TOPSECRET" not in repr(caught.value.__cause__) + str(caught.value)


def test_every_kind_has_a_style() -> None:
    assert set(STYLES) == set(PassTemplate.Kind.values)
