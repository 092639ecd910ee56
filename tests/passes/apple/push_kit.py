"""What the tests of pushing share."""

from __future__ import annotations

from typing import Any

import pytest

from passes.apple.push import send
from passes.apple.sandbox import ApnsSandbox
from passes.models import AppleCredentials
from portal.http import ApiError
from tests.passes import world
from tests.passes.world import PUSH_TOKEN, SilentTrail


def credentials(service: ApnsSandbox, version: int = 1, **changes: Any) -> AppleCredentials:
    """Unsaved: pushing needs no row."""
    issued = world.credentials(version=version)
    return AppleCredentials(
        **{
            "uid": "5c6c1d6c-0000-4000-8000-000000000001",
            "pass_type_identifier": world.PASS_TYPE,
            "certificate": issued.certificate_pem,
            "private_key": issued.private_key_pem,
            "intermediate": issued.intermediate_pem,
            "apns_url": service.url,
            "apns_authority": world.authority().root_pem,
            **changes,
        }
    )


def failure(apple: AppleCredentials, token: str = PUSH_TOKEN) -> ApiError:
    with pytest.raises(ApiError) as caught:
        send(apple, token, trail=SilentTrail())
    return caught.value
