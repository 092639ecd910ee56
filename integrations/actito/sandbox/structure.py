"""The sandbox's own calls to change the structure of a profile table, as somebody would in Actito."""

from __future__ import annotations

from typing import Any

from integrations.actito.sandbox.core import ActitoCore, json_of
from integrations.actito.sandbox.store import Attribute, Refusal, Table
from portal.sandbox import Request, Response, route

OWN_TABLE = r"/_sandbox/entity/(?P<entity>[^/]+)/table/(?P<table>[^/]+)"
OWN_ITEM = OWN_TABLE + r"/(?P<part>attribute|subscription|segmentation)/(?P<name>[^/]+)"


class StructureRoutes(ActitoCore):
    @route("PUT", OWN_ITEM)
    def put_item(self, request: Request, entity: str, table: str, part: str, name: str) -> Response:
        """Adds it; an attribute may say `{"valueType": "STRING", "unique": false}`."""
        with self.lock:
            self._change_item(self._table(entity, table), part, name, json_of(request) or {})
            self._store.save()
        return Response(204)

    @route("DELETE", OWN_ITEM)
    def remove_item(self, request: Request, entity: str, table: str, part: str, name: str) -> Response:
        """Removes it, with its values."""
        with self.lock:
            self._table(entity, table).remove(part, name)
            self._store.save()
        return Response(204)

    def _change_item(self, table: Table, part: str, name: str, body: Any) -> None:
        if not isinstance(body, dict):
            raise Refusal(400, "INVALID_BODY", "Send an object such as {valueType, unique}")
        if part == "attribute":
            known = table.attributes.get(name)
            kind = str(body.get("valueType", known.value_type if known else "STRING"))
            table.add(Attribute(name, kind, body.get("unique") is True))
        elif name not in table.names(part):
            table.names(part).append(name)
