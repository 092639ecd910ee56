"""What iOS would refuse without a word is refused here with one, and all of it at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from django.core.checks import run_checks
from pytest_django import Settings

from passes.apple import authorities
from passes.apple.certificate import Verdict, Wanted, facts, judge
from passes.apple.sandbox import Authority, Credentials
from passes.apple.upload import Upload, read
from portal.checks import INSTALLATION
from tests.passes.apple.certificates_kit import openssl, p12
from tests.passes.world import PASS_TYPE, TEAM, authority, credentials

ORGANIZATION = "Example Coffee"


def uploaded(*texts: str | bytes) -> Upload:
    found = Upload()
    for text in texts:
        found += read(text.encode() if isinstance(text, str) else text)
    return found


def everything(issued: Credentials) -> Upload:
    return uploaded(issued.certificate_pem, issued.private_key_pem, issued.intermediate_pem)


def verdict(upload: Upload, pass_type: str = "", team: str = "", rehearsal: bool = True, **time: Any) -> Verdict:
    return judge(upload, Wanted(pass_type, team), rehearsal=rehearsal, **time)


def columns(found: Verdict) -> dict[str, str]:
    assert found.signer
    return found.signer.columns()


@cache
def foreign() -> Credentials:
    return Authority(None).issue_pass_certificate(PASS_TYPE, TEAM, ORGANIZATION)


@cache
def by_openssl(subject: str, *extensions: str, days: int = 30) -> str:
    """A certificate that its owner signed, with its key."""
    given = [part for each in extensions for part in ("-addext", each)]
    command = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "-", "-subj", subject, "-days", str(days)]
    return openssl(*command, *given).decode()


@pytest.fixture
def apples(settings: Settings) -> Settings:
    """The sandbox's authority in Apple's place, as its operator says by the setting."""
    settings.APPLE_INTERMEDIATES = authority().intermediate_pem
    return settings


def test_a_good_certificate_is_taken_with_its_key_and_chain() -> None:
    found = verdict(everything(credentials()), PASS_TYPE, TEAM)

    assert found.problems == ()
    assert columns(found) == {
        "certificate": credentials().certificate_pem,
        "private_key": credentials().private_key_pem,
        "intermediate": credentials().intermediate_pem,
    }
    assert found.remarks == ("Apple did not make it: it serves rehearsals only.",)


def test_a_certificate_says_what_it_is() -> None:
    found = facts(x509.load_pem_x509_certificate(credentials().certificate_pem.encode()))
    assert (found.pass_type_identifier, found.team_identifier, found.organization) == (PASS_TYPE, TEAM, ORGANIZATION)
    assert (found.nfc, found.push, found.issuer) == (False, True, "Sandbox WWDR")
    with_nfc = authority().issue_pass_certificate(PASS_TYPE, TEAM, ORGANIZATION, nfc=True)
    assert facts(x509.load_pem_x509_certificate(with_nfc.certificate_pem.encode())).nfc


def test_nfc_is_known_by_its_extension_too() -> None:
    text = by_openssl(
        f"/UID={PASS_TYPE}/CN=Anything", "1.2.840.113635.100.6.1.26=DER:0500", "basicConstraints=CA:FALSE"
    )
    assert facts(x509.load_pem_x509_certificate(text.encode())).nfc


def test_outside_of_rehearsals_only_apples_are_taken(apples: Settings) -> None:
    assert verdict(everything(credentials()), rehearsal=False).problems == ()
    said = "The certificate was made by “Sandbox WWDR”, not by Apple: iPhones would refuse the passes."
    assert verdict(everything(foreign()), rehearsal=False).problems == (said,)
    assert verdict(everything(foreign())).problems == ()


def test_the_intermediate_is_found_by_itself(apples: Settings) -> None:
    """Two authorities of one name: the identifiers of their keys, and the signature, tell them apart."""
    apples.APPLE_INTERMEDIATES = foreign().intermediate_pem + authority().intermediate_pem
    found = verdict(uploaded(credentials().certificate_pem, credentials().private_key_pem), rehearsal=False)
    assert found.problems == ()
    assert columns(found)["intermediate"] == credentials().intermediate_pem


def test_of_several_certificates_the_one_that_has_the_key_is_taken(tmp_path: Path) -> None:
    newer = authority().issue_pass_certificate(PASS_TYPE, TEAM, ORGANIZATION, 700)
    found = verdict(uploaded(newer.certificate_pem, p12(credentials(), tmp_path, "-legacy", chain=True)))
    assert columns(found)["certificate"] == credentials().certificate_pem


def test_all_that_is_wrong_is_told_at_once() -> None:
    late = datetime.now(UTC) + timedelta(days=4000)
    upload = uploaded(credentials().certificate_pem, foreign().private_key_pem)
    found = verdict(upload, "pass.com.other", "OTHER", now=late)
    assert [each.split(".")[0] for each in found.problems] == [
        "The private key does not belong to the certificate",
        "The certificate is for pass",
        "The certificate is of team TEAM123456, not of OTHER",
        f"The certificate ended on {credentials_end()}",
        "The certificate was made by “Sandbox WWDR”, not by Apple: iPhones would refuse the passes",
    ]
    assert not [each for each in found.problems if "PRIVATE" in each]


def credentials_end() -> str:
    end = x509.load_pem_x509_certificate(credentials().certificate_pem.encode()).not_valid_after_utc
    return f"{end.day} {end:%b %Y}"


@pytest.mark.parametrize(
    ("upload", "sentence"),
    [
        (uploaded, "Choose the file of the certificate, or paste its text."),
        (lambda: uploaded(credentials().private_key_pem), "This is a private key alone."),
        (lambda: uploaded(authority().intermediate_pem), "This is Apple's own intermediate certificate."),
        (lambda: uploaded(authority().root_pem), "This certificate was made by its owner, not by Apple."),
        (lambda: uploaded(by_openssl(f"/UID={PASS_TYPE}/OU={TEAM}")), "This certificate was made by its owner"),
        (
            lambda: uploaded(by_openssl(f"/UID={PASS_TYPE}/OU={TEAM}", "basicConstraints=critical,CA:FALSE")),
            "This certificate was made by its owner",
        ),
        (
            lambda: uploaded(credentials().certificate_pem, credentials().intermediate_pem),
            "The private key is missing, and no request made here waits for this certificate.",
        ),
        (
            lambda: uploaded(by_openssl("/CN=Apple Development: Anna", "basicConstraints=critical,CA:FALSE")),
            "“Apple Development: Anna” is not a certificate for passes.",
        ),
        (
            lambda: uploaded(by_openssl(f"/UID={PASS_TYPE}", "basicConstraints=critical,CA:FALSE")),
            "The certificate names no team.",
        ),
        (
            lambda: uploaded(
                by_openssl(
                    f"/UID={PASS_TYPE}/OU={TEAM}", "basicConstraints=critical,CA:FALSE", "extendedKeyUsage=serverAuth"
                )
            ),
            "The certificate does not open Apple's push service.",
        ),
        (
            lambda: uploaded(
                by_openssl(
                    f"/UID={PASS_TYPE}/OU={TEAM}", "basicConstraints=critical,CA:FALSE",
                    "1.2.840.113635.100.6.1.16=ASN1:UTF8String:pass.com.other",
                )
            ),
            "The certificate names two pass types, pass.com.example.loyalty and pass.com.other.",
        ),
        (lambda: uploaded(b"nonsense"), "This is neither a .p12 file"),
    ],
)  # fmt: skip
def test_each_wrong_thing_has_its_sentence(upload: Any, sentence: str) -> None:
    assert [each for each in verdict(upload()).problems if each.startswith(sentence)]


def test_a_certificate_is_taken_in_its_time_only() -> None:
    early = verdict(everything(credentials()), now=datetime.now(UTC) - timedelta(days=2))
    assert [each for each in early.problems if "is not valid before" in each]
    ended = authority().issue_pass_certificate(PASS_TYPE, TEAM, ORGANIZATION, -2)
    assert verdict(everything(ended)).problems[0].startswith("The certificate ended on ")
    ends_soon = authority().issue_pass_certificate(PASS_TYPE, TEAM, ORGANIZATION, 60)
    assert "It ends in 59 days: ask Apple for the next one soon." in verdict(everything(ends_soon)).remarks


def test_apples_intermediate_for_passes_ships_with_the_product(tmp_path: Path) -> None:
    """Judged by openssl; the fingerprint of the root is the one that Apple publishes."""
    for name in ("AppleRootCA", "AppleWWDRCAG4"):
        (tmp_path / name).write_bytes((authorities.PKI / f"{name}.pem").read_bytes())
    openssl("verify", "-CAfile", "AppleRootCA", "AppleWWDRCAG4", folder=tmp_path)
    printed = openssl("x509", "-in", "AppleRootCA", "-noout", "-fingerprint", "-sha256", folder=tmp_path).decode()
    assert printed.strip().endswith(
        "B0:B1:73:0E:CB:C7:FF:45:05:14:2C:49:F1:29:5E:6E:DA:6B:CA:ED:7E:2C:68:C5:BE:91:B5:A1:10:01:F0:24"
    )
    [intermediate] = authorities.known()
    assert authorities.is_apples(intermediate)
    assert f"{intermediate.serial_number:X}" == "13DC77955271E53DC632E8CCFFE521F3CCC5CED2"
    assert not authorities.is_apples(x509.load_pem_x509_certificate(authority().intermediate_pem.encode()))


def test_further_intermediates_come_from_a_folder(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "next.cer").write_bytes(openssl("x509", "-outform", "DER", given=authority().intermediate_pem.encode()))
    (tmp_path / "read.me").write_text("not a certificate")
    settings.APPLE_INTERMEDIATES = str(tmp_path)
    assert (
        verdict(uploaded(credentials().certificate_pem, credentials().private_key_pem), rehearsal=False).problems == ()
    )
    assert run_checks(tags=[INSTALLATION]) == []


@pytest.mark.parametrize("wrong", ["/nowhere", "-----BEGIN CERTIFICATE-----\nnonsense"])
def test_a_setting_that_cannot_be_read_is_told_at_the_start(settings: Settings, wrong: str) -> None:
    settings.APPLE_INTERMEDIATES = wrong
    assert "passes.E001" in [each.id for each in run_checks(tags=[INSTALLATION])]
