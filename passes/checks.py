"""What an installer can get wrong about Apple: system checks, each with an id and a hint."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register

from passes.apple.authorities import known
from portal.checks import INSTALLATION


@register(Tags.security, INSTALLATION)
def check_intermediates(**_: Any) -> list[CheckMessage]:
    try:
        known()
    except (ValueError, OSError):
        return [
            Error(
                "APPLE_INTERMEDIATES is neither a folder of certificates nor PEM text.",
                hint="Put Apple's .cer files into a folder and name the folder, or leave it empty.",
                id="passes.E001",
            )
        ]
    return []
