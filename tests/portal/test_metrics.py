"""/metrics: who may read it, what it says of the ledger, and that its documents, alerts and dashboard say the same."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from django.apps import apps
from django.conf import settings as installed
from django.test import Client
from django.utils import timezone
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from portal import readiness
from portal.ledger.limits import BURST_SECONDS, FAILURES_IN_A_ROW
from portal.ledger.record import lane_id_for
from portal.ledger.states import State
from portal.metrics import collects, gauge, ledger, page, registry
from portal.metrics.ledger import LANES_COUNTED, RATE_SECONDS, rate_span
from portal.models import Attempt, Event, Heart, Lane
from tests import factories as make
from tests.passes.world import apple
from tests.portal.admin_world import make_world
from tests.portal.ledger_world import ACT, READ, Desk, registered_kinds, seconds

TOKEN = "a-token-for-the-tests"
MONITORING = installed.BASE_DIR / "docs" / "monitoring"
NAME = re.compile(r"\bportal_[a-z_]+\b")
Figures = dict[tuple[str, frozenset[tuple[str, str]]], float]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _open(settings: Settings) -> Iterator[None]:
    settings.METRICS_TOKEN = TOKEN
    forget()
    with registered_kinds():
        yield


def forget() -> None:
    page._aside.forget()
    readiness._aside.forget()


def text() -> str:
    """What is exposed of the rows of this test, read on its own connection."""
    return page.exposition(list(page.scrape()), list(readiness.look())).decode()


def figures() -> Figures:
    families = text_string_to_metric_families(text())
    return {(each.name, frozenset(each.labels.items())): each.value for family in families for each in family.samples}


def said(found: Figures, name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


def call(event: Event, target: str = "Vendor", status: int | None = 200, ago: float = 1, **more: Any) -> Attempt:
    at = timezone.now() - seconds(ago)
    row = {"number": 1, "method": "GET", "url": "https://x.example/anna", "finished_at": at, "milliseconds": 100}
    return Attempt.objects.create(event=event, target=target, status=status, started_at=at, **{**row, **more})


# Who may read.


def test_without_a_token_in_the_settings_there_is_nothing(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"authorization": "Bearer "}).status_code == 404
    assert client.post("/metrics").status_code == 404


@pytest.mark.parametrize(
    "given", [None, "", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", "Bearer é"]
)
def test_who_does_not_bear_the_token_is_refused(client: Client, given: str | None) -> None:
    answer = client.get("/metrics", headers={} if given is None else {"authorization": given})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert "portal_" not in answer.content.decode()


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_it_is_only_read(client: Client, method: str) -> None:
    answer = getattr(client, method)("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")


def test_a_look_at_its_head_reads_nothing(client: Client) -> None:
    headers = {"authorization": f"Bearer {TOKEN}"}
    before = dict(registry._collectors)
    collects("broken", "nowhere.at.all")
    try:
        answer = client.head("/metrics", headers=headers)
    finally:
        registry._collectors.clear()
        registry._collectors.update(before)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")


def test_it_is_found_at_a_process_own_address_and_without_a_session(client: Client, settings: Settings) -> None:
    settings.ALLOWED_HOSTS, settings.SECURE_SSL_REDIRECT = ["wallet.example.com"], True
    answer = client.get("/metrics", headers={"host": "10.1.2.3:8000", "authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    assert not answer.cookies
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.django_db(transaction=True)
def test_who_bears_it_reads_figures_of_what_is_committed(client: Client) -> None:
    Desk("verdi").event(status=Event.Status.FAILED)
    answer = client.get("/metrics", headers={"authorization": f"bearer {TOKEN}"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert f'portal_dead_letters{{kind="{READ}",tenant="verdi"}} 1.0' in answer.content.decode()
    assert "portal_scrape_errors{collector=" in answer.content.decode()


# What it says.


def test_what_is_due_is_counted_by_kind_with_the_age_of_the_oldest() -> None:
    desk, now = Desk(), timezone.now()
    for number, late in enumerate((90, 40, -500)):
        desk.event(f"customer:{number}", due_at=now - seconds(late))
    other = desk.new_lane("other")
    desk.event("customer:9", kind=ACT, lane=other, due_at=now - seconds(20))
    paused = desk.new_lane("paused", paused_at=now)
    desk.event("customer:10", kind=ACT, lane=paused, due_at=now - seconds(5_000))
    found = figures()
    assert said(found, "portal_events_due", kind=READ) == 2
    assert said(found, "portal_events_due", kind=ACT) == 1
    assert 90 <= said(found, "portal_oldest_due_age_seconds", kind=READ) < 100
    assert 20 <= said(found, "portal_oldest_due_age_seconds", kind=ACT) < 30
    assert said(found, "portal_events_due", kind="pass.refresh") == 0, "a kind without events has its figure, too"


def test_arrivals_are_told_by_rate_and_by_a_number_that_only_grows() -> None:
    desk = Desk()
    for number in range(6):
        desk.arrive(f"customer:{number}")
    desk.event("customer:old", created_at=timezone.now() - seconds(RATE_SECONDS + 30))
    first = figures()
    assert said(first, "portal_events_per_second", kind=READ) == pytest.approx(6 / RATE_SECONDS)
    desk.arrive("customer:new")
    second = figures()
    assert said(second, "portal_event_numbers_total") == said(first, "portal_event_numbers_total") + 1


def test_in_a_rush_the_rate_is_that_of_the_newest_rows() -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert rate_span(now - seconds(4), now, cut=True) == 4
    assert rate_span(now - seconds(400), now, cut=True) == RATE_SECONDS
    assert rate_span(now - seconds(4), now, cut=False) == RATE_SECONDS
    assert rate_span(now, now, cut=True) == 1, "no rate is beyond what was counted"


def test_what_runs_and_what_went_wrong_is_counted() -> None:
    desk, other = Desk("verdi"), Desk("rossi")
    desk.event("customer:1", status=Event.Status.FAILED)
    desk.event("customer:2", status=Event.Status.FAILED)
    other.event("customer:1", kind=ACT, status=Event.Status.FAILED)
    other.event("customer:2", kind=ACT, status=Event.Status.UNCERTAIN)
    past = timezone.now() - seconds(5)
    desk.event("customer:3", status=Event.Status.LEASED, lease_until=past)
    desk.event("customer:4", status=Event.Status.LEASED, lease_until=past + seconds(60))
    found = figures()
    assert said(found, "portal_dead_letters", tenant="verdi", kind=READ) == 2
    assert said(found, "portal_dead_letters", tenant="rossi", kind=ACT) == 1
    assert said(found, "portal_events_uncertain", kind=ACT) == 1
    assert said(found, "portal_events_leased", kind=READ) == 2
    assert said(found, "portal_leases_expired") == 1


def test_counts_of_dead_letters_stop_at_a_limit_for_each_tenant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "TROUBLES_COUNTED", 3)
    desk, other = Desk("verdi"), Desk("rossi")
    for number in range(5):
        desk.event(f"customer:{number}", status=Event.Status.FAILED)
    other.event(status=Event.Status.FAILED)
    found = figures()
    assert said(found, "portal_dead_letters", tenant="verdi", kind=READ) == 3
    assert said(found, "portal_dead_letters", tenant="rossi", kind=READ) == 1


def test_as_many_tenants_as_there_are_have_their_figures() -> None:
    tenants = [make.TenantFactory.make(slug=f"tenant-{number}") for number in range(130)]
    rows = [
        Event(tenant=tenant, lane_id=lane_id_for(tenant.pk), kind=READ, subject="s", source="t", status=status)
        for tenant in tenants
        for status in (Event.Status.FAILED, Event.Status.WAITING)
    ]
    Event.objects.bulk_create(rows)
    found = figures()
    assert {said(found, "portal_dead_letters", tenant=tenant.slug, kind=READ) for tenant in tenants} == {1}
    assert said(found, "portal_events_due", kind=READ) == LANES_COUNTED, "those that wait longest"


def test_calls_are_told_by_how_they_were_answered() -> None:
    event = Desk().event()
    for status in (200, 204, 404, 410, 429, 400, 403, 302, 500, 503, None):
        call(event, status=status)
    call(event, status=None, finished_at=None, milliseconds=None)
    call(event, status=200, milliseconds=1_200)
    call(event, status=500, ago=400)
    call(event, target="Other", status=500)
    found = figures()
    expected = {"success": 3, "gone": 2, "throttled": 1, "refused": 3, "error": 2, "no_answer": 1, "open": 1}
    assert {name: said(found, "portal_calls", target="Vendor", result=name) for name in expected} == expected
    assert said(found, "portal_calls", target="Other", result="success") == 0
    assert said(found, "portal_call_seconds_mean", target="Vendor") == pytest.approx((11 * 0.1 + 1.2) / 12)
    assert said(found, "portal_call_seconds_max", target="Vendor") == 1.2


def test_accounts_that_stand_still_are_named_with_their_tenant() -> None:
    desk, now = Desk(), timezone.now()
    desk.new_lane("actito:x:licence-7", paused_at=now - seconds(120))
    desk.new_lane("later", not_before=now + seconds(60))
    found = figures()
    assert said(found, "portal_lane_paused_seconds", tenant="verdi", lane="actito:x:licence-7") >= 120
    kinds = {"licence": "moving", "actito": "paused", "later": "deferred"}
    for kind, state in kinds.items():
        states = {each: said(found, "portal_lanes", tenant="verdi", account=kind, state=each) for each in State}
        assert states == {each: float(each == state) for each in State}


def test_what_is_left_of_the_calls_a_minute_is_told_and_who_does_not_answer() -> None:
    desk, now = Desk(), timezone.now()
    desk.new_lane("actito:x:fresh", calls_per_minute=100)
    desk.new_lane("actito:x:used", calls_per_minute=60, budget_until=now.timestamp() + BURST_SECONDS + 20)
    desk.new_lane("actito:x:gone", failures=FAILURES_IN_A_ROW, failing_since=now - seconds(90))
    found = figures()
    assert said(found, "portal_lane_calls_per_minute", tenant="verdi", lane="actito:x:used") == 60
    assert said(found, "portal_lane_budget_left", tenant="verdi", lane="actito:x:used") == 0
    assert said(found, "portal_lane_budget_left", tenant="verdi", lane="actito:x:fresh") == 1
    assert 90 <= said(found, "portal_lane_silent_seconds", tenant="verdi", lane="actito:x:gone") < 100
    for state in ("moving", "over_budget", "silent"):
        assert said(found, "portal_lanes", tenant="verdi", account="actito", state=state) == 1


def test_hearts_and_queues_are_counted(settings: Settings) -> None:
    assert said(figures(), "portal_worker_heart_age_seconds") == float("inf"), "a limit on it is exceeded"
    now = timezone.now()
    for number, age in enumerate((1, 3, settings.HEART_LIMIT_SECONDS + 60)):
        Heart.objects.create(cluster="c", process=f"c/{number}", beat_at=now - seconds(age))
    queue = apps.get_model("django_q", "OrmQ")
    queue.objects.create(key="c", payload="", lock=now - seconds(1))
    queue.objects.create(key="c", payload="", lock=now + seconds(100))
    found = figures()
    assert said(found, "portal_workers") == 2
    assert 1 <= said(found, "portal_worker_heart_age_seconds") < 10
    assert said(found, "portal_queue_tasks", state="queued") == said(found, "portal_queue_tasks", state="taken") == 1
    assert said(found, "portal_check_ok", check="database") == said(found, "portal_check_ok", check="worker") == 1


def test_certificates_are_counted_down() -> None:
    apple(make.TenantFactory.make(slug="verdi"), "pass.com.example.loyalty")
    found = figures()
    labels = {"tenant": "verdi", "certificate": "pass.com.example.loyalty"}
    assert 360 < said(found, "portal_certificate_days_left", part="certificate", **labels) < 370
    assert said(found, "portal_certificate_days_left", part="intermediate", **labels) > 0


def broken() -> Iterator[Metric]:
    yield gauge("portal_half", "Half of it.", (), [(1,)])
    raise LookupError("anna@example.com")


def test_a_collector_that_fails_takes_no_other_along(caplog: pytest.LogCaptureFixture) -> None:
    before = dict(registry._collectors)
    registry._collectors.clear()
    collects("broken", f"{__name__}.broken")
    registry._collectors.update(before)
    try:
        with caplog.at_level(logging.ERROR):
            found = figures()
    finally:
        del registry._collectors["broken"]
    assert said(found, "portal_scrape_errors", collector="broken") == 1
    assert said(found, "portal_scrape_errors", collector="waiting") == 0
    assert said(found, "portal_leases_expired") == 0
    assert not [name for name, _ in found if name == "portal_half"]
    assert "metrics=broken not_read (LookupError)" in caplog.text
    assert "anna" not in caplog.text


def test_no_person_and_no_subject_is_in_it() -> None:
    make_world("Verdi")
    told = text()
    subjects = set(Event.objects.values_list("subject", flat=True))
    assert subjects
    assert not [word for word in (*subjects, "@example.com", "Anna", "Verdi brand", "147471") if word in told]


# What its documents say.


def full_world() -> None:
    """At least one sample of everything."""
    desk, now = Desk(), timezone.now()
    event = desk.event(status=Event.Status.FAILED)
    call(event)
    apple(desk.tenant)
    Lane.objects.filter(pk=lane_id_for(desk.tenant.pk, "paused", calls_per_minute=100)).update(paused_at=now)
    desk.new_lane("silent", failures=FAILURES_IN_A_ROW, failing_since=now)


@pytest.fixture
def exposed() -> dict[str, set[str]]:
    """Labels by the name of what is exposed."""
    full_world()
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text()):
        assert family.samples, f"{family.name}: nothing to compare with"
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def alert_expressions() -> list[str]:
    groups = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"]
    return [rule["expr"] for group in groups for rule in group["rules"]]


def panel_expressions() -> list[str]:
    panels = json.loads((MONITORING / "grafana.json").read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel.get("targets", ())]


def test_alerts_and_dashboard_ask_for_what_there_is(exposed: dict[str, set[str]]) -> None:
    for expressions in (alert_expressions(), panel_expressions()):
        assert expressions
        asked = [(name, expression) for expression in expressions for name in NAME.findall(expression)]
        assert not [(name, expression) for name, expression in asked if name not in exposed]


def test_alerts_and_dashboard_ask_by_labels_that_there_are(exposed: dict[str, set[str]]) -> None:
    for expression in [*alert_expressions(), *panel_expressions()]:
        there = set().union(*(exposed[name] for name in NAME.findall(expression)), {"instance", "job"})
        asked = {
            label for inside in re.findall(r"\{([^}]*)\}", expression) for label in re.findall(r"(\w+)\s*[=!]", inside)
        }
        asked |= {
            label
            for inside in re.findall(r"\b(?:by|on) \(([^)]*)\)", expression)
            for label in re.findall(r"\w+", inside)
        }
        assert asked <= there, expression


def test_every_alert_says_what_to_do() -> None:
    groups = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules} | {rule["labels"]["severity"] for rule in rules}) >= len(rules)
    page_text = (MONITORING.parent / "monitoring.md").read_text()
    for rule in rules:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["annotations"]["summary"]
        assert f"`{rule['alert']}`" in page_text


def test_the_page_tells_of_all_that_is_exposed_and_of_nothing_else(exposed: dict[str, set[str]]) -> None:
    told = set(NAME.findall((MONITORING.parent / "monitoring.md").read_text()))
    assert told == set(exposed)
