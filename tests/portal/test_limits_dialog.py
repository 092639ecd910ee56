"""Limits of a remote account: owners set them, everything that uses the account shares them, the history keeps them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from integrations.actito.models import ActitoConnection
from passes.models import AppleCredentials
from portal import history
from portal.admin.lanes import lane_state
from portal.ledger.limits import BURST_SECONDS, FAILURES_IN_A_ROW
from portal.models import Lane
from portal.tenancy import Role
from tests import factories as make
from tests.portal.admin_world import World, client_of, member, url

pytestmark = pytest.mark.django_db
SUBMIT = {"_form_submitted": "True"}
MODELS = [ActitoConnection, AppleCredentials]


def address(world: World, model: Any) -> str:
    return url(model, "changelist") + f"{world.rows[model].pk}/limits/"


@pytest.mark.parametrize("model", MODELS)
def test_owners_set_the_limits_and_the_history_keeps_what_they_were(world: World, owner: Client, model: Any) -> None:
    account = world.rows[model]
    lane = account.lane
    Lane.objects.filter(pk=lane.pk).update(max_running=4, calls_per_minute=100)
    shown = owner.get(address(world, model)).content.decode()
    assert 'value="100"' in shown
    assert "Shared by everything that uses this account" in shown
    owner.post(address(world, model), {**SUBMIT, "max_running": 2, "calls_per_minute": 60})
    lane.refresh_from_db()
    assert (lane.max_running, lane.calls_per_minute) == (2, 60)
    change = history.of(account)[0]
    assert change.sentence == "Limits changed."
    kept = {each["field"]: (each["before"], each["after"]) for each in change.differences}
    assert kept == {"max_running": (4, 2), "calls_per_minute": (100, 60)}
    page = owner.get(url(model, "history", account.pk)).content.decode()
    assert "Calls a minute" in page or "calls a minute" in page.lower()


def test_connections_of_one_licence_share_them(world: World, owner: Client) -> None:
    first = world.rows[ActitoConnection]
    second = make.ConnectionFactory.make(tenant=world.tenant, licence=first.licence, host=first.host)
    assert second.lane_id == first.lane_id
    owner.post(address(world, ActitoConnection), {**SUBMIT, "max_running": 2, "calls_per_minute": 60})
    second.save()
    assert Lane.objects.get(pk=second.lane_id).calls_per_minute == 60


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("role", [Role.MARKETER, Role.OPERATOR, Role.AUDITOR])
def test_others_do_not(world: World, model: Any, role: Role) -> None:
    before = Lane.objects.get(pk=world.rows[model].lane_id).calls_per_minute
    client = client_of(member(world, role))
    given = {**SUBMIT, "max_running": 2, "calls_per_minute": before + 1}
    assert client.post(address(world, model), given).status_code == 403
    assert Lane.objects.get(pk=world.rows[model].lane_id).calls_per_minute == before


@pytest.mark.parametrize(("running", "a_minute"), [(0, 100), (257, 100), (4, -1), (4, 100_001), ("", 100), (4, "x")])
def test_limits_that_make_no_sense_are_refused(world: World, owner: Client, running: Any, a_minute: Any) -> None:
    before = Lane.objects.values().get(pk=world.rows[ActitoConnection].lane_id)
    given = {**SUBMIT, "max_running": running, "calls_per_minute": a_minute}
    owner.post(address(world, ActitoConnection), given)
    assert Lane.objects.values().get(pk=world.rows[ActitoConnection].lane_id) == before


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({}, "Moving"),
        ({"failures": FAILURES_IN_A_ROW, "not_before": 40}, "Does not answer; next try in 40 s"),
        ({"failures": FAILURES_IN_A_ROW, "not_before": -40}, "Does not answer"),
        ({"not_before": 40}, "Asked us to wait until"),
        ({"budget_until": BURST_SECONDS + 20}, "The calls of this minute are used up; it goes on in 20 s"),
    ],
)
def test_the_page_of_an_account_says_what_it_does(columns: dict[str, Any], said: str) -> None:
    now = timezone.now()
    given: dict[str, Any] = {"calls_per_minute": 100, **columns}
    if "not_before" in given:
        given["not_before"] = now + timedelta(seconds=given["not_before"])
    if "budget_until" in given:
        given["budget_until"] += now.timestamp()
    assert said in lane_state(Lane(**given))
