from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from passes.google.keys import root_keys
from passes.google.sandbox import GoogleSandbox
from tests.passes.google.judge import Judge
from tests.passes.google.sandbox_kit import Account


@pytest.fixture
def google() -> Iterator[GoogleSandbox]:
    """Google as the sandbox has it, without the limit of a second. Whatever the portal sends to it is judged."""
    sandbox = GoogleSandbox()
    sandbox.switches.rate_limit = 0
    judge = Judge(sandbox)
    sandbox.start()
    yield sandbox
    sandbox.stop()
    assert not judge.complaints()


@pytest.fixture
def portal(live_server: LiveServer, settings: Settings) -> str:
    """The portal's address, where Google's callbacks arrive."""
    settings.PUBLIC_URL, settings.SANDBOX = live_server.url, True
    root_keys.clear()
    return str(live_server.url)


@pytest.fixture
def account(google: GoogleSandbox) -> Account:
    return Account(google)


@pytest.fixture
def card(account: Account) -> str:
    """A loyalty card that nobody holds yet."""
    return account.make("loyalty")
