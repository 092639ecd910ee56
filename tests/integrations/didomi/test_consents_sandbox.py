"""Whatever the order in which events arrive, and however they come and go: the status is that of their dates."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.didomi.sandbox import DidomiSandbox, Refusal
from tests.integrations.didomi.sandbox_kit import ANNA, payload

PURPOSES, CHANNELS = ("newsletter", "promotions", "events"), ("email", "sms")
CHOICE = st.sampled_from([True, False, None])


def chosen(of: tuple[str, ...]) -> st.SearchStrategy[dict[str, bool | None]]:
    return st.dictionaries(st.sampled_from(of), CHOICE, max_size=3)


SAID = st.fixed_dictionaries(
    {
        "purposes": chosen(PURPOSES),
        "channels": chosen(CHANNELS),
        "status": st.sampled_from(["confirmed", "confirmed", "pending_approval"]),
        "regulation": st.sampled_from(["gdpr", "gdpr", "cpra"]),
    }
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def newest(events: list[dict[str, Any]], part: str, regulation: str) -> dict[str, bool]:
    """What each purpose or channel was last said to be, worked out the simple way."""
    found: dict[str, bool] = {}
    for event in sorted(events, key=lambda each: str(each["created_at"])):
        if event["status"] == "confirmed" and event["regulation"] == regulation:
            found |= {key: enabled for key, enabled in event[part].items() if enabled is not None}
    return found


@settings(max_examples=60, deadline=None)
@given(st.lists(SAID, min_size=1, max_size=8), st.data())
def test_the_order_of_arrival_does_not_matter(said: list[dict[str, Any]], data: st.DataObject) -> None:
    sandbox = DidomiSandbox()
    try:
        dated = [{**each, "created_at": f"2026-01-{day:02}T00:00:00Z"} for day, each in enumerate(said, 1)]
        kept = {sandbox.say(ANNA, **each)["id"]: each for each in data.draw(st.permutations(dated))}
        for event in data.draw(st.sets(st.sampled_from(sorted(kept)))):
            sandbox.take_back(event)
            del kept[event]
        for regulation in ("gdpr", "cpra"):
            consents = sandbox.user(ANNA, regulation)["consents"]
            for part in ("purposes", "channels"):
                stated = {each["id"]: each["enabled"] for each in consents[part] if each["enabled"] is not None}
                assert stated == newest(list(kept.values()), part, regulation)
    finally:
        sandbox.stop()


def takes(sandbox: DidomiSandbox, body: Any) -> bool:
    """Whether an event of this body is made; anything but a refusal is a fault of the sandbox."""
    try:
        sandbox._create_event(body, sandbox.organization, muted=False)
    except Refusal:
        return False
    return True


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(payload("event_whole"))), JSON, min_size=1, max_size=3))
def test_any_body_is_taken_or_refused_whole(changes: dict[str, Any]) -> None:
    sandbox = DidomiSandbox()
    taken = takes(sandbox, {**payload("event_whole"), **changes})
    assert len(sandbox.events) == taken
    assert len(list(sandbox._store.users)) == taken
    sandbox.stop()


PARTS = st.fixed_dictionaries(
    {"id": st.sampled_from(PURPOSES + CHANNELS)},
    optional=dict.fromkeys(("enabled", "enabled_li", "metadata", "values", "channels", "preferences"), JSON),
)
CONSENTS = st.dictionaries(
    st.sampled_from(["channels", "purposes", "vendors", "tcfcs"]), JSON | st.lists(PARTS, max_size=3)
)


@settings(max_examples=200, deadline=None)
@given(CONSENTS)
def test_any_consents_are_taken_or_refused_the_second_time_as_the_first(consents: dict[str, Any]) -> None:
    sandbox = DidomiSandbox()
    sandbox.switch(check_catalogue=False)
    taken = [takes(sandbox, {"consents": consents}) for _ in range(2)]
    assert taken in ([True, True], [False, False])
    assert len(sandbox.events) == sum(taken)
    sandbox.stop()
