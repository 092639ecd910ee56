"""Switches of a sandbox: what no public page of its vendor settles, so that the product is tried both ways."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any


class SwitchBoard:
    """The base of a dataclass of switches with defaults. Changeable in Python at any time, or as JSON with
    `PUT /_sandbox/switches` (only the named ones change).
    """

    def as_json(self) -> dict[str, Any]:
        return asdict(self)  # type: ignore[call-overload,no-any-return]  # subclasses are the dataclasses

    def change(self, wanted: Any) -> None:
        """Takes over all of the wanted switches, or raises ValueError and takes none."""
        if not isinstance(wanted, dict):
            raise ValueError("Switches are a JSON object")
        known = {field.name: type(field.default) for field in fields(self)}  # type: ignore[arg-type]
        for name, value in wanted.items():
            if name not in known:
                raise ValueError(f"Unknown switch: {name}")
            if type(value) is not known[name] and not (known[name] is float and type(value) is int):
                raise ValueError(f"{name} must be of type {known[name].__name__}")
        self.check(wanted)
        for name, value in wanted.items():
            setattr(self, name, value)

    def check(self, wanted: dict[str, Any]) -> None:
        """Raises ValueError for a value that its switch cannot have."""
