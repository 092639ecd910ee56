"""Callbacks: what is Google's, for us and of today is taken; everything else is refused."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passes.google.envelope import Forged, RootKey, Told, opened
from tests.passes.google.envelopes import HOUR, ISSUER, NOW, Google, new_key, root

GENUINE = Path(__file__).parents[2] / "payloads" / "google" / "callbacks" / "genuine_2025.json"
ON_ITS_DAY = 1_759_320_000_000  # 1 October 2025, 12:00 UTC


def read(body: Any, **changes: Any) -> Told:
    return opened(body, **{"issuer_id": ISSUER, "roots": [root()], "now_ms": NOW, **changes})


def test_a_callback_of_googles_own_is_taken_on_its_day() -> None:
    genuine = json.loads(GENUINE.read_text())
    roots = [RootKey(base64.b64decode(genuine["root"]))]
    told = opened(genuine["envelope"], issuer_id="3388000000022141777", roots=roots, now_ms=ON_ITS_DAY)
    assert (told.type, told.count) == ("del", 1)
    assert told.object_id == "3388000000022141777.6b4cbd15-0de7-4fe8-95f6-995a51b4595e.object"
    for wrong in ({"issuer_id": "3388000000022141778"}, {"now_ms": ON_ITS_DAY + 24 * HOUR}, {"roots": [root()]}):
        asked = {"issuer_id": "3388000000022141777", "roots": roots, "now_ms": ON_ITS_DAY, **wrong}
        with pytest.raises(Forged):
            opened(genuine["envelope"], **asked)


def test_what_is_signed_as_google_does_is_read() -> None:
    told = read(Google().envelope(eventType="del", count=3))
    assert told == Told("del", f"{ISSUER}.abc", f"{ISSUER}.card", "nonce-1", NOW + HOUR, 3)


def test_the_length_of_a_message_counts_bytes() -> None:
    """Libraries that count characters refuse this one."""
    assert read(Google().envelope(classId=f"{ISSUER}.été-🎉")).class_id == f"{ISSUER}.été-🎉"


def test_unknown_types_and_messages_about_several_objects_are_read() -> None:
    told = read(Google().sealed(json.dumps(
        {"eventType": "activate", "objectIds": [f"{ISSUER}.a"], "expTimeMillis": str(NOW + 1), "nonce": "n"}
    )))  # fmt: skip
    assert (told.type, told.object_id) == ("activate", "")


@pytest.mark.parametrize(
    "google",
    [
        Google(sender="GoogleWalletPasses"),
        Google(sender="Google"),
        Google(recipient="3388000000022141778"),
        Google(recipient=f"merchant:{ISSUER}"),
        Google(protocol="ECv2"),
        Google(root=new_key()),
        Google(key_expires=str(NOW)),
        Google(key_expires=NOW - 1),
        Google(key_expires="never"),
        Google(key_expires=True),
    ],
    ids=["sender", "other sender", "issuer", "merchant", "protocol", "root", "now", "before", "never", "true"],
)
def test_what_is_not_googles_for_us_is_refused(google: Google) -> None:
    with pytest.raises(Forged):
        read(google.envelope())


@pytest.mark.parametrize(
    "message",
    [
        {"expTimeMillis": NOW},
        {"expTimeMillis": None},
        {"nonce": ""},
        {"nonce": 7},
        {"nonce": "n" * 300},
        {"objectId": "3388000000022141778.abc"},
        {"classId": "3388000000022141778.card"},
        {"objectId": f"{ISSUER}5.abc"},
    ],
)
def test_a_message_that_is_too_old_nameless_or_about_others_is_refused(message: dict[str, Any]) -> None:
    with pytest.raises(Forged):
        read(Google().envelope(**message))


def test_root_keys_that_have_expired_prove_nothing() -> None:
    with pytest.raises(Forged):
        read(Google().envelope(), roots=[root(expires=NOW)])
    assert read(Google().envelope(), roots=[root(expires=NOW), root(expires=0)])


def test_a_changed_part_breaks_the_seal() -> None:
    whole = Google().envelope()
    other = Google(between=new_key()).envelope()
    for name in ("signature", "intermediateSigningKey", "signedMessage"):
        with pytest.raises(Forged):
            read({**whole, name: {"signedMessage": whole["signedMessage"] + " "}.get(name, other[name])})


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)


@given(
    part=st.sampled_from(["signature", "intermediateSigningKey", "protocolVersion", "signedMessage"]), value=ANYTHING
)
def test_nonsense_in_any_part_is_refused_and_breaks_nothing(part: str, value: Any) -> None:
    whole = Google().envelope()
    if value == whole[part]:
        return
    with pytest.raises(Forged):
        read({**whole, part: value})


@given(body=ANYTHING)
def test_any_other_json_is_refused(body: Any) -> None:
    with pytest.raises(Forged):
        read(body)
