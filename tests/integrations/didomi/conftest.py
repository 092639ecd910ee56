from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from integrations.didomi.sandbox import DidomiSandbox
from integrations.didomi.tokens import tokens
from portal.http import USER_AGENT
from tests.contracts.didomi import wrong
from tests.integrations.didomi.arrivals_world import ORGANISATION
from tests.integrations.didomi.didomi_world import KEY, SECRET
from tests.integrations.didomi.double import Double


@pytest.fixture(autouse=True)
def _no_kept_tokens() -> None:
    tokens._kept.clear()


@pytest.fixture(autouse=True)
def judged(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Holds every request that the product sends to Didomi against Didomi's document, whatever the test looks at.

    Gives what was found wrong; a test that sends something wrong on purpose empties the list.
    """
    found: list[str] = []
    send = requests.Session.send

    def judging(session: requests.Session, request: requests.PreparedRequest, **more: Any) -> requests.Response:
        url = str(request.url)
        if session.headers.get("User-Agent") == USER_AGENT and "/v1/" in url:
            body = request.body.encode() if isinstance(request.body, str) else request.body
            headers = {str(name): str(value) for name, value in request.headers.items()}
            found.extend(f"{request.method} {url}: {each}" for each in wrong(str(request.method), url, headers, body))
        return send(session, request, **more)

    monkeypatch.setattr(requests.Session, "send", judging)
    yield found
    assert not found, "\n".join(found)


@pytest.fixture
def double() -> Iterator[Double]:
    with Double() as one:
        yield one


@pytest.fixture
def didomi() -> Iterator[DidomiSandbox]:
    """The sandbox of an organisation, with nobody in it."""
    sandbox = DidomiSandbox(organization=ORGANISATION, api_key=KEY, secret=SECRET)
    sandbox.start()
    yield sandbox
    sandbox.stop()
