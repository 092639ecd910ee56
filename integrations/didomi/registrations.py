"""What Didomi's folder registers with the house, read once in `DidomiConfig.ready()`: a function for each concern."""

from __future__ import annotations

HERE = "integrations.didomi"


def register() -> None:
    pass
