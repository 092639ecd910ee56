"""The first hour on the home page: what is done, what comes next, and for whom; and the charts of thirty days."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from integrations.actito.models import ActitoConnection
from portal.admin import charted, home
from portal.admin.charts import bars
from portal.admin.checklist import standing
from portal.models import Tenant
from portal.tenancy import Role
from tests import factories as make
from tests.portal.admin_world import World, client_of, make_world, member, url

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def fresh(db: None) -> Any:
    return make.MembershipFactory.make(role=Role.OWNER)


@pytest.fixture
def world(db: None) -> World:
    return make_world("Verdi")


def seen(user: User) -> Any:
    return client_of(user).get("/admin/").context


def states(user: User) -> dict[str, str]:
    return {str(step.title): step.state for step in seen(user)["first"].steps}


def text_of(client: Client) -> str:
    return str(client.get("/admin/").content.decode())


# The checklist


def test_an_empty_tenant_begins_with_the_first_step(fresh: Any) -> None:
    assert states(fresh.user) == {
        "Connect Actito": "next", "Map the attributes": "open", "Add your certificate": "open",
        "Design a template": "open", "Invite a colleague": "open", "Send a test": "open", "Connect Didomi": "open",
    }  # fmt: skip
    assert seen(fresh.user)["first"].progress == "0 of 6"


def test_a_step_is_done_once_it_is_there_and_the_next_one_follows(fresh: Any) -> None:
    tenant = fresh.tenant
    connection = make.ConnectionFactory.make(tenant=tenant)
    assert [states(fresh.user)[name] for name in ("Connect Actito", "Map the attributes")] == ["done", "next"]
    make.MappingFactory.make(connection=connection)
    assert states(fresh.user)["Add your certificate"] == "next"
    make.IssuerFactory.make(tenant=tenant)
    assert states(fresh.user)["Design a template"] == "next"
    make.TemplateFactory.make(tenant=tenant)
    assert states(fresh.user)["Invite a colleague"] == "next"
    make.MembershipFactory.make(tenant=tenant)
    assert states(fresh.user)["Send a test"] == "next"
    assert seen(fresh.user)["first"].progress == "5 of 6"
    make.EventFactory.make(tenant=tenant, kind="actito.profile", source=connection.source)
    assert seen(fresh.user)["first"].finished


def test_what_others_have_done_is_not_done_here(fresh: Any, world: World) -> None:
    assert seen(fresh.user)["first"].progress == "0 of 6"


def test_the_step_after_connecting_leads_to_the_connection(fresh: Any) -> None:
    connection = make.ConnectionFactory.make(tenant=fresh.tenant)
    address = url(ActitoConnection, "change", connection.pk)
    assert [step.url for step in seen(fresh.user)["first"].steps if step.title == "Map the attributes"] == [address]


def test_once_all_is_done_the_steps_are_folded_away_below(fresh: Any, world: World) -> None:
    make.EventFactory.make(tenant=world.tenant, kind="actito.profile", source="actito:1")
    member(world, Role.AUDITOR)
    text = text_of(client_of(world.owner))
    assert text.index("Today and the last 30 days") < text.index("First steps") < text.index("All steps")
    assert "6 of 6" in text


def test_a_marketer_sees_the_steps_of_a_marketer(fresh: Any) -> None:
    marketer = make.UserFactory.make()
    make.MembershipFactory.make(tenant=fresh.tenant, user=marketer, role=Role.MARKETER)
    assert set(states(marketer)) == {"Map the attributes", "Design a template"}


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.AUDITOR])
def test_who_may_take_no_step_sees_none(fresh: Any, role: Role) -> None:
    other = make.UserFactory.make()
    make.MembershipFactory.make(tenant=fresh.tenant, user=other, role=role)
    assert "First steps" not in text_of(client_of(other))


def test_who_looks_at_several_tenants_at_work_sees_no_steps(world: World) -> None:
    make_world("Other")
    assert seen(make.UserFactory.make(is_superuser=True, is_staff=True))["first"] is None


def test_an_optional_step_never_comes_next() -> None:
    assert standing([(True, False), (False, True), (False, False), (False, False)]) == ["done", "open", "next", "open"]
    assert standing([(True, False), (False, True)]) == ["done", "open"]


# The charts


def drawn(numbers: list[int | None]) -> ET.Element:
    """The picture, as a browser reads it."""
    text = bars(numbers, name="chart-a", title="Pushes <b>", told="3 today & 9 in 30 days.")
    return ET.fromstring(text.replace("<svg", f'<svg xmlns="{SVG[1:-1]}"'))


def test_a_bar_is_as_tall_as_its_number() -> None:
    heights = [float(bar.get("height", "")) for bar in drawn([10, 5, None, 0, 20]).iter(f"{SVG}rect")]
    assert heights == [28.0, 14.0, 56.0]


def test_one_among_thousands_is_seen() -> None:
    assert [float(bar.get("height", "")) for bar in drawn([100_000, 1]).iter(f"{SVG}rect")] == [56.0, 2.0]


def test_the_last_bar_is_todays() -> None:
    assert [bar.get("class") for bar in drawn([1, 2]).iter(f"{SVG}rect")] == ["portal-bar-day", "portal-bar-today"]


def test_a_month_in_which_nothing_happened_is_a_line() -> None:
    assert not list(drawn([0, None, 0]).iter(f"{SVG}rect"))


def test_a_chart_says_what_it_shows() -> None:
    picture = drawn([1])
    title, told = picture.find(f"{SVG}title"), picture.find(f"{SVG}desc")
    assert title is not None
    assert told is not None
    assert (title.text, told.text) == ("Pushes <b>", "3 today & 9 in 30 days.")
    assert picture.get("aria-labelledby") == f"{title.get('id')} {told.get('id')}"


def chart(user: User, title: str) -> dict[str, Any]:
    return next(each for each in seen(user)["charts"] if each["title"] == title)


def test_today_is_seen_at_once_and_the_days_before_as_they_were_counted(world: World) -> None:
    yesterday = timezone.localdate() - timedelta(days=1)
    make.TenantDayFactory.make(tenant=world.tenant, date=yesterday, numbers={"arrivals": 40})
    make.EventFactory.make(tenant=world.tenant, kind="actito.profile", source="actito:1")
    shown = chart(world.owner, "Arrivals")
    assert (shown["today"], shown["summed"]) == ("1", "41 in 30 days")
    assert shown["url"].startswith("/admin/portal/event/")


def test_of_more_than_a_page_reads_the_last_count_holds(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        make.EventFactory.make(tenant=world.tenant, kind="actito.profile", source="actito:1")
    monkeypatch.setattr(home, "EVENTS_COUNTED", 2)
    assert chart(world.owner, "Arrivals")["today"] == "2+"
    numbers = {"arrivals": 3}
    world.tenant.refresh_from_db()
    day = next(row for model, row in world.rows.items() if model.__name__ == "TenantDay")
    day.numbers = numbers
    day.save()
    assert chart(world.owner, "Arrivals")["today"] == "3"


def test_rows_of_today_are_counted_up_to_a_limit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    make.CustomerFactory.make(tenant=world.tenant)
    assert chart(world.owner, "New customers")["today"] == "2"
    monkeypatch.setattr(charted, "ROWS_COUNTED", 1)
    assert chart(world.owner, "New customers")["today"] == "1+"


def test_another_tenants_days_are_not_shown(world: World) -> None:
    other: Tenant = make.TenantFactory.make()
    make.TenantDayFactory.make(tenant=other, numbers={"starts": 70_000}, stocks={"passes": 70_000})
    assert "70\N{NARROW NO-BREAK SPACE}000" not in text_of(client_of(world.owner))


def test_the_numbers_are_a_table_too(world: World) -> None:
    found = seen(world.owner)
    assert len(found["days"]) == 30
    assert found["days"][0][0] == timezone.localdate()
    assert {len(numbers) for _day, numbers in found["days"]} == {len(found["charts"])}
