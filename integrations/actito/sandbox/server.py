"""The routes of the stand-in. Each vendor route answers under all path styles the vendor has or had:

- flat `/v4/...` and `/v5/...`,
- by category `/profiles/v4/...`, `/scenarios/v4/...`, `/webhooks/v4/...`, `/entities/v5/...`,
  `/profile-table-structure/v5/...`,
- legacy `/ActitoWebServices/ws/v4/...`, which takes Basic credentials beside bearer tokens.

Those of entities, tables and custom actions stand in directory.py, those of scenarios in
scenarios.py; how a table is changed in structure.py; the page for
people in desk.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from integrations.actito.sandbox import profiles, webhooks
from integrations.actito.sandbox.core import LEGACY, json_of
from integrations.actito.sandbox.desk import DeskRoutes
from integrations.actito.sandbox.scenarios import ScenarioRoutes, new_scenario
from integrations.actito.sandbox.store import DEFAULT_ATTRIBUTES, Attribute, Entity, Json, Refusal, Table, Webhook
from integrations.actito.sandbox.structure import StructureRoutes
from portal.sandbox import Request, Response, route

PROFILES = rf"/(?:v4|profiles/v4|{LEGACY})/entity/(?P<entity>[^/]+)/table/(?P<table>[^/]+)/profile"
PROFILE = PROFILES + r"/(?P<profile>[^/]+)"
SUBSCRIPTIONS = PROFILE + r"/subscription"
SUBSCRIPTION = SUBSCRIPTIONS + r"/(?P<subscription>[^/]+)"
WEBHOOKS = rf"/(?:v4|webhooks/v4|{LEGACY})/entity/(?P<entity>[^/]+)/webhookSubscription"
WEBHOOK = WEBHOOKS + r"/(?P<webhook>\d+)"
CUSTOM_ACTION = r"/_sandbox/entity/(?P<entity>[^/]+)/table/(?P<table>[^/]+)/profile/(?P<profile>[^/]+)/custom-action"


class Seeded(NamedTuple):
    table_id: str
    profile_ids: list[int]


class ActitoSandbox(DeskRoutes, StructureRoutes, ScenarioRoutes):
    """Actito's REST API with state of its own; real changes are pushed to webhook subscriptions."""

    def seed(
        self,
        *,
        entity: str = "demo",
        table: str = "Profiles",
        api_key: str = "sandbox-api-key",
        account: str = "",
        attributes: Sequence[Attribute] = DEFAULT_ATTRIBUTES,
        subscriptions: Sequence[str] = ("Newsletter",),
        segmentations: Sequence[str] = (),
        profiles: Iterable[Mapping[str, Any]] = (),
        scenarios: Iterable[Mapping[str, Any]] = (),
        custom_actions: Iterable[str] = (),
    ) -> Seeded:
        """Makes what is not there yet, and pushes nothing; what is there stays as it is.

        A profile is a flat mapping, `{"emailAddress": "a@b.be", "points": 120, "Newsletter": True}`: names of the
        table's subscriptions are subscriptions, all others attributes. It needs a unique attribute to be known again.
        A scenario is `{"name": "Welcome", "isActive": True}`, known again by its display name; a custom action is its
        name.
        `account` is a legacy Basic credential, `licence/account:password`.
        """
        with self.lock:
            for known, wanted in ((self._store.api_keys, api_key), (self._store.accounts, account)):
                if wanted and wanted not in known:
                    known.append(wanted)
            draft = Table("", table, list(attributes), list(subscriptions), list(segmentations))
            place = self._seed_table(entity, table, draft)
            profile_ids = [_seed_profile(place, values) for values in profiles]
            self._seed_scenarios(place, scenarios)
            self._seed_custom_actions(entity, custom_actions)
            self._store.save()
            return Seeded(place.id, profile_ids)

    def _seed_table(self, entity: str, name: str, draft: Table) -> Table:
        if entity not in self._store.entities:
            self._store.entities[entity] = Entity(self._store.new_id(), entity)
        home = self._store.entities[entity]
        for table in home.tables:
            if table.name == name:
                return table
        draft.id = str(self._store.new_id())
        home.tables.append(draft)
        return draft

    def _seed_scenarios(self, table: Table, wanted: Iterable[Mapping[str, Any]]) -> None:
        known = {scenario.display_name() for scenario in table.scenarios.values()}
        for each in wanted:
            if each["name"] not in known:
                new_scenario(table, each, self._store.new_id())

    def set_attribute(self, entity: str, table: str, profile_id: int | str, name: str, value: Any) -> None:
        """What PUT profile with this one attribute does, webhooks included."""
        self._change(entity, table, str(profile_id), {"attributes": [{"name": name, "value": value}]})

    def values(self, entity: str, table: str, profile_id: int | str) -> Json:
        """A profile as `seed` takes it, technical attributes included."""
        with self.lock:
            profile = profiles.find(self._table(entity, table), str(profile_id))
            return {**profile.attributes, **profile.subscriptions}

    # Profiles

    @route("GET", PROFILES)
    def list_profiles(self, request: Request, entity: str, table: str) -> Response:
        """`{"profiles": [...]}`; `search=attribute=value` compares as text, `number` limits."""
        if "dateFilter" in request.query:
            raise Refusal(400, "UNSUPPORTED_PARAMETER", "No source says what dateFilter means")
        limit = request.query.get("number", "100")
        if not limit.isdecimal():
            raise Refusal(400, "INVALID_PARAMETER", "number is a number")
        with self.lock:
            place = self._table(entity, table)
            found = profiles.search(place, request.query.get("search", ""))[: int(limit)]
            return Response(200, {"profiles": [profiles.show(place, profile, self.switches) for profile in found]})

    @route("POST", PROFILES)
    def create_or_update_profile(self, request: Request, entity: str, table: str) -> Response:
        """`{"profileId": 7}`: 201 when created, 200 when updated."""
        allowed = request.query.get("allowUpdate", str(self.switches.allow_update_default)).lower() == "true"
        body = json_of(request)
        with self.lock:
            place = self._table(entity, table)
            draft = profiles.parse(place, body)
            known = profiles.match(place, draft) if allowed else None
            profile = self._write(entity, place, known, draft)
        if known:
            return Response(200, {"profileId": profile.id()})
        return Response(201, {"profileId": profile.id()}, {"Location": f"{request.path}/{profile.id()}"})

    @route("GET", PROFILE)
    def get_profile(self, request: Request, entity: str, table: str, profile: str) -> Response:
        with self.lock:
            place = self._table(entity, table)
            return Response(200, profiles.show(place, profiles.find(place, profile), self.switches))

    @route("PUT", PROFILE)
    def update_profile(self, request: Request, entity: str, table: str, profile: str) -> Response:
        return Response(200, {"profileId": self._change(entity, table, profile, json_of(request)).id()})

    @route("DELETE", PROFILE)
    def delete_profile(self, request: Request, entity: str, table: str, profile: str) -> Response:
        with self.lock:
            place = self._table(entity, table)
            self._publish(entity, place, profiles.delete(place, profiles.find(place, profile)))
        return Response(204)

    # Subscriptions of a profile

    @route("GET", SUBSCRIPTIONS)
    def list_subscriptions(self, request: Request, entity: str, table: str, profile: str) -> Response:
        with self.lock:
            place = self._table(entity, table)
            found = profiles.show_subscriptions(place, profiles.find(place, profile))
            return Response(200, {"subscriptions": found})

    @route("GET", SUBSCRIPTION)
    def get_subscription(self, request: Request, entity: str, table: str, profile: str, subscription: str) -> Response:
        with self.lock:
            place = self._table(entity, table)
            known = profiles.find(place, profile)
            profiles.check_subscription(place, subscription)
            subscribed = known.subscriptions.get(subscription, False)
            return Response(200, {"name": subscription, "subscribe": subscribed})

    @route("POST", SUBSCRIPTION)
    def subscribe(self, request: Request, **place: str) -> Response:
        return self._subscribe(True, **place)

    @route("DELETE", SUBSCRIPTION)
    def unsubscribe(self, request: Request, **place: str) -> Response:
        return self._subscribe(False, **place)

    def _subscribe(self, wanted: bool, *, entity: str, table: str, profile: str, subscription: str) -> Response:
        with self.lock:
            place = self._table(entity, table)
            known = profiles.find(place, profile)
            profiles.check_subscription(place, subscription)
            self._write(entity, place, known, profiles.Draft(subscriptions={subscription: wanted}))
        return Response(204)

    # Webhook subscriptions

    @route("GET", WEBHOOKS)
    def list_webhooks(self, request: Request, entity: str) -> Response:
        """`{"webhookSubscriptions": [...]}`: named as the resource, no source shows the key."""
        with self.lock:
            self._store.entity(entity)
            own = [webhook for webhook in self._store.webhooks.values() if webhook.entity == entity]
            found = [webhook.as_json() for webhook in webhooks.select(own, request.query)]
            return Response(200, {"webhookSubscriptions": found})

    @route("POST", WEBHOOKS)
    def create_webhook(self, request: Request, entity: str) -> Response:
        body = json_of(request)
        with self.lock:
            resource = webhooks.parse(self._store.entity(entity), body)
            webhook = Webhook(self._store.new_id(), entity, resource)
            self._store.webhooks[webhook.id] = webhook
            self._store.save()
        return Response(201, {"id": webhook.id}, {"Location": f"{request.path}/{webhook.id}"})

    @route("GET", WEBHOOK)
    def get_webhook(self, request: Request, entity: str, webhook: str) -> Response:
        with self.lock:
            return Response(200, self._store.webhook(entity, webhook).as_json())

    @route("PUT", WEBHOOK)
    def replace_webhook(self, request: Request, entity: str, webhook: str) -> Response:
        body = json_of(request)
        with self.lock:
            known = self._store.webhook(entity, webhook)
            known.body = webhooks.parse(self._store.entity(entity), body)
            self._store.save()
        return Response(204)

    @route("DELETE", WEBHOOK)
    def delete_webhook(self, request: Request, entity: str, webhook: str) -> Response:
        with self.lock:
            del self._store.webhooks[self._store.webhook(entity, webhook).id]
            self._store.save()
        return Response(204)

    # The sandbox's own

    @route("GET", "/_sandbox/switches")
    def get_switches(self, request: Request) -> Response:
        return Response(200, self.switches.as_json())

    @route("PUT", "/_sandbox/switches")
    def put_switches(self, request: Request) -> Response:
        try:
            self.switches.change(request.json())
        except ValueError as refusal:
            raise Refusal(400, "INVALID_SWITCH", str(refusal)) from refusal
        return Response(200, self.switches.as_json())

    @route("POST", CUSTOM_ACTION)
    def reach_custom_action(self, request: Request, entity: str, table: str, profile: str) -> Response:
        """A profile reaches a custom action's block in a scenario: `{"action": "updatePass", "parameters": {…}}`."""
        body = json_of(request)
        if not isinstance(body, dict) or not isinstance(body.get("parameters", {}), dict):
            raise Refusal(400, "INVALID_BODY", "Send {action, parameters}")
        pushed = self._reach(entity, table, profile, str(body.get("action", "")), body.get("parameters", {}))
        return Response(202, {"pushed": pushed})

    @route("GET", "/_sandbox/deliveries")
    def list_deliveries(self, request: Request) -> Response:
        return Response(200, self.deliveries())


def _seed_profile(table: Table, values: Mapping[str, Any]) -> int:
    parts: dict[str, list[Json]] = {"attributes": [], "subscriptions": []}
    for name, value in values.items():
        if name in table.subscriptions:
            parts["subscriptions"].append({"name": name, "subscribe": value})
        else:
            parts["attributes"].append({"name": name, "value": value})
    draft = profiles.parse(table, parts)
    if all(draft.attributes.get(name) is None for name in table.unique_names()):
        raise ValueError("A seeded profile needs a unique attribute")
    known = profiles.match(table, draft)
    return (known or profiles.write(table, None, draft).profile).id()
