from __future__ import annotations

from collections.abc import Iterator

import pytest

from passes.google.sandbox import GoogleSandbox
from tests.passes.google.sandbox_kit import Account


@pytest.fixture
def google() -> Iterator[GoogleSandbox]:
    """Google as the sandbox has it, without the limit of a second."""
    sandbox = GoogleSandbox()
    sandbox.switches.rate_limit = 0
    sandbox.start()
    yield sandbox
    sandbox.stop()


@pytest.fixture
def account(google: GoogleSandbox) -> Account:
    return Account(google)


@pytest.fixture
def card(account: Account) -> str:
    """A loyalty card that nobody holds yet."""
    return account.make("loyalty")
