from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings

from passes.apple import apns
from passes.apple.sandbox import ApnsSandbox, AppleSandbox, Network
from tests.passes import world


@pytest.fixture
def push_service() -> Iterator[ApnsSandbox]:
    """The sandbox's APNs, which knows one token, and a process that has no connection to it yet."""
    apns._process.reset()
    sandbox = ApnsSandbox(world.authority())
    sandbox.register_token(world.PUSH_TOKEN)
    sandbox.start()
    yield sandbox
    sandbox.stop()
    apns._process.reset()


@pytest.fixture
def apple(live_server: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppleSandbox]:
    """Apple as the sandbox has it, whose phones call this process's web server."""
    settings.PUBLIC_URL, settings.SANDBOX = live_server.url, True
    apns._process.reset()
    # Keys are slow to make, and whose root the phones trust must be the root of the passes.
    monkeypatch.setattr("passes.apple.sandbox.server.Authority", lambda _: world.authority())
    sandbox = AppleSandbox(network=Network(retry_waits=()))
    sandbox.start()
    yield sandbox
    sandbox.stop()
    apns._process.reset()
