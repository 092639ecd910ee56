"""The catalogue, as a mapping's lists read it."""

from __future__ import annotations

from integrations.didomi.sandbox.catalogue import Json, preference_json, purpose_json
from integrations.didomi.sandbox.core import BASE, DidomiCore, is_on, page
from integrations.didomi.sandbox.store import Refusal
from portal.sandbox import Request, Response, route

PURPOSES = BASE + "/metadata/purposes"
PREFERENCES = BASE + "/preferences"


class LibraryRoutes(DidomiCore):
    @route("GET", PURPOSES)
    def list_purposes(self, request: Request) -> Response:
        with self.lock:
            translated, known = self._translated(request), self._store.catalogue.purposes.values()
            found = [purpose_json(each, self.organization, translated) for each in known]
        return Response(200, page(request, found, self.switches.page_size))

    @route("GET", PREFERENCES)
    def list_preferences(self, request: Request) -> Response:
        with self.lock:
            return Response(200, page(request, self._preferences(request), self.switches.page_size))

    @route("GET", PREFERENCES + r"/(?P<preference>[^/]+)")
    def get_preference(self, request: Request, preference: str) -> Response:
        with self.lock:
            for each in self._preferences(request):
                if each["id"] == preference:
                    return Response(200, each)
        raise Refusal(404, f"No preference found for id '{preference}'")

    def _preferences(self, request: Request) -> list[Json]:
        translated, known = self._translated(request), self._store.catalogue.preferences.values()
        return [preference_json(each, self.organization, translated) for each in known]

    def _translated(self, request: Request) -> bool:
        return self.switches.translations or is_on(request, "$translations")
