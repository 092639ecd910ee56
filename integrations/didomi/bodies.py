"""The consents of an event that is sent to Didomi. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from integrations.didomi.paths import Target, values_in


def body_of(targets: Mapping[Target, bool], current: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """`consents` of an event that sets these and touches nothing else, the same whatever their order.

    `current`: the person's consents as Didomi has them. Values of a preference are written together, so those that are
    chosen and not among the targets are taken from there.
    """
    channels: dict[str, dict[str, Any]] = {}
    purposes: dict[str, dict[str, Any]] = {}
    for target, state in sorted(targets.items()):
        if not target.purpose:
            _item(channels, target.channel)["enabled"] = state
            continue
        purpose = _item(purposes, target.purpose)
        if target.value:
            continue
        holder = _item(purpose.setdefault("preferences", {}), target.preference) if target.preference else purpose
        if target.channel:
            holder = _item(holder.setdefault("channels", {}), target.channel)
        holder["enabled"] = state
    for (purpose_id, preference), text in _values(targets, current or {}).items():
        purposes[purpose_id].setdefault("values", {})[preference] = {"value": text}
    # Didomi's document asks for vendors. Empty lists choose none.
    vendors: dict[str, list[str]] = {"enabled": [], "disabled": []}
    return {"channels": _listed(channels), "purposes": _listed(purposes), "vendors": vendors}


def _item(items: dict[str, dict[str, Any]], name: str) -> dict[str, Any]:
    return items.setdefault(name, {"id": name})


def _listed(items: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {**each, **{name: _listed(each[name]) for name in ("preferences", "channels") if name in each}}
        for each in items.values()
    ]


def _values(targets: Mapping[Target, bool], current: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """The values of each preference that is written, as one text."""
    of_each: dict[tuple[str, str], dict[str, bool]] = {}
    for target, state in sorted(targets.items()):
        if target.value:
            of_each.setdefault((target.purpose, target.preference), {})[target.value] = state
    return {key: ",".join(_chosen(_held(current, *key), states)) for key, states in of_each.items()}


def _chosen(held: Iterable[str], states: Mapping[str, bool]) -> list[str]:
    kept = [value for value in held if states.get(value, True)]
    return [*kept, *(value for value, state in states.items() if state and value not in kept)]


def _held(current: Mapping[str, Any], purpose: str, preference: str) -> list[str]:
    for each in current.get("purposes") or []:
        if isinstance(each, dict) and each.get("id") == purpose:
            told = (each.get("values") or {}).get(preference) or {}
            return values_in(told.get("value"))
    return []
