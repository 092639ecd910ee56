"""Which of a design's pictures is shown: the sharpest of a role, in a language where there is one."""

from __future__ import annotations

from collections.abc import Mapping

# Pictures that only Google Wallet shows: it wants other shapes than Apple Wallet.
FOR_GOOGLE = frozenset({"googleLogo", "googleHero"})


def role_of(path: str) -> str:
    """`strip` of `fr.lproj/strip@2x.png`."""
    return path.rpartition("/")[2].removesuffix(".png").partition("@")[0]


def sharpest(images: Mapping[str, str], role: str, language: str) -> str:
    """The SHA-1 of the picture; empty where there is none. `images`: SHA-1 by path, as neutral content has them."""
    names = (f"{folder}{role}{scale}.png" for folder in (f"{language}.lproj/", "") for scale in ("@3x", "@2x", ""))
    return next((sha1 for name in names if (sha1 := images.get(name))), "")
