"""Why somebody is subscribed, in one sentence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.translation import override

from portal.consents.chain import canonical
from portal.consents.latest import whys
from portal.consents.told import Why, why
from portal.models import ConsentRecord, Customer, Event
from tests.portal.consents_world import ACTITO, DIDOMI, decide, entry, read, withdrawn
from tests.world import arrive, make_connection, make_tenant

SAID_AT = datetime(2026, 2, 3, 10, 12, tzinfo=UTC)
SYSTEMS = {DIDOMI: "Didomi", ACTITO: "Actito"}
YES = "Subscribed to Newsletter since 3 Feb 2026: Anna said yes in Didomi on 3 Feb 2026 10:12 (event 812)"


@pytest.fixture(autouse=True)
def _in_utc(settings: Any) -> None:
    settings.TIME_ZONE = "UTC"


def record(number: int, kind: str = "given", seconds: float = 0, source: str = DIDOMI, **told: Any) -> ConsentRecord:
    contents = {"title": "Newsletter", "who": "Anna", "at": SAID_AT.isoformat(), "event": 812, **told}
    return ConsentRecord(
        pk=number, number=number, kind=kind, name="newsletter", source=source, contents_text=canonical(contents),
        recorded_at=SAID_AT + timedelta(seconds=seconds),
    )  # fmt: skip


def told(*records: ConsentRecord) -> Why:
    return why(records, "anna@example.com", SYSTEMS)


def test_who_said_yes_where_and_when() -> None:
    found = told(record(1))
    assert (found.title, found.subscribed, found.sentence) == ("Newsletter", True, f"{YES}.")


@pytest.mark.parametrize(("seconds", "later"), [
    (0.4, "at once"), (1, "a second later"), (5, "5 seconds later"), (300, "5 min later"), (300_000, "3 days later"),
])  # fmt: skip
def test_that_the_other_system_followed(seconds: float, later: str) -> None:
    said = told(record(1), record(2, "confirmed", seconds, ACTITO)).sentence
    assert said == f"{YES}, confirmed by Actito {later}."


def test_of_several_changes_of_mind_the_last_counts() -> None:
    found = told(record(3, "withdrawn"), record(1), record(2, "confirmed", 1, ACTITO))
    assert found.subscribed is False
    assert found.sentence == (
        "Not subscribed to Newsletter since 3 Feb 2026: Anna said no in Didomi on 3 Feb 2026 10:12 (event 812)."
    )


def test_a_system_that_says_when_nobody_decided_is_taken_as_the_source() -> None:
    assert told(record(1, at=None, source=ACTITO)).sentence == (
        "Subscribed to Newsletter since 3 Feb 2026 or earlier: Actito said so of Anna on 3 Feb 2026 10:12 (event 812)."
    )


def test_where_nobody_is_named_it_is_the_customer_themselves() -> None:
    assert ": anna@example.com said yes in Didomi" in told(record(1, who="")).sentence


def test_a_system_that_was_overruled_and_one_that_waits() -> None:
    assert told(record(1), record(2, "overruled", 90_000, ACTITO)).sentence == (
        f"{YES}. Actito said otherwise on 4 Feb 2026 and was overruled."
    )
    assert told(record(1), record(2, "held", 90_000, ACTITO)).sentence == (
        f"{YES}. Since 4 Feb 2026 it waits for somebody's decision, because Actito says otherwise."
    )


def test_what_was_said_before_the_decision_is_not_told() -> None:
    assert told(record(1, "held", source=ACTITO), record(2)).sentence == f"{YES}."


def test_nothing_was_decided_yet() -> None:
    found = told(record(1, "held", source=ACTITO))
    assert (found.subscribed, found.sentence) == (
        None,
        "Nothing was decided about Newsletter yet. Since 3 Feb 2026 it waits for somebody's decision, because Actito "
        "says otherwise.",
    )


def test_contents_that_were_removed() -> None:
    emptied = record(1)
    emptied.contents_text = ""
    assert told(emptied).sentence == (
        "Subscribed to newsletter since 3 Feb 2026, as Didomi said; nothing more is kept of it."
    )


def test_names_may_hold_what_looks_like_a_place_to_fill_in() -> None:
    assert "100% %(event)s said yes" in told(record(1, who="100% %(event)s")).sentence


def test_somebody_of_the_team_decided_in_the_portal() -> None:
    assert "Anna said yes in the portal on" in told(record(1, source="portal")).sentence


def test_the_sentence_is_in_the_readers_language() -> None:
    with override("nl"):
        assert "Didomi" in (said := told(record(1)).sentence)
        assert "Subscribed" not in said


@pytest.mark.django_db
def test_each_consent_of_a_person_is_told_with_two_queries_however_long_the_history() -> None:
    cause: Event = arrive(make_connection(make_tenant()), 1)
    anna: Customer = read(cause, {}, 1).customer
    decide(anna, [each for _ in range(30) for each in (entry(), withdrawn())], cause)
    decide(anna, [entry("confirmed", source=ACTITO, after=False), entry(name="sms", title="SMS")], cause)
    decide(read(cause, {}, 2, name="2").customer, [entry(name="email", title="E-mail")], cause)
    with CaptureQueriesContext(connection) as queries:
        found = whys(anna, SYSTEMS)
    assert len(queries) == 2
    assert [(each.title, each.subscribed) for each in found] == [("Newsletter", False), ("SMS", True)]
    assert ", confirmed by Actito " in found[0].sentence
