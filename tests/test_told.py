"""A whole flow over real sockets, read in French and in Dutch: no page shows an outcome in English."""

from __future__ import annotations

import ast
import html
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import requests
from django.test import Client
from pytest_django import Settings

from integrations.actito.models import ActitoConnection
from integrations.actito.sandbox import ActitoSandbox
from integrations.actito.tokens import tokens
from integrations.mapping import ValueType
from passes.apple import apns
from passes.apple.sandbox import AppleSandbox, Network
from passes.links import link
from passes.models import AppleCredentials, WalletPass
from portal import ledger
from portal.access import make_key
from portal.models import Event, Lane, Scope
from portal.sandbox import Fault
from portal.tenancy import Role
from tests import catalogues
from tests import factories as make
from tests.passes import world
from tests.passes.apple.test_sandbox_kit import wait_until
from tests.portal.admin_world import client_of
from tests.world import ACTITO_KEY, ENTITY, TABLE, make_connection, map_value

pytestmark = pytest.mark.django_db(transaction=True)
LANGUAGES = pytest.mark.parametrize("language", catalogues.LANGUAGES)


@pytest.fixture
def actito() -> Iterator[ActitoSandbox]:
    tokens._kept.clear()
    sandbox = ActitoSandbox()
    anna = {"emailAddress": "anna@example.com", "firstName": "Anna", "points": 420}
    sandbox.seed(entity=ENTITY, table=TABLE, api_key=ACTITO_KEY, profiles=[anna])
    sandbox.start()
    yield sandbox
    sandbox.stop()


@pytest.fixture
def apple(live_server: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppleSandbox]:
    settings.PUBLIC_URL, settings.SANDBOX = live_server.url, True
    apns._process.reset()
    monkeypatch.setattr("passes.apple.sandbox.server.Authority", lambda _: world.authority())  # keys are slow to make
    sandbox = AppleSandbox(network=Network(retry_waits=()))
    sandbox.start()
    yield sandbox
    sandbox.stop()
    apns._process.reset()


@pytest.fixture
def connection(actito: ActitoSandbox, apple: AppleSandbox) -> ActitoConnection:
    """A brand whose cards show the points that Actito has."""
    design = world.template(world.tenant())
    AppleCredentials.objects.update(apns_url=apple.apns.url)
    made = make_connection(design.tenant, actito.url)
    map_value(made, "firstName", "first_name")
    map_value(made, "points", "points", ValueType.NUMBER)
    return made


def work() -> None:
    while events := ledger.claim(8, "tests"):
        for event in events:
            ledger.run(event)


def arrive(connection: ActitoConnection, url: str, profile: int = 1) -> Event:
    """Actito's webhook, as Actito calls it."""
    _key, secret = make_key(connection.tenant, "Actito", [Scope.ACTITO_LISTENER], bound_to=connection.source)
    address = f"{url}/api/{connection.tenant.slug}/webhooks/listeners/actito/profile/Update"
    answer = requests.post(address, json={"data": {"profileId": profile}}, headers={"X-API-KEY": secret}, timeout=20)
    assert answer.status_code == 200, answer.text
    return Event.objects.filter(kind="actito.profile").latest("pk")


def reader(connection: ActitoConnection, language: str) -> Client:
    user = make.UserFactory.make()
    make.MembershipFactory.make(tenant=connection.tenant, user=user, role=Role.AUDITOR)
    return client_of(user, headers={"accept-language": language})


def page(browser: Client, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def trace(connection: ActitoConnection, event: Event, language: str) -> str:
    return page(reader(connection, language), f"/admin/portal/event/{event.pk}/change/")


class Said:
    """A sentence that code says, as what it looks like once it is filled in."""

    def __init__(self, text: str) -> None:
        self.pieces = re.split(r"%\(\w+\)s", text)
        self.whole = re.compile("[^<>]{1,99}?".join(map(re.escape, self.pieces)))

    def stands_in(self, text: str) -> bool:
        # A search that begins with what may be filled in is slow: it is for texts that hold the fixed pieces.
        return all(piece in text for piece in self.pieces) and bool(self.whole.search(text))


@cache
def english() -> dict[str, Said]:
    """Every sentence that code says. Two words may stand in any markup."""
    said = set()
    for folder in ("portal", "passes", "integrations"):
        for path in (catalogues.ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Name)
                    and node.func.id in {"say", "say_many"}
                ):
                    said |= {each.value for each in node.args if isinstance(each, ast.Constant)}
    long = [text for text in said if len(re.sub(r"%\(\w+\)s", "", text).split()) > 2]
    return {text: Said(text) for text in long}


def english_in(text: str) -> set[str]:
    return {each for each, said in english().items() if said.stands_in(text)}


@LANGUAGES
def test_the_trace_of_a_change_is_in_the_readers_language(
    actito: ActitoSandbox, apple: AppleSandbox, connection: ActitoConnection, live_server: Any, language: str
) -> None:
    first = arrive(connection, live_server.url)
    work()
    phone = apple.phone("anna")
    phone.add(f"{link(WalletPass.objects.get())}/apple")
    actito.set_attribute(ENTITY, TABLE, 1, "points", "many")
    actito.set_attribute(ENTITY, TABLE, 1, "firstName", "Annabel")
    change = arrive(connection, live_server.url)
    work()
    wait_until(lambda: Event.objects.filter(kind="pass.fetched").exists())

    both = trace(connection, first, "en") + trace(connection, change, "en")
    assert english_in(both) >= {
        "A new customer.", "“%(name)s” was kept as it was: %(error)s", "%(value)s is not a number.",
        "New content for %(templates)s.", "Apple accepted the push.", "A phone fetched the new content.",
    }  # fmt: skip
    assert "first_name: Anna → Annabel" in both
    for event in (first, change):
        assert english_in(trace(connection, event, language)) == set()
    assert re.search("first_name ?: Anna → Annabel", trace(connection, change, language))
    assert english_in(page(reader(connection, language), "/admin/portal/event/")) == set()


@LANGUAGES
def test_what_went_wrong_is_in_the_readers_language(
    actito: ActitoSandbox, connection: ActitoConnection, live_server: Any, language: str
) -> None:
    actito.arm(Fault("drop", "/profile/"))
    broken = arrive(connection, live_server.url)
    work()
    actito.arm(Fault("status", "/auth/token", status=401))
    tokens._kept.clear()
    arrive(connection, live_server.url, profile=2)
    work()

    assert Lane.objects.exclude(paused_at=None).exists()
    for address in (f"/admin/portal/event/{broken.pk}/change/", "/admin/portal/event/", "/admin/"):
        assert english_in(page(reader(connection, "en"), address)), address
        assert english_in(page(reader(connection, language), address)) == set(), address
