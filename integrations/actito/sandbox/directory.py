"""What a key can reach: entities, profile tables, custom actions. And what its key may do with them."""

from __future__ import annotations

from collections.abc import Iterable

from integrations.actito.sandbox import rights
from integrations.actito.sandbox.core import LEGACY, LEGACY_5, ActitoCore, json_of
from integrations.actito.sandbox.store import Json, Refusal, Table
from portal.sandbox import Request, Response, route

# No page shows v5 below the oldest addresses; it follows v4.
ENTITIES = rf"/(?:(?:(?:entities/)?v5|{LEGACY_5})/entities|(?:v4|entities/v4|{LEGACY})/entity)"
TABLES = rf"/(?:(?:profile-table-structure/)?v5|{LEGACY_5})/entities/(?P<entity>[^/]+)/profile-tables"
TABLES_4 = rf"/(?:v4|profile-table-structure/v4|{LEGACY})/entity/(?P<entity>[^/]+)/table"
CUSTOM_ACTIONS = rf"/(?:v5|scenarios/v5|{LEGACY_5})/entities/(?P<entity>[^/]+)/custom-actions"
OWN_CUSTOM_ACTIONS = r"/_sandbox/entity/(?P<entity>[^/]+)/custom-actions"


class DirectoryRoutes(ActitoCore):
    @route("GET", ENTITIES)
    def list_entities(self, request: Request) -> Response:
        """`{"entities": [{"id", "name", "comment"}]}`, as v5 documents it; v4's form was seen nowhere."""
        with self.lock:
            entities = self._store.entities.values()
            return Response(200, {"entities": [{"id": one.id, "name": one.name, "comment": None} for one in entities]})

    @route("GET", TABLES)
    def list_tables(self, request: Request, entity: str) -> Response:
        """`{"profileTables": [...]}`: an analogy to `{"entities": [...]}`, no source shows the key."""
        with self.lock:
            return Response(200, {"profileTables": [self._shape(table) for table in self._store.entity(entity).tables]})

    @route("GET", TABLES_4)
    def list_tables_4(self, request: Request, entity: str) -> Response:
        """`{"tables": [{"id", "name"}]}`: that v4 lists the tables is documented, its form is not."""
        with self.lock:
            tables = self._store.entity(entity).tables
            return Response(200, {"tables": [{"id": table.id, "name": table.name} for table in tables]})

    @route("GET", TABLES + r"/(?P<table>\d+)")
    def get_table(self, request: Request, entity: str, table: str) -> Response:
        with self.lock:
            return Response(200, self._shape(self._table(entity, table)))

    def _shape(self, table: Table) -> Json:
        shape = table.structure()
        if not self.switches.structure_parts:
            del shape["subscriptions"], shape["segmentations"]
        return shape

    # Custom actions: what a body to make one holds is documented nowhere, so it is made by hand, as in Actito.

    @route("GET", CUSTOM_ACTIONS)
    def list_custom_actions(self, request: Request, entity: str) -> Response:
        """`{"customActions": [...]}`: named as the others are, no source shows the key."""
        with self.lock:
            return Response(200, {"customActions": self._store.entity(entity).custom_actions})

    @route("GET", CUSTOM_ACTIONS + r"/(?P<action>[^/]+)")
    def get_custom_action(self, request: Request, entity: str, action: str) -> Response:
        with self.lock:
            return Response(200, self._store.entity(entity).custom_action(action))

    @route("POST", OWN_CUSTOM_ACTIONS)
    def add_custom_action(self, request: Request, entity: str) -> Response:
        """Makes `{"name": "updatePass", …}`, as a technical user would in Actito."""
        body = json_of(request)
        if not isinstance(body, dict) or not isinstance(body.get("name"), str) or not body["name"].strip():
            raise Refusal(400, "INVALID_BODY", "Send {name}")
        with self.lock:
            made = {**body, "id": str(self._store.new_id())}
            self._store.entity(entity).custom_actions.append(made)
            self._store.save()
        return Response(201, made)

    @route("DELETE", OWN_CUSTOM_ACTIONS + r"/(?P<action>[^/]+)")
    def remove_custom_action(self, request: Request, entity: str, action: str) -> Response:
        with self.lock:
            home = self._store.entity(entity)
            home.custom_actions.remove(home.custom_action(action))
            self._store.save()
        return Response(204)

    @route("PUT", "/_sandbox/keys")
    def put_key(self, request: Request) -> Response:
        """Makes an API key, or gives it other rights: `{"key": "k", "rights": {"webhooks": "read"}}`."""
        body = json_of(request)
        if not isinstance(body, dict) or not isinstance(body.get("key"), str) or not body["key"]:
            raise Refusal(400, "INVALID_BODY", "Send {key, rights}")
        try:
            self.grant(body["key"], body.get("rights", {}))
        except ValueError as refusal:
            raise Refusal(400, "INVALID_RIGHTS", str(refusal)) from refusal
        return Response(200, {"key": body["key"], "rights": self._store.rights[body["key"]]})

    def grant(self, key: str, granted: Json) -> None:
        """The API key may do this from now on: area -> none, read or write; areas that are not named, write."""
        checked = rights.checked(granted)
        with self.lock:
            if key not in self._store.api_keys:
                self._store.api_keys.append(key)
            self._store.rights[key] = checked
            self._store.save()

    def _seed_custom_actions(self, entity: str, names: Iterable[str]) -> None:
        home = self._store.entity(entity)
        for name in names:
            if all(name != known["name"] for known in home.custom_actions):
                home.custom_actions.append({"id": str(self._store.new_id()), "name": name})

    def _elements(self, entity: str, action: str) -> set[str]:
        """What webhooks on a custom action may be on: its name as it was given, and the ids of those with that name."""
        return {action, *(each["id"] for each in self._store.entity(entity).custom_actions if each["name"] == action)}
