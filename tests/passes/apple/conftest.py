from __future__ import annotations

from collections.abc import Iterator

import pytest

from passes.apple import apns
from passes.apple.sandbox import ApnsSandbox
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
