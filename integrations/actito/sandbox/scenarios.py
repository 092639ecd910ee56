"""Scenarios of a profile table: the catalogue that Actito's API lists, and the sandbox's own calls to change it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from integrations.actito.sandbox.core import LEGACY, ActitoCore, json_of
from integrations.actito.sandbox.profiles import find
from integrations.actito.sandbox.store import Json, Refusal, Scenario, Table
from portal.sandbox import Request, Response, route

# The slug of the category "Scenarios" was seen on no page: it follows the others.
SCENARIOS = rf"/(?:v4|scenarios/v4|{LEGACY})/entity/(?P<entity>[^/]+)/table/(?P<table>[^/]+)/scenario"
OWN_SCENARIOS = r"/_sandbox/entity/(?P<entity>[^/]+)/table/(?P<table>[^/]+)/scenario"
OWN_SCENARIO = OWN_SCENARIOS + r"/(?P<scenario>[^/]+)"
FLAGS = {"isActive": "is_active", "isStartEventTriggered": "is_start_event_triggered"}


class ScenarioRoutes(ActitoCore):
    @route("GET", SCENARIOS)
    def list_scenarios(self, request: Request, entity: str, table: str) -> Response:
        """`{"workflows": [{"name", "id", "isStartEventTriggered", "isActive"}]}`; `name` filters by display name."""
        if not self.switches.scenario_right:
            raise Refusal(403, "FORBIDDEN", "The API user has no right to read scenarios")
        with self.lock:
            found = select(self._table(entity, table), request.query)
            return Response(200, {"workflows": [show(scenario) for scenario in found]})

    @route("POST", SCENARIOS + r"/(?P<scenario>[^/]+)/profile/(?P<profile>[^/]+)")
    def start_scenario(self, request: Request, entity: str, table: str, scenario: str, profile: str) -> Response:
        """Lets the profile enter, each time it is asked: `{"interactionBusinessKey": "…"}`."""
        if not self.switches.start_right:
            raise Refusal(403, "FORBIDDEN", "The API user has no right to start scenarios")
        with self.lock:
            place = self._table(entity, table)
            known = place.scenario(scenario)
            entering = find(place, profile)
            if not (known.is_active and known.is_start_event_triggered):
                raise Refusal(self.switches.not_started_status, "NOT_STARTABLE", "The scenario cannot be started")
            key = str(uuid.uuid4())
            known.entries.append({"profileId": entering.id(), "interactionBusinessKey": key})
            self._store.save()
        return Response(200, {"interactionBusinessKey": key})

    @route("GET", OWN_SCENARIO)
    def entries(self, request: Request, entity: str, table: str, scenario: str) -> Response:
        """Who entered: `{"entries": [{"profileId", "interactionBusinessKey"}]}`."""
        with self.lock:
            return Response(200, {"entries": [*self._table(entity, table).scenario(scenario).entries]})

    @route("POST", OWN_SCENARIOS)
    def add_scenario(self, request: Request, entity: str, table: str) -> Response:
        """Makes `{"name": "Welcome", "isActive": true, "isStartEventTriggered": true}`, as somebody would in Actito."""
        with self.lock:
            made = new_scenario(self._table(entity, table), _object(request), self._store.new_id())
            self._store.save()
        return Response(201, show(made))

    @route("PUT", OWN_SCENARIO)
    def change_scenario(self, request: Request, entity: str, table: str, scenario: str) -> Response:
        """Starts or stops it: `{"isActive": false}`. The scenario is named by its technical name or id."""
        with self.lock:
            known = self._table(entity, table).scenario(scenario)
            for attribute, value in _flags(_object(request)).items():
                setattr(known, attribute, value)
            self._store.save()
        return Response(200, show(known))

    @route("DELETE", OWN_SCENARIO)
    def remove_scenario(self, request: Request, entity: str, table: str, scenario: str) -> Response:
        with self.lock:
            place = self._table(entity, table)
            del place.scenarios[place.scenario(scenario).id]
            self._store.save()
        return Response(204)


def show(scenario: Scenario) -> Json:
    return {
        "name": scenario.name,
        "id": scenario.id,
        "isStartEventTriggered": scenario.is_start_event_triggered,
        "isActive": scenario.is_active,
    }


def select(table: Table, query: Mapping[str, str]) -> list[Scenario]:
    """Those that all filters of the query let through; flags are `true` or `false`."""
    wanted = {attribute: _truth(name, query[name]) for name, attribute in FLAGS.items() if name in query}
    return [
        scenario
        for scenario in table.scenarios.values()
        if fits(scenario.display_name(), query.get("name", "*"))
        and all(getattr(scenario, attribute) is value for attribute, value in wanted.items())
    ]


def fits(name: str, pattern: str) -> bool:
    """Whether the name is the pattern, which may leave its beginning, its end or both open with `*`."""
    text = pattern.removeprefix("*").removesuffix("*")
    if pattern.startswith("*"):
        return text in name if pattern.endswith("*") else name.endswith(text)
    return name.startswith(text) if pattern.endswith("*") else name == text


def new_scenario(table: Table, wanted: Mapping[str, Any], scenario_id: int) -> Scenario:
    """`wanted`: `{"name", "isActive", "isStartEventTriggered"}`, the flags true where they are missing."""
    name = wanted.get("name")
    if not isinstance(name, str) or not name.strip():
        raise Refusal(400, "INVALID_BODY", "A scenario has a name")
    made = Scenario(scenario_id, f"{name.strip()}{uuid.uuid4()}")
    for attribute, value in _flags(wanted).items():
        setattr(made, attribute, value)
    table.scenarios[made.id] = made
    return made


def _flags(wanted: Mapping[str, Any]) -> dict[str, bool]:
    given = {attribute: wanted[name] for name, attribute in FLAGS.items() if name in wanted}
    if any(not isinstance(value, bool) for value in given.values()):
        raise Refusal(400, "INVALID_VALUE", f"{' and '.join(FLAGS)} are true or false")
    return given


def _truth(name: str, value: str) -> bool:
    if value.lower() not in {"true", "false"}:
        raise Refusal(400, "INVALID_PARAMETER", f"{name} is true or false", parameter=name)
    return value.lower() == "true"


def _object(request: Request) -> Json:
    body = json_of(request)
    if not isinstance(body, dict):
        raise Refusal(400, "INVALID_BODY", "Send an object such as {name, isActive}")
    return body
