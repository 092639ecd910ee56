"""Actito and Didomi, both as sandboxes over real sockets, and the portal between them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django.live_server_helper import LiveServer

from integrations.actito.sandbox import ActitoSandbox
from integrations.actito.tokens import tokens as actito_tokens
from integrations.didomi.sandbox import DidomiSandbox
from integrations.didomi.tokens import tokens as didomi_tokens
from tests.integrations.both.both_world import Both, make_both
from tests.world import ACTITO_KEY, ENTITY, TABLE


@pytest.fixture(autouse=True)
def _no_kept_tokens() -> None:
    actito_tokens._kept.clear()
    didomi_tokens._kept.clear()


@pytest.fixture
def actito() -> Iterator[ActitoSandbox]:
    sandbox = ActitoSandbox()
    anna = {"emailAddress": "anna@example.com", "firstName": "Anna", "motherLanguage": "NL", "points": 420}
    sandbox.seed(entity=ENTITY, table=TABLE, api_key=ACTITO_KEY, profiles=[anna])
    sandbox.start()
    yield sandbox
    sandbox.stop()


@pytest.fixture
def didomi() -> Iterator[DidomiSandbox]:
    sandbox = DidomiSandbox()
    sandbox.switch(time_factor=0.001)
    sandbox.start()
    yield sandbox
    sandbox.stop()


@pytest.fixture
def both(transactional_db: None, live_server: LiveServer, actito: ActitoSandbox, didomi: DidomiSandbox) -> Both:
    """A pairing that is on, in both directions; what either sandbox tells reaches the portal by itself."""
    return make_both(live_server.url, actito, didomi)
