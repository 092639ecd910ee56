from __future__ import annotations

from collections.abc import Iterator

import pytest

from integrations.actito.sandbox import ActitoSandbox
from integrations.actito.tokens import tokens
from tests.integrations.actito.double import Double
from tests.world import ACTITO_KEY, ENTITY, TABLE


@pytest.fixture(autouse=True)
def _no_kept_tokens() -> None:
    tokens._kept.clear()


@pytest.fixture
def double() -> Iterator[Double]:
    with Double() as one:
        yield one


@pytest.fixture
def actito() -> Iterator[ActitoSandbox]:
    """The sandbox, with Anna in it."""
    sandbox = ActitoSandbox()
    anna = {
        "emailAddress": "anna.peeters@example.com",
        "firstName": "Anna",
        "motherLanguage": "NL",
        "points": 420,
        "Newsletter": True,
    }
    sandbox.seed(entity=ENTITY, table=TABLE, api_key=ACTITO_KEY, profiles=[anna])
    sandbox.start()
    yield sandbox
    sandbox.stop()
