"""A virtual phone refuses what an iPhone refuses, and says everything that is wrong at once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import pkcs7

from passes.apple.sandbox import PassRefused, inspect
from passes.apple.sandbox.strings import parse
from tests.passes.apple import test_sandbox_kit as kit
from tests.passes.apple.test_sandbox_kit import authority, build, credentials, document


def reasons(data: bytes, allow_http: bool = False) -> list[str]:
    with pytest.raises(PassRefused) as refusal:
        inspect(data, authority().root, allow_http=allow_http)
    return refusal.value.reasons


def test_a_good_pass_is_accepted_without_a_notice() -> None:
    assert inspect(build(), authority().root).notices == []


def test_every_reason_is_given_at_once() -> None:
    card = document(description="", backgroundColor="navy", maxDistance="100", teamIdentifier="OTHER")

    assert len(reasons(build(card))) == 4


def tampered(change: Callable[[dict[str, bytes]], None]) -> bytes:
    """A pass whose files are changed after manifest and signature were made."""
    files = kit.pass_files()
    manifest = kit.manifest_of(files)
    files |= {"manifest.json": manifest, "signature": kit.sign(manifest, credentials())}
    change(files)
    return kit.zipped(files)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda files: files.update({"icon.png": kit.png(3, 3)}), "The SHA-1 of icon.png in manifest.json is wrong."),
        (lambda files: files.update({".DS_Store": b""}), ".DS_Store is in the archive but not in manifest.json."),
        (lambda files: files.pop("icon@2x.png"), "manifest.json lists icon@2x.png, which is not in the archive."),
        (lambda files: files.pop("signature"), "signature is missing."),
        (lambda files: files.pop("manifest.json"), "manifest.json is missing."),
        (lambda files: files.update({"../x": b""}), "../x is not a path inside the archive."),
        (lambda files: files.update({"signature": b"0\x80junk"}), "The signature is not a CMS SignedData structure"),
        (
            lambda files: files.update({"manifest.json": files["manifest.json"] + b" "}),
            "The signature was made over other bytes than manifest.json",
        ),
    ],
)
def test_a_pass_changed_after_signing_is_refused(change: Callable[[dict[str, bytes]], None], reason: str) -> None:
    assert any(found.startswith(reason) for found in reasons(tampered(change)))


def test_files_in_a_folder_are_refused() -> None:
    nested = kit.zipped({f"card/{name}": data for name, data in kit.pass_files().items()})

    assert "pass.json is not at the root of the archive but at card/pass.json." in reasons(nested)


def test_what_is_no_zip_is_refused() -> None:
    assert reasons(b"<html>")[0].startswith("The file is not a readable zip archive")


def test_a_manifest_must_not_list_itself() -> None:
    files = kit.pass_files()
    manifest = json.dumps({**json.loads(kit.manifest_of(files)), "manifest.json": "00", "signature": "00"}).encode()
    listing = kit.zipped({**files, "manifest.json": manifest, "signature": kit.sign(manifest, credentials())})

    assert reasons(listing) == ["manifest.json must not list manifest.json.", "manifest.json must not list signature."]


def signed(options: Any = kit.DEFAULT, **arguments: Any) -> tuple[bytes, bytes, bytes]:
    """(pass, signature, manifest)"""
    files = kit.pass_files()
    manifest = kit.manifest_of(files)
    signature = kit.sign(manifest, arguments.pop("signer", credentials()), options, **arguments)
    return kit.zipped({**files, "manifest.json": manifest, "signature": signature}), signature, manifest


def test_a_signature_without_signing_time_is_refused() -> None:
    data, *_ = signed([*kit.DEFAULT[:2], pkcs7.PKCS7Options.NoAttributes])

    assert reasons(data) == ["The signature must contain a signing date (the signed attribute signingTime)."]


def test_a_signature_that_contains_its_content_is_refused() -> None:
    data, *_ = signed([pkcs7.PKCS7Options.Binary])

    assert reasons(data) == ["The signature is not detached: it contains the signed content."]


@pytest.mark.skipif(not shutil.which("openssl"), reason="the openssl command line is the judge here")
def test_a_signer_that_rewrites_line_ends_is_refused_by_openssl_and_by_the_phone(tmp_path: Path) -> None:
    data, signature, manifest = signed([pkcs7.PKCS7Options.DetachedSignature])

    assert not kit.openssl_verdict(tmp_path, signature, manifest, authority().root_pem)[0]
    assert reasons(data) == ["The signature was made over other bytes than manifest.json (message digest differs)."]


@pytest.mark.skipif(not shutil.which("openssl"), reason="the openssl command line is the judge here")
def test_openssl_and_the_phone_agree_about_a_flipped_signature(tmp_path: Path) -> None:
    _, signature, manifest = signed()
    flipped = signature[:-1] + bytes([signature[-1] ^ 1])
    data = kit.zipped({**kit.pass_files(), "manifest.json": manifest, "signature": flipped})

    assert not kit.openssl_verdict(tmp_path, flipped, manifest, authority().root_pem)[0]
    assert reasons(data) == ["The signature does not verify with the certificate of its signer."]


def test_a_foreign_chain_is_refused() -> None:
    data, *_ = signed(signer=credentials(foreign=True))

    assert reasons(data) == ["The certificate chain could not be verified: it does not lead to Apple's root."]


def test_a_signature_without_the_intermediate_is_refused() -> None:
    data, *_ = signed(intermediate=False)

    assert reasons(data) == ["The signature does not contain the WWDR intermediate that issued the pass certificate."]


def test_an_expired_certificate_is_refused() -> None:
    data, *_ = signed(signer=credentials(days=-1))

    assert any(reason.startswith("The pass certificate expired on") for reason in reasons(data))


def test_a_pass_must_name_the_pass_type_and_team_of_its_certificate() -> None:
    data, *_ = signed(signer=credentials(pass_type="pass.com.example.other"))

    assert reasons(data) == [
        f"passTypeIdentifier '{kit.PASS_TYPE}' does not match the certificate's UID 'pass.com.example.other'."
    ]
    other_team = reasons(build(document(teamIdentifier="OTHER")))
    assert other_team == [f"teamIdentifier 'OTHER' does not match the certificate's OU '{kit.TEAM}'."]


def test_an_nfc_pass_needs_an_nfc_certificate() -> None:
    card = document(nfc={"message": "C-1", "encryptionPublicKey": "MDkw"})
    enhanced = authority().issue_pass_certificate(kit.PASS_TYPE, kit.TEAM, "Example Coffee", nfc=True)

    assert "enhanced (NFC) pass certificate" in reasons(build(card))[0]
    assert inspect(build(card, signer=enhanced), authority().root)


def test_a_pass_without_a_real_icon_is_refused() -> None:
    files = kit.pass_files()
    del files["icon.png"]
    manifest = kit.manifest_of(files)
    bare = kit.zipped({**files, "manifest.json": manifest, "signature": kit.sign(manifest, credentials())})

    assert reasons(bare) == ["icon.png is missing."]
    for fake in (b"GIF89a", kit.png()[:-4], kit.png().replace(b"IEND", b"IENX")):
        assert reasons(build(extra={"icon.png": fake})) == ["icon.png is not a PNG image."]


FIELD = {"key": "points", "value": 1}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"formatVersion": "1"}, "formatVersion must be 1."),
        ({"formatVersion": True}, "formatVersion must be 1."),
        ({"serialNumber": ""}, "serialNumber is missing or empty."),
        ({"organizationName": None}, "organizationName is missing or empty."),
        ({"coupon": {}}, "A pass has exactly one style; this one has coupon and storeCard."),
        ({"storeCard": None}, "A pass has exactly one style; this one has none."),
        ({"storeCard": []}, "storeCard must be an object."),
        ({"storeCard": None, "boardingPass": {}}, "transitType None is not one that iOS knows."),
        ({"groupingIdentifier": "x"}, "groupingIdentifier is allowed on boarding passes and event tickets only."),
        ({"voided": "true"}, "voided must be true or false, not 'true'."),
        ({"backgroundColor": "red"}, "backgroundColor 'red' is not a colour: write rgb(r, g, b) or #RRGGBB."),
        ({"labelColor": "rgb(300,0,0)"}, "labelColor 'rgb(300,0,0)' is not a colour"),
        ({"maxDistance": "100"}, "maxDistance must be a number, not '100'."),
        ({"expirationDate": "2030-01-01T10:00:00"}, "expirationDate '2030-01-01T10:00:00' is not a date"),
        ({"expirationDate": "2030-01-01T10:00:00+0000"}, "expirationDate '2030-01-01T10:00:00+0000' is not a date"),
        ({"expirationDate": "2030-13-01T10:00Z"}, "expirationDate '2030-13-01T10:00Z' is not a date"),
        ({"relevantDates": [{"date": "2030-01-01"}]}, "date '2030-01-01' in relevantDates is not a date"),
        ({"semantics": {"eventStartDate": "2030-01-01"}}, "semantics.eventStartDate '2030-01-01' is not a date"),
        ({"semantics": {"flightNumber": "815"}}, "semantics.flightNumber '815' has the wrong type."),
        ({"semantics": {"silenceRequested": 1}}, "semantics.silenceRequested 1 has the wrong type."),
        ({"semantics": {"seats": {}}}, "semantics.seats {} has the wrong type."),
        ({"semantics": {"balance": "5"}}, "semantics.balance '5' has the wrong type."),
        ({"semantics": {"eventName": 5}}, "semantics.eventName 5 has the wrong type."),
        ({"locations": [{"latitude": "50", "longitude": 4}]}, "A location needs latitude as a number, not '50'."),
        ({"beacons": [{"major": 1}]}, "A beacon needs a proximityUUID."),
        ({"locations": [{"latitude": 91, "longitude": 4}]}, "A latitude of 91 is no place on earth."),
        ({"beacons": [{"proximityUUID": "u", "major": 65536}]}, "major of a beacon must be a number up to 65535"),
        (
            {"featuredActions": [{"identifier": "a", "type": "buy", "url": "https://x.y"}]},
            "The type 'buy' of a featured",
        ),
        ({"featuredActions": [{"identifier": "a", "type": "shop"}]}, "A featured action needs url."),
        ({"featuredActions": [{"identifier": "a", "type": "place"}]}, "A featured action needs placeIdentifier."),
        (
            {"featuredActions": [{"identifier": "a", "type": kind, "url": "https://x.y"} for kind in ("shop", "call")]},
            "The identifier 'a' of featuredActions is used 2 times.",
        ),
        ({"appLaunchURL": "x:y"}, "appLaunchURL needs associatedStoreIdentifiers."),
        ({"associatedStoreIdentifiers": ["1"]}, "associatedStoreIdentifiers must hold numbers."),
        ({"barcodes": {}}, "barcodes must be a list."),
        ({"barcodes": ["x"]}, "barcodes must be a list of objects."),
        ({"barcodes": [{"format": "QR", "message": "1", "messageEncoding": "utf-8"}]}, "The barcode format 'QR'"),
        ({"barcode": {"format": "PKBarcodeFormatQR", "message": "1"}}, "A barcode needs messageEncoding."),
        ({"webServiceURL": "https://a.example"}, "webServiceURL and authenticationToken need each other"),
        ({"authenticationToken": kit.TOKEN}, "webServiceURL and authenticationToken need each other"),
        (
            {"webServiceURL": "https://a.example", "authenticationToken": "short"},
            "authenticationToken must have 16 characters or more.",
        ),
        ({"webServiceURL": "http://a.example", "authenticationToken": kit.TOKEN}, "webServiceURL must use https."),
        ({"webServiceURL": "a.example", "authenticationToken": kit.TOKEN}, "webServiceURL 'a.example' is not a web"),
        ({"storeCard": {"backFields": [FIELD, FIELD]}}, "The field key 'points' is used 2 times"),
        ({"storeCard": {"backFields": [{"value": 1}]}}, "storeCard.backFields None: a field needs a key."),
        (
            {"storeCard": {"backFields": [{**FIELD, "value": "1", "currencyCode": "EUR"}]}},
            "storeCard.backFields 'points': currencyCode needs a number as value, not '1'.",
        ),
        ({"storeCard": {"backFields": [{"key": "a"}]}}, "storeCard.backFields 'a': the value must be a text or"),
        (
            {"storeCard": {"backFields": [{"key": "a", "value": "2030-01-01", "dateStyle": "PKDateStyleFull"}]}},
            "storeCard.backFields 'a': '2030-01-01' is not a date with a time zone.",
        ),
        (
            {"storeCard": {"backFields": [{**FIELD, "textAlignment": "left"}]}},
            "storeCard.backFields 'points': textAlignment 'left' is not one that iOS knows.",
        ),
        (
            {"storeCard": {"backFields": [{**FIELD, "isRelative": "true"}]}},
            "storeCard.backFields 'points': isRelative must be true or false, not 'true'.",
        ),
        (
            {"storeCard": {"backFields": [{**FIELD, "dataDetectorTypes": ["phone"]}]}},
            "storeCard.backFields 'points': dataDetectorTypes ['phone'] is not a list of those that iOS knows.",
        ),
        (
            {"storeCard": {"backFields": [{**FIELD, "currencyCode": "euro"}]}},
            "storeCard.backFields 'points': currencyCode 'euro' is no ISO 4217 code.",
        ),
        (
            {"storeCard": {"backFields": [{**FIELD, "semantics": []}]}},
            "storeCard.backFields 'points': semantics must be an object.",
        ),
    ],
)
def test_a_pass_with_a_mistake_in_pass_json_is_refused(changes: dict[str, Any], reason: str) -> None:
    found = reasons(build(document(**changes)))

    assert len(found) == 1
    assert found[0].startswith(reason)


@pytest.mark.parametrize("text", [b'{"a": NaN}', b'{"a": 1,}', b"\xef\xbb\xbf{}", b"\xff"])
def test_json_that_only_some_parsers_take_is_refused(text: bytes) -> None:
    assert reasons(build(text))[0].startswith("pass.json is not valid JSON")


def test_an_http_web_service_is_accepted_by_a_sandbox_phone_which_says_so() -> None:
    card = document(webServiceURL="http://127.0.0.1:1", authenticationToken=kit.TOKEN)

    accepted = inspect(build(card), authority().root, allow_http=True)

    assert accepted.notices == ["accepted http because this is a sandbox"]


def test_a_poster_may_stand_beside_a_classic_style_with_fields_of_its_own() -> None:
    beside = document(posterGeneric={"primaryFields": [FIELD]})
    alone = document(posterGeneric={"primaryFields": [FIELD]}, storeCard=None)

    assert inspect(build(beside), authority().root).notices == []
    assert "whose only style is posterGeneric" in inspect(build(alone), authority().root).notices[0]


def test_what_ios_silently_ignores_is_a_notice() -> None:
    fields = [{"key": "a", "value": "x", "changeMessage": "New tier", "numberStyle": "PKNumberStyleDecimal", "hue": 1}]
    card = document(
        backgroundcolor="#fff",
        locations=[{"latitude": 1, "longitude": 2}] * 11,
        barcodes=[{"format": "PKBarcodeFormatEAN13", "message": "1", "messageEncoding": "utf-8"}],
        storeCard={"backFields": fields},
    )

    notices = " ".join(inspect(build(card), authority().root).notices)

    for part in ("'backgroundcolor'", "locations has more", "show no barcode", "has no %@", "numberStyle", "'hue'"):
        assert part in notices


def test_a_strings_file_with_a_syntax_error_is_refused_with_its_line() -> None:
    broken = {"fr.lproj/pass.strings": b'"Points" = "Points";\n"Tier" = "Niveau"\n'}

    assert reasons(build(extra=broken)) == ["fr.lproj/pass.strings has a syntax error (line 2)."]


def test_strings_are_read_in_utf_16_and_utf_8_with_comments_and_escapes() -> None:
    text = '/* one */ "say \\"hi\\"" = "dis \\"salut\\"\\n"; // two\n"é" = "è";\n'

    assert parse(text.encode("utf-16")) == parse(text.encode()) == {'say "hi"': 'dis "salut"\n', "é": "è"}
