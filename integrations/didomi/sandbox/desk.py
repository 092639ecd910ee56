"""The sandbox's page, where a newcomer is the person at a preference centre: chooses, saves, sees what follows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from integrations.didomi.sandbox import checks, page, webhooks
from integrations.didomi.sandbox.catalogue import Preference
from integrations.didomi.sandbox.console import ConsoleRoutes
from integrations.didomi.sandbox.saying import event_body
from integrations.didomi.sandbox.store import Refusal, User
from portal.sandbox import Request, Response, route

DESK = "/_sandbox/"
PEOPLE_SHOWN, ENTRIES_SHOWN = 50, 12
CHOICES: dict[str, bool | None] = {"yes": True, "no": False, "": None}


class DeskRoutes(ConsoleRoutes):
    @route("GET", "/")
    def go_to_desk(self, request: Request) -> Response:
        return Response(303, None, {"Location": DESK})

    @route("GET", DESK)
    def desk(self, request: Request) -> Response:
        """The page. `person` chooses somebody, known or new; without it, it is who was seen last."""
        return self._shown(request.query.get("person", ""), said=page.SAID.get(request.query.get("said", ""), ""))

    @route("GET", DESK + "log")
    def log(self, request: Request) -> Response:
        """Events and news of a person, and what was asked of Didomi, in a frame that renews itself."""
        person = request.query.get("person", "")
        with self.lock:
            users = self._store.users_of(person)
            events = [self._event_json(event) for user in users for event in self._store.events_of(user.id)]
            told = [row for row in self.deliveries() if row["person"] == person]
            parked = sum(parcel["person"] == person for parcel in self._store.parked)
        events.sort(key=lambda event: str(event["created_at"]))
        asked = [row for row in list(self.requests) if row["path"].startswith("/v1/")]
        newest = (rows[-ENTRIES_SHOWN:][::-1] for rows in (events, told, asked))
        return _html(page.log(*newest, parked=parked))

    @route("POST", DESK + "choices")
    def save_choices(self, request: Request) -> Response:
        """Saves the form of a preference centre: one event with what differs."""
        form = _form(request)
        person = form.get("person", "").strip()
        if not person:
            return self._shown("", problem="Say who you are: an e-mail address or a customer number.")
        with self.lock:
            said = self._differences(person, form)
            if not any(said.values()):
                return _back(person, "same")
            status = checks.PENDING if "pending" in form else checks.CONFIRMED
            body = event_body(person, **said, status=status, delegate=None)
            self._create_event(body, self.organization, muted="muted" in form)
        return _back(person, "pending" if "pending" in form else "muted" if "muted" in form else "saved")

    @route("POST", DESK + "approve")
    def approve_event(self, request: Request) -> Response:
        form = _form(request)
        with self.lock:
            event = self._store.event(form.get("event", ""))
            self._change_event(event, {"status": checks.CONFIRMED}, muted=False)
        return _back(form.get("person", ""), "approved")

    @route("POST", DESK + "webhook")
    def set_webhook(self, request: Request) -> Response:
        form = _form(request)
        wanted = {
            name: form.get(name, "").strip() for name in ("url", "token_url", "client_id", "client_secret", "api_key")
        }
        with self.lock:
            kept = self._store.webhook
            for name in ("client_secret", "api_key"):
                if kept and not wanted[name]:  # an empty field of a secret leaves it
                    wanted[name] = getattr(kept, name)
            try:
                self._store.webhook = webhooks.parse(
                    {name: text for name, text in wanted.items() if text or name == "url"}
                )
            except Refusal as refusal:
                return self._shown(form.get("person", ""), problem=f"{refusal.message}.")
            self._store.save()
        return _back(form.get("person", ""), "webhook")

    @route("POST", DESK + "resend")
    def resend(self, request: Request) -> Response:
        form = _form(request)
        self.send_parked()
        return _back(form.get("person", ""), "resent")

    def _shown(self, person: str, *, said: str = "", problem: str = "") -> Response:
        with self.lock:
            people = list(self._store.people())
            person = person or next(iter(people), "")
            user = self._newest(person)
            pending = [
                self._event_json(event) for known in self._store.users_of(person)
                for event in self._store.events_of(known.id) if event.body["status"] == checks.PENDING
            ]  # fmt: skip
            shown = page.Desk(
                organization=self.organization,
                catalogue=self._store.catalogue,
                people=people[:PEOPLE_SHOWN],
                more=max(0, len(people) - PEOPLE_SHOWN),
                person=person,
                user=self._user_json(user) if user else None,
                pending=pending,
                webhook=self._store.webhook,
                parked=len(self._store.parked),
                said=said,
                problem=problem,
            )
            return _html(page.render(shown), 400 if problem else 200)

    def _newest(self, person: str) -> User | None:
        return max(self._store.users_of(person), key=lambda user: user.updated_at, default=None)

    def _differences(self, person: str, form: Mapping[str, str]) -> dict[str, Any]:
        """What of the form differs from the person's status, as `event_body` takes it."""
        user = self._newest(person)
        before = page.chosen(self._user_json(user) if user else None)
        known = self._store.catalogue
        said: dict[str, Any] = {"purposes": {}, "channels": {}, "values": {}}
        for part, ids in (("purposes", known.purposes), ("channels", known.channels)):
            for each in ids:
                answer = CHOICES.get(form.get(f"{part}.{each}", ""))
                if answer is not None and answer != before[part].get(each):
                    said[part][each] = answer
        for purpose in known.purposes.values():
            for preference in purpose.preferences:
                key = (purpose.id, preference)
                value = _value(key, known.preferences.get(preference), form)
                if value != before["values"].get(key, ""):
                    said["values"][key] = value
        return said


def _value(key: tuple[str, str], preference: Preference | None, form: Mapping[str, str]) -> str:
    """The ids that are chosen of a preference, separated by commas."""
    if preference is None:
        return ""
    if preference.kind == "single":
        picked = form.get(f"values.{key[0]}.{key[1]}", "")
        return picked if picked in preference.values else ""
    return ",".join(each for each in preference.values if f"values.{key[0]}.{key[1]}.{each}" in form)


def _form(request: Request) -> dict[str, str]:
    """The posted form. Other sites' pages may not fill it in: browsers say where a form comes from."""
    origin = request.headers.get("origin", "")
    if origin and urlsplit(origin).netloc != request.headers.get("host", ""):
        raise Refusal(403, "This form was sent by another site")
    fields = parse_qs(request.body.decode(errors="replace"), keep_blank_values=True)
    return {name: values[-1] for name, values in fields.items()}


def _back(person: str, said: str) -> Response:
    """To the page again, so that reloading it sends nothing twice."""
    return Response(303, None, {"Location": f"{DESK}?{urlencode({'person': person, 'said': said})}"})


def _html(text: str, status: int = 200) -> Response:
    return Response(status, text, {"Content-Security-Policy": page.SECURITY, "Cache-Control": "no-store"})
