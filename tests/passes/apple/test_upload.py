"""What people upload is read whatever its form, and told in words when it cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from passes.apple.upload import Upload, key_pem, pem_of, read, without_keys
from tests.passes.apple.certificates_kit import der, encrypted_key, openssl, p12
from tests.passes.world import credentials

PASSWORD = "geheim ✓"


def certificate_and_key(found: Upload) -> tuple[str, str]:
    assert found.problems == ()
    return pem_of(found.certificates[0]), key_pem(found.keys[0])


def expected() -> tuple[str, str]:
    return credentials().certificate_pem, credentials().private_key_pem


@pytest.mark.parametrize("password", ["", PASSWORD])
@pytest.mark.parametrize(
    "options",
    [(), ("-legacy",), ("-legacy", "-certpbe", "PBE-SHA1-RC2-40", "-keypbe", "PBE-SHA1-3DES"), ("-nomac",)],
    ids=["today's", "the keychain's", "its older one", "without a MAC"],
)
def test_a_p12_of_any_age_is_read(tmp_path: Path, options: tuple[str, ...], password: str) -> None:
    file = p12(credentials(), tmp_path, *options, password=password)

    assert certificate_and_key(read(file, password)) == expected()


def test_a_p12_brings_its_chain_along(tmp_path: Path) -> None:
    found = read(p12(credentials(), tmp_path, chain=True))

    assert [pem_of(each) for each in found.certificates] == [
        credentials().certificate_pem,
        credentials().intermediate_pem,
    ]


@pytest.mark.parametrize(("kind", "password"), [("pkcs8", PASSWORD), ("rsa", "secret")])
def test_a_key_with_a_passphrase_is_opened(kind: str, password: str) -> None:
    both = credentials().certificate_pem.encode() + encrypted_key(credentials(), password, kind)

    assert certificate_and_key(read(both, password)) == expected()
    assert read(both).problems == ("The private key has a password. Enter it, too.",)
    assert read(both, "wrong").problems == (
        "The password does not open the private key, or the key is damaged. Type it again.",
    )


def test_a_password_for_another_file_does_no_harm() -> None:
    assert certificate_and_key(read("".join(expected()).encode(), PASSWORD)) == expected()


def test_a_cer_and_a_key_in_der_are_read() -> None:
    assert [pem_of(each) for each in read(der(credentials())).certificates] == [expected()[0]]
    key = openssl("pkcs8", "-topk8", "-nocrypt", "-outform", "DER", given=expected()[1].encode())
    assert [key_pem(each) for each in read(key).keys] == [expected()[1]]


def test_what_openssl_writes_around_the_texts_is_passed_over() -> None:
    text = f"Bag Attributes\n    friendlyName: Anna\n{expected()[1]}subject=UID = pass\n{expected()[0]}"
    assert certificate_and_key(read(text.encode())) == expected()


@pytest.mark.parametrize(
    ("data", "password", "sentence"),
    [
        ("p12", "wrong", "The password does not open this .p12 file, or the file is damaged."),
        ("p12", "", "This .p12 file has a password, or is damaged."),
        ("cut p12", PASSWORD, "The password does not open this .p12 file, or the file is damaged."),
        (b"not a certificate", "", "This is neither a .p12 file, nor Apple's .cer file, nor PEM text."),
        (b"\x30\x82" + b"\x00" * 50, "", "This is neither a .p12 file, nor Apple's .cer file, nor PEM text."),
        (b"\xff\xfe\x00", "", "This is neither a .p12 file, nor Apple's .cer file, nor PEM text."),
        (b"-----BEGIN CERTIFICATE-----\nMIIB", "", "There is no certificate in this text that can be read."),
        (b"-----BEGIN PUBLIC KEY-----\nMIIB", "", "There is no certificate in this text."),
        (b"-----BEGIN PRIVATE KEY-----\nMIIB", "", "The private key cannot be read."),
        ("ed25519", "", "The private key is neither RSA nor EC."),
        ("request", "", "This is the request that goes to Apple."),
    ],
)
def test_what_cannot_be_read_is_told_with_what_to_do(
    tmp_path: Path, data: str | bytes, password: str, sentence: str
) -> None:
    if data == "ed25519":
        data = openssl("genpkey", "-algorithm", "ed25519")
    elif data == "request":
        (tmp_path / "key.pem").write_text(credentials().private_key_pem)
        data = openssl("req", "-new", "-key", "key.pem", "-subj", "/CN=Anna", folder=tmp_path)
    elif isinstance(data, str):
        whole = p12(credentials(), tmp_path, "-legacy", password=PASSWORD)
        data = whole[:-40] if data.startswith("cut") else whole

    found = read(data, password)

    assert [each for each in found.problems if each.startswith(sentence)], found.problems
    assert (found.certificates, found.keys) == ((), ())


def test_nothing_is_nothing() -> None:
    assert read(b" \n") == Upload()


def test_a_key_is_taken_out_of_a_text_even_when_it_is_cut_off() -> None:
    certificate, key = expected()
    for broken in (key, key.replace("-----END PRIVATE KEY-----", "")):
        assert without_keys(f"{certificate}{broken}") == certificate
