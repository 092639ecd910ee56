"""The sandbox's page, where a newcomer is the marketer: edits a profile, fires a custom action, sees what follows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from integrations.actito.sandbox import page, profiles, webhooks
from integrations.actito.sandbox.directory import DirectoryRoutes
from integrations.actito.sandbox.store import Attribute, Json, Profile, Refusal, Table
from portal.sandbox import Request, Response, route

DESK = "/_sandbox/"
PEOPLE_SHOWN, ENTRIES_SHOWN = 50, 12
PARAMETERS = 4  # of a custom action, on the page
_NUMBERS = ("INTEGER", "LONG", "NUMBER")


class DeskRoutes(DirectoryRoutes):
    @route("GET", "/")
    def go_to_desk(self, request: Request) -> Response:
        return Response(303, None, {"Location": DESK})

    @route("GET", DESK)
    def desk(self, request: Request) -> Response:
        """The page. `profile` chooses somebody; without one it is the first."""
        return self._shown(request.query, said=page.SAID.get(request.query.get("said", ""), ""))

    @route("GET", DESK + "log")
    def log(self, request: Request) -> Response:
        """What was pushed about the profile and what was asked since, in a frame that renews itself."""
        with self.lock:
            entity, table, profile = self._place(request.query)
            if profile is None:
                return _html(page.log([], []))
            pushed = [row for row in self.deliveries() if str(row["profile_id"]) == str(profile.id())]
            path = f"/entity/{entity}/table/{table.name}/"
            asked = [row for row in list(self.requests) if path in row["path"] and not row["path"].startswith("/_")]
        return _html(page.log(pushed[-ENTRIES_SHOWN:][::-1], asked[-ENTRIES_SHOWN:][::-1]))

    @route("POST", DESK + "profile")
    def edit_profile(self, request: Request) -> Response:
        """Saves the form of a profile, as Actito's own screens would."""
        form = _form(request)
        with self.lock:
            entity, table, profile = self._place(form)
            if profile is None:
                raise Refusal(404, "PROFILE_NOT_FOUND", "There is nobody here")
            try:
                self._change(entity, table.name, str(profile.id()), _draft(table, profile, form))
            except Refusal as refusal:
                return self._shown(form, problem=refusal.body["message"])
        return _back(form, "saved")

    @route("POST", DESK + "custom-action")
    def fire(self, request: Request) -> Response:
        form = _form(request)
        pairs = [(form.get(f"name{n}", "").strip(), form.get(f"value{n}", "")) for n in range(PARAMETERS)]
        with self.lock:
            entity, table, profile = self._place(form)
            if profile is None:
                raise Refusal(404, "PROFILE_NOT_FOUND", "There is nobody here")
            parameters = {name: value for name, value in pairs if name}
            pushed = self._reach(entity, table.name, str(profile.id()), form.get("action", ""), parameters)
        return _back(form, "fired" if pushed else "unheard")

    def _reach(self, entity: str, table: str, profile: str, action: str, parameters: Json) -> int:
        """The profile reaches the block of the custom action. Returns how many webhooks were pushed."""
        with self.lock:
            place = self._table(entity, table)
            known = profiles.find(place, profile)
            return sum(
                self._push(webhooks.trigger(entity, place, known, element, parameters))
                for element in self._elements(entity, action)
            )

    def _shown(self, query: Mapping[str, str], *, said: str = "", problem: str = "") -> Response:
        with self.lock:
            if not any(entity.tables for entity in self._store.entities.values()):
                return _html(page.nothing())
            entity, table, profile = self._place(query)
            entered = [] if profile is None else [
                scenario.display_name() for scenario in table.scenarios.values()
                for entry in scenario.entries if entry["profileId"] == profile.id()
            ]  # fmt: skip
            shown = page.Desk(
                entity=entity,
                table=table,
                people=list(table.profiles.values())[:PEOPLE_SHOWN],
                more=max(0, len(table.profiles) - PEOPLE_SHOWN),
                profile=profile,
                actions=[str(each["name"]) for each in self._store.entity(entity).custom_actions],
                entered=entered[-ENTRIES_SHOWN:],
                portal=self._portal(entity),
                said=said,
                problem=problem,
            )
            return _html(page.render(shown), 400 if problem else 200)

    def _place(self, query: Mapping[str, str]) -> tuple[str, Table, Profile | None]:
        """The entity, table and profile that are asked for, or the first ones."""
        entity = query.get("entity") or next(name for name, one in self._store.entities.items() if one.tables)
        home = self._store.entity(entity)
        table = home.table(query["table"]) if query.get("table") else home.tables[0]
        asked = query.get("profile")
        return entity, table, profiles.find(table, asked) if asked else next(iter(table.profiles.values()), None)

    def _portal(self, entity: str) -> str:
        """Where the webhooks of the entity lead; empty while there are none."""
        found = [hook.body["targetUrl"] for hook in self._store.webhooks.values() if hook.entity == entity]
        parts = urlsplit(found[0]) if found else None
        return f"{parts.scheme}://{parts.netloc}" if parts else ""


def _form(request: Request) -> dict[str, str]:
    """The posted form. Other sites' pages may not fill it in: browsers say where a form comes from."""
    origin = request.headers.get("origin", "")
    if origin and urlsplit(origin).netloc != request.headers.get("host", ""):
        raise Refusal(403, "FORBIDDEN", "This form was sent by another site")
    fields = parse_qs(request.body.decode(errors="replace"), keep_blank_values=True)
    return {name: values[-1] for name, values in fields.items()}


def _draft(table: Table, profile: Profile, form: Mapping[str, str]) -> Json:
    """What of the form differs from the profile, as the body of a PUT. Raises Refusal."""
    attributes = [
        {"name": attribute.name, "value": value} for attribute in page.editable(table)
        if f"a.{attribute.name}" in form
        and (value := _typed(attribute, form[f"a.{attribute.name}"])) != profile.attributes.get(attribute.name)
    ]  # fmt: skip
    subscriptions = [{"name": name, "subscribe": f"s.{name}" in form} for name in table.subscriptions]
    return {"attributes": attributes, "subscriptions": subscriptions}


def _typed(attribute: Attribute, text: str) -> Any:
    text = text.strip()
    if not text:
        return None
    if attribute.value_type == "BOOLEAN":
        return text.lower() in {"true", "yes", "1"}
    if attribute.value_type not in _NUMBERS or attribute.type != "CUSTOM":
        return text
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        number = float("nan")
    if not abs(number) < 1e15:
        raise Refusal(400, "INVALID_VALUE", f"{attribute.name} is a number")
    return int(number) if number.is_integer() else number


def _back(form: Mapping[str, str], said: str) -> Response:
    """To the page again, so that reloading it sends nothing twice."""
    kept = {name: form[name] for name in ("entity", "table", "profile") if form.get(name)}
    return Response(303, None, {"Location": f"{DESK}?{urlencode({**kept, 'said': said})}"})


def _html(text: str, status: int = 200) -> Response:
    return Response(status, text, {"Content-Security-Policy": page.SECURITY, "Cache-Control": "no-store"})
