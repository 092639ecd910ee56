"""Redaction: what a trace may keep of requests and answers."""

from __future__ import annotations

import json
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.redaction import MASK, _folded, excerpt, redact

SECRET = "S3cr3t-Value_of/the+day=="
NAMES = [
    *("accessToken", "access_token", "refresh_token", "authenticationToken", "pushToken", "token", "apiKey", "api_key"),
    *("X-API-KEY", "Authorization", "Proxy-Authorization", "password", "client_secret", "clientSecret", "private_key"),
    *("privateKey", "assertion", "Cookie", "Set-Cookie", "credentials", "user.password", "db_passwd"),
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "shape",
    [
        '{{"{name}": "{secret}", "other": 1}}',
        '{{"{name}":"{secret}"}}',
        '{{"a": [{{"{name}" : "{secret}"}}]}}',
        "{name}: {secret}\r\nAccept: */*",
        "{name}={secret}&other=1",
        "other=1&{name}={secret}",
        "https://example.com/cb?{name}={secret}#x",
        "<pre>{name}: {secret}</pre>",
        "{{'{name}': '{secret}'}}",
    ],
)
def test_a_value_whose_name_tells_of_a_secret_is_hidden(name: str, shape: str) -> None:
    shown = redact(shape.format(name=name, secret=SECRET))
    assert SECRET not in shown
    assert SECRET[:8] not in shown
    assert MASK in shown
    assert name in shown


def test_what_is_no_secret_stays_readable() -> None:
    body = {"profileId": 7, "emailAddress": "a@example.com", "key": "points", "keyboard": "azerty", "note": "ok: fine"}
    assert redact(json.dumps(body)) == json.dumps(body)


def test_members_beside_a_secret_stay_readable() -> None:
    assert redact('{"a": 1, "apiKey": "x\\"y", "b": 2}') == f'{{"a": 1, "apiKey": "{MASK}", "b": 2}}'


@pytest.mark.parametrize(
    "value", ["12345678", "[1, 2, 3]", '["abc", "de]f"]', '{"inner": "abc", "more": {"x": "d}e"}}']
)
def test_numbers_lists_and_objects_are_hidden_as_a_whole(value: str) -> None:
    assert redact(f'{{"secret": {value}, "b": 2}}') == f'{{"secret": {MASK}, "b": 2}}'


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_json_within_strings_is_searched_too(depth: int) -> None:
    text = json.dumps({"accessToken": SECRET + '"quoted', "points": 7})
    for _ in range(depth):
        text = json.dumps({"body": text})
    shown = redact(text)
    assert SECRET not in shown
    assert "quoted" not in shown
    assert "points" in shown
    assert redact(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        f"Bearer {SECRET}",
        f'{{"message": "expired: Bearer {SECRET}"}}',
        f"ApplePass {SECRET}",
        "Basic dmVyZGkvd3M6cGFzc3dvcmQ=",
        "the key awp_1a2b3c4d_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdE was refused",
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2lnbmF0dXJl",
        "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----",
        "-----BEGIN EC PRIVATE KEY-----\nMIIEvQIBADANBg",
    ],
)
def test_what_looks_like_a_secret_is_hidden_wherever_it_stands(text: str) -> None:
    shown = redact(text)
    for secret in (
        SECRET,
        "dmVyZGkvd3M6cGFzc3dvcmQ",
        "1a2b3c4d",
        "eyJhbGciOiJSUzI1NiJ9",
        "c2lnbmF0dXJl",
        "MIIEvQIBADANBg",
    ):
        assert secret not in shown


@given(st.integers(0, 400), st.integers(0, 120))
def test_no_cut_leaves_half_a_secret(before: int, cut: int) -> None:
    whole = "x" * before + json.dumps({"n": 1, "accessToken": SECRET, "deep": json.dumps({"password": SECRET})})
    for text in (whole[: before + cut], whole):
        for limit in (20, before + cut, 2000):
            assert SECRET[:6] not in excerpt(text, limit)


@given(st.integers(1, 60), st.integers(0, 40))
def test_a_secret_known_by_its_value_is_hidden_before_the_cut(limit: int, before: int) -> None:
    assert SECRET[:6] not in excerpt("x" * before + SECRET, limit, hide=[SECRET])


def test_an_excerpt_is_cut_and_tells_how_long_the_whole_was() -> None:
    assert excerpt("x" * 2000) == "x" * 2000
    assert excerpt("x" * 5_000_000) == "x" * 2000 + "… (5000000 characters)"


def test_an_excerpt_of_bytes_is_text_that_every_database_takes() -> None:
    assert excerpt(b"a\x00b\xffc") == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c"
    assert excerpt("a\ud800b") == "a\N{REPLACEMENT CHARACTER}b"


@given(st.text() | st.text(alphabet="\"'\\{}[]:=,& \ntoken"))
def test_redaction_never_raises(text: str) -> None:
    redact(text)


@pytest.mark.parametrize(
    "piece",
    [
        "token",
        "secret=",
        '"token":',
        '"',
        '\\"',
        "'\\\\",
        "[",
        '"secret":[',
        "Bearer ",
        "a.",
        "password: ",
        "-----BEGIN ",
    ],
)
def test_a_hostile_body_costs_little(piece: str) -> None:
    body = piece * (1024 * 1024 // len(piece))
    started = time.process_time()
    excerpt(body)
    assert time.process_time() - started < 0.5


def seconds(text: str) -> float:
    started = time.process_time()
    redact(text)
    return time.process_time() - started


HOSTILE = [
    *("\\", "\\\\'", '"', "'", '\\"', "[", "{", "]", ":", "=", " ", "\t", "\n", "token", "token ", "token\n", "-token"),
    *("key=", "token=", "token:", "token:{", "token%3d", 'token:"', "token=\\", '"secret":\\"', '"secret":{"', "\"['"),
    *("tokentoken" * 8 + "\\" * 500, '"' + "token" * 16 + "a" * 80 + "\\", "token" + " " * 9, '"token"' + "\\" * 50),
    *("Bearer ", "Bearer" + " " * 50, "eyJ-.", "awp_12345678_", "-----BEGIN PRIVATE KEY-----", "-----END "),
]
HOSTILE += ['"token' + "\\" * 50 + '":', '"token\\":', '"token:\\":', "\\" * 50 + '"token' + "\\" * 51 + '":']
OPENINGS = ["", "token:{", '"token":"', 'token:{"', "\\\\'token\\\\':\\\\'", '"token', "password:", "Bearer "]


@pytest.mark.parametrize("piece", HOSTILE)
def test_twice_as_much_costs_twice_as_much(piece: str) -> None:
    for opening in OPENINGS:
        size = 16 * 1024
        small = seconds(opening + piece * (size // len(piece)))
        large = seconds(opening + piece * (4 * size // len(piece)))
        assert large < 8 * small + 0.2, opening  # what grows with the square takes 16 times as long, and seconds
    assert seconds(piece * (256 * 1024 // len(piece))) < 2


@pytest.mark.parametrize("depth", [1, 4, 15])
def test_deeply_quoted_json_costs_little(depth: int) -> None:
    text = "x"
    for _ in range(depth):
        text = json.dumps({"token": text, "other": 1})
    assert seconds(text) < 2
    assert seconds(json.dumps({"x": "\\" * 128 * 1024})) < 2


@given(st.lists(st.sampled_from(HOSTILE), min_size=1, max_size=6), st.sampled_from(OPENINGS))
def test_no_mixture_of_hostile_pieces_is_dear(pieces: list[str], opening: str) -> None:
    mixed = "".join(pieces)
    assert seconds(opening + mixed * (32 * 1024 // len(mixed))) < 2


@pytest.mark.parametrize("slashes", [0, 1, 3, 7])
def test_a_name_and_its_value_are_found_behind_any_backslashes(slashes: int) -> None:
    quote = "\\" * slashes + '"'
    shown = redact(f"{{{quote}apiKey{quote}: {quote}{SECRET}{quote}, {quote}b{quote}: 2}}")
    assert shown == f"{{{quote}apiKey{quote}: {quote}{MASK}{quote}, {quote}b{quote}: 2}}"


@pytest.mark.parametrize("text", ['"token=secret99\\":1', "tokena':token\\x1'token:secret99\\'="])
def test_a_quote_that_is_escaped_oftener_than_the_opening_one_ends_no_name(text: str) -> None:
    assert "secret99" not in redact(text)


@pytest.mark.parametrize("shape", ['{{"{}": "{}"}}', "{}={}&other=1", "{}: {}"])
@pytest.mark.parametrize("name", ["PASSWORD", "pa\N{LATIN SMALL LETTER LONG S}sword", "to\N{KELVIN SIGN}en",
                                  "author\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}zation",
                                  "coo\N{KELVIN SIGN}\N{LATIN SMALL LETTER DOTLESS I}e"])  # fmt: skip
def test_letters_that_count_as_others_hide_nothing(name: str, shape: str) -> None:
    assert SECRET not in redact(shape.format(name, SECRET))


def test_every_letter_that_counts_as_another_is_folded_to_it() -> None:
    every = "".join(map(chr, range(0x110000)))
    for letter in "abcdefghijklmnopqrstuvwxyz":
        for same in re.findall(letter, every, re.IGNORECASE):
            assert _folded(same) == letter
