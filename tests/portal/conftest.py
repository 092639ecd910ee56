"""What several tests ask for: an issuer of bearer tokens, a desk of the ledger, a worker as a process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import LazySettings

from portal import jwks
from tests.faults.worker import database, worker  # noqa: F401 - fixtures
from tests.portal.issuer import AUDIENCE, Clock, Issuer
from tests.portal.ledger_world import Desk, registered_kinds


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A tenant with a lane, and kinds whose handlers a test sets."""
    with registered_kinds():
        yield Desk()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    one = Issuer()
    one.start()
    yield one
    one.stop()


@pytest.fixture
def issuer_clock(issuer: Issuer, settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Bearer tokens are on, and this process has read no key yet."""
    settings.SANDBOX = True
    settings.OAUTH_ISSUER, settings.OAUTH_AUDIENCE, settings.OAUTH_JWKS_URL = issuer.url, AUDIENCE, issuer.jwks_url
    settings.OAUTH_TENANT_CLAIM = ""
    one = Clock()
    monkeypatch.setattr(jwks, "issuer_keys", jwks.KeySet(lambda: settings.OAUTH_JWKS_URL, one))
    return one
