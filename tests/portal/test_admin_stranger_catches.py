"""That the stranger test can fail: an admin that leaks is registered, walked as any other, and found out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import unfold.contrib.filters
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.test import Client
from pytest_django import Settings
from pytest_django.plugin import DjangoDbBlocker

from passes.models import AppleCredentials, PassTemplate, WalletPass
from portal.admin.checks import check_site
from portal.admin.extend import Panel, extensions
from portal.models import Customer, Tenant
from portal.tenancy import ROLE_ACTIONS, Action, Role
from tests import factories as make
from tests.portal import stranger_leaky as leaky
from tests.portal.admin_world import client_of, member
from tests.portal.stranger import (
    ALLOWED,
    BROKEN,
    CHANGED,
    CROSSED,
    FILTERED,
    REACHED,
    REVEALED,
    SECRET,
    SHOWN,
    UNSEEN,
    Looker,
    Report,
)
from tests.portal.stranger_people import walk_after_leaving, walk_pages, walk_role
from tests.portal.stranger_walk import walk
from tests.portal.stranger_worlds import Worlds, two_worlds
from tests.portal.surfaces import Kind

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.long, pytest.mark.xdist_group("catches")]
OWNER = ROLE_ACTIONS[Role.OWNER]


@pytest.fixture(scope="module")
def worlds(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Worlds]:
    with two_worlds(django_db_blocker) as made:
        yield made


class Walker:
    """Walks a site as an owner of ours."""

    def __init__(self, settings: Settings, worlds: Worlds) -> None:
        self.settings, self.worlds = settings, worlds

        filters = Path(unfold.contrib.filters.__file__).parent / "templates"  # the product uses none of them
        settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [*settings.TEMPLATES[0]["DIRS"], filters]}]

    def install(self, site: Any) -> Any:
        self.settings.ROOT_URLCONF = leaky.urlconf_of(site)
        return site

    def looker(self, client: Client | None = None, actions: frozenset[Action] = OWNER) -> Looker:
        return Looker(client or client_of(self.worlds[0].owner), *self.worlds, actions=actions)

    def walk(self, *admins: tuple[type[Model], type[Any]], only: Any = None, **options: Any) -> Report:
        site = self.install(leaky.leaky_site(*admins))
        models = [model for model, _admin in admins] if only is None else only
        return walk(site, self.looker(), models, **{"site_pages": False, **options})


@pytest.fixture
def walker(settings: Settings, worlds: Worlds) -> Walker:
    return Walker(settings, worlds)


def test_an_admin_that_leaks_nothing_is_left_alone(walker: Walker) -> None:
    admins = (PassTemplate, leaky.Plain), (AppleCredentials, leaky.Credentials)
    assert walker.walk(*admins).leaks == []
    assert check_site(leaky.leaky_site(*admins)) == []


@dataclass(frozen=True)
class Case:
    """A leaky admin of templates, what is found, where, and the system check that sees it before any walk."""

    admin: type[Any]
    what: str
    kind: Kind
    check: str = ""
    model: type[Model] = PassTemplate

    def __str__(self) -> str:
        return self.admin.__name__


CASES = [
    Case(leaky.AllRows, SHOWN, Kind.LIST),
    Case(leaky.AllRows, SHOWN, Kind.SEARCH),
    Case(leaky.AllChoices, SHOWN, Kind.ADD),
    Case(leaky.AllChoices, SHOWN, Kind.CHANGE),
    Case(leaky.RawIds, SHOWN, Kind.ADD, "portal.E015"),
    Case(leaky.WithLines, SHOWN, Kind.CHANGE, "portal.E012", AppleCredentials),
    Case(leaky.FilterByKey, SHOWN, Kind.LIST, "portal.E010"),
    Case(leaky.FilterByAutocomplete, SHOWN, Kind.FILTER, "portal.E010"),
    Case(leaky.AnyLookup, FILTERED, Kind.LOOKUP),
    Case(leaky.OnRow, CHANGED, Kind.ACTION, "portal.E011"),
    Case(leaky.OnRow, REACHED, Kind.ACTION, "portal.E011"),
    Case(leaky.OnDetail, CHANGED, Kind.ACTION, "portal.E011"),
    Case(leaky.OnList, CHANGED, Kind.ACTION, "portal.E011"),
    Case(leaky.UnscopedDialog, CHANGED, Kind.ACTION, "portal.E011"),
    Case(leaky.UnscopedDialog, SHOWN, Kind.ACTION, "portal.E011"),
    Case(leaky.InBulk, CHANGED, Kind.BULK, "portal.E011"),
    Case(leaky.OneNameForAll, REVEALED, Kind.TAKEN),
    Case(leaky.History, SHOWN, Kind.HISTORY),
    Case(leaky.History, REACHED, Kind.HISTORY),
    Case(leaky.CardOfAnybody, SHOWN, Kind.CUSTOM),
    Case(leaky.ExportOfAll, SHOWN, Kind.CUSTOM),
    Case(leaky.Broken, BROKEN, Kind.HISTORY),
    Case(leaky.ShowsSecrets, SECRET, Kind.LIST, model=AppleCredentials),
    Case(leaky.OpenToOwners, ALLOWED, Kind.LIST, model=Tenant),
    Case(leaky.NotDerived, SHOWN, Kind.LIST, "portal.E009"),
]


@pytest.fixture(scope="module")
def reports() -> dict[type[Any], Report]:
    """Each leaky admin is walked once."""
    return {}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case}: {case.kind} {case.what}")
def test_a_leaky_admin_is_found_out(case: Case, walker: Walker, reports: dict[type[Any], Report]) -> None:
    if case.admin not in reports:
        reports[case.admin] = walker.walk((case.model, case.admin))
    assert reports[case.admin].found(case.what, case.kind), reports[case.admin]


@pytest.mark.parametrize("case", {case.admin: case for case in CASES}.values(), ids=str)
def test_what_the_system_checks_see_before_any_walk(case: Case) -> None:
    found = {message.id for message in check_site(leaky.leaky_site((case.model, case.admin)))}
    assert found == ({case.check} if case.check else set())


def test_an_action_that_runs_on_a_get_is_named_so(walker: Walker) -> None:
    found = walker.walk((PassTemplate, leaky.OnRow)).found(CHANGED, Kind.ACTION, "GET")
    assert str(walker.worlds[1].rows[PassTemplate].pk) in found[0].address


@pytest.mark.parametrize("admin", [leaky.AllChoices, leaky.AllRawIds, leaky.AllAutocompletes], ids=lambda a: a.__name__)
def test_a_forged_form_that_is_accepted(admin: type[Any], walker: Walker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model itself would refuse it, as long as it keeps to TenantModel.clean()."""
    monkeypatch.setattr(PassTemplate, "clean", lambda template: None)
    report = walker.walk((PassTemplate, admin), (AppleCredentials, leaky.Credentials), only=[PassTemplate])
    assert report.found(CROSSED, Kind.FORGED, "change")
    assert report.found(CROSSED, Kind.FORGED, "add")


def test_lines_and_cascades_when_rows_cross_tenants(walker: Walker) -> None:
    """Such rows are found by themselves, and on every page that shows them."""
    ours, theirs = walker.worlds
    PassTemplate.objects.filter(pk=theirs.rows[PassTemplate].pk).update(apple=ours.rows[AppleCredentials])
    WalletPass.objects.filter(pk=theirs.rows[WalletPass].pk).update(customer=ours.rows[Customer])
    removing = (Customer, leaky.RemovesCustomers), (WalletPass, leaky.RemovesAnyPass)
    report = walker.walk((AppleCredentials, leaky.WithLines), *removing)
    assert report.found(CROSSED, Kind.ROWS)
    assert report.found(SHOWN, Kind.CHANGE, "applecredentials")
    assert report.found(SHOWN, Kind.DELETE, "customer")


def test_an_autocomplete_of_all_rows(walker: Walker) -> None:
    admins = (PassTemplate, leaky.Plain), (AppleCredentials, leaky.AllCredentials)
    report = walker.walk(*admins, only=[PassTemplate])
    assert report.found(SHOWN, Kind.AUTOCOMPLETE, "field_name=apple")


def test_a_palette_of_all_rows(walker: Walker, settings: Settings) -> None:
    settings.UNFOLD = {**settings.UNFOLD, "COMMAND": {"search_models": True}}
    report = walker.walk((AppleCredentials, leaky.AllCredentials), only=[], site_pages=True)
    assert report.found(SHOWN, Kind.PALETTE, "extended")


def test_a_palette_that_remembers_what_a_former_member_found(walker: Walker, settings: Settings) -> None:
    settings.UNFOLD = {**settings.UNFOLD, "COMMAND": {"search_models": True}}
    walker.install(leaky.leaky_site((AppleCredentials, leaky.Credentials)))
    ours, theirs = walker.worlds
    both = member(ours, Role.OWNER)
    lost = make.MembershipFactory.make(tenant=theirs.tenant, user=both, role=Role.OWNER)
    assert walk_after_leaving(client_of(both), lost, walker.worlds).found(SHOWN, Kind.PALETTE)


def test_djangos_own_log(walker: Walker) -> None:
    ours, theirs = walker.worlds
    admins = ((LogEntry, leaky.NotDerived),)
    assert walker.walk(*admins).found(UNSEEN)
    made = [
        LogEntry.objects.create(
            user=world.owner, content_type=ContentType.objects.get_for_model(PassTemplate), action_flag=CHANGE,
            object_id=str(world.rows[PassTemplate].pk), object_repr=f"{world.mark} card",
        )
        for world in (ours, theirs)
    ]  # fmt: skip
    walker.worlds = (
        replace(ours, rows={**ours.rows, LogEntry: made[0]}),
        replace(theirs, rows={**theirs.rows, LogEntry: made[1]}),
    )
    report = walker.walk(*admins)
    assert not report.found(UNSEEN)
    assert report.found(SHOWN, Kind.LIST)
    assert {message.id for message in check_site(leaky.leaky_site(*admins))} == {"portal.E009"}


def test_the_redirect_by_content_type(walker: Walker) -> None:
    site = walker.install(leaky.leaky_site(kind=leaky.WithViewOnSite))
    assert walk(site, walker.looker(), []).found(REACHED, Kind.SITE, "content_type_id")


def test_a_panel_of_the_home_page(walker: Walker, monkeypatch: pytest.MonkeyPatch) -> None:
    def panel(request: Any) -> Panel:
        names = ", ".join(PassTemplate.objects.values_list("name", flat=True))
        return Panel(names, "admin/passes/customer_panel.html", {"passes": []})

    monkeypatch.setattr(extensions, "home_panels", [*extensions.home_panels, panel])
    assert walker.walk(site_pages=True).found(SHOWN, Kind.SITE, "GET /admin/")


def test_a_list_that_believes_a_header(walker: Walker) -> None:
    ours, theirs = walker.worlds
    client = Client(headers={"X-Tenant": str(theirs.tenant.pk)})
    client.force_login(ours.owner)
    site = walker.install(leaky.leaky_site((PassTemplate, leaky.BelievesHeaders)))
    assert walk_pages(site, walker.looker(client), [PassTemplate]).found(SHOWN, Kind.LIST)


def test_a_role_that_changes_what_the_table_forbids(walker: Walker) -> None:
    site = walker.install(leaky.leaky_site((PassTemplate, leaky.ChangedByAuditors)))
    auditor = client_of(member(walker.worlds[0], Role.AUDITOR))
    owner = walker.looker()
    report = walk_role(site, walker.looker(auditor, ROLE_ACTIONS[Role.AUDITOR]), owner, [PassTemplate])
    assert report.found(ALLOWED, Kind.CHANGE, "passtemplate")
    assert not walk_role(site, walker.looker(), owner, [PassTemplate]).leaks


def test_an_owner_who_changes_what_is_the_installations(walker: Walker) -> None:
    site = walker.install(leaky.leaky_site((Tenant, leaky.OpenToOwners)))
    report = walk_role(site, walker.looker(), walker.looker(), [Tenant])
    assert [leak.found for leak in report.found(ALLOWED, Kind.CHANGE, "tenant")] != []
