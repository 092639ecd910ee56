"""The catalogue, as a mapping's lists read it."""

from __future__ import annotations

from integrations.didomi.sandbox.catalogue import Json, preference_json, purpose_json
from integrations.didomi.sandbox.core import BASE, DidomiCore, page
from integrations.didomi.sandbox.store import Refusal
from portal.sandbox import Request, Response, route

PURPOSES = BASE + "/metadata/purposes"
PREFERENCES = BASE + "/preferences"


class LibraryRoutes(DidomiCore):
    @route("GET", PURPOSES)
    def list_purposes(self, request: Request) -> Response:
        with self.lock:
            found = [purpose_json(each, self.organization) for each in self._store.catalogue.purposes.values()]
        return Response(200, page(request, found, self.switches.page_size))

    @route("GET", PREFERENCES)
    def list_preferences(self, request: Request) -> Response:
        with self.lock:
            return Response(200, page(request, self._preferences(), self.switches.page_size))

    @route("GET", PREFERENCES + r"/(?P<preference>[^/]+)")
    def get_preference(self, request: Request, preference: str) -> Response:
        with self.lock:
            for each in self._preferences():
                if each["id"] == preference:
                    return Response(200, each)
        raise Refusal(404, f"No preference found for id '{preference}'")

    def _preferences(self) -> list[Json]:
        return [preference_json(each, self.organization) for each in self._store.catalogue.preferences.values()]
