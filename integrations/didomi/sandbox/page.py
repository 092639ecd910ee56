"""What the sandbox's page looks like: plain HTML, complete in itself, without a script."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any
from urllib.parse import urlencode, urlsplit

from integrations.didomi.sandbox.catalogue import Catalogue, Json, Preference, Purpose, chosen_values
from integrations.didomi.sandbox.store import Webhook
from integrations.didomi.sandbox.styles import STYLE

SECURITY = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'self'"
)
SAID = {
    "saved": "Saved: one event. What follows shows below.",
    "pending": "Kept: the event waits for approval and changes nothing yet.",
    "muted": "Saved without telling anybody, as $disable_integrations does.",
    "same": "Nothing was changed, so there is no event.",
    "approved": "Approved: the event counts now.",
    "webhook": "News goes there from now on.",
    "resent": "Sent again. What follows shows below.",
}
LOG_SECONDS = 2


@dataclass(frozen=True)
class Desk:
    """What the page shows. `user` is the person's, as the API shows it; None for somebody new."""

    organization: str
    catalogue: Catalogue
    people: list[str]
    more: int
    person: str
    user: Json | None
    pending: list[Json]
    webhook: Webhook | None
    parked: int
    said: str
    problem: str


def chosen(user: Json | None) -> dict[str, Any]:
    """`{"purposes": {id: enabled}, "channels": {id: enabled}, "values": {(purpose, preference): "v1,v2"}}`"""
    consents = user["consents"] if user else {"purposes": [], "channels": []}
    found: dict[str, Any] = {
        part: {each["id"]: each.get("enabled") for each in consents[part]} for part in ("purposes", "channels")
    }
    found["values"] = {
        (purpose["id"], preference): row.get("value") or ""
        for purpose in consents["purposes"]
        for preference, row in (purpose.get("values") or {}).items()
    }
    return found


def render(desk: Desk) -> str:
    told = f'<p class="said" role="status">{escape(desk.said)}</p>' if desk.said else ""
    told += f'<p class="said problem" role="alert">{escape(desk.problem)}</p>' if desk.problem else ""
    log = f"/_sandbox/log?{urlencode({'person': desk.person})}"
    inside = (
        f"{_people(desk)}<section><h2>Preference centre</h2>{told}{_centre(desk)}</section>"
        f"<section><h2>The webhook</h2>{_webhook(desk)}</section>"
        f'<section class="wide"><h2>What follows</h2>{_portal(desk)}{_pending(desk)}{_parked(desk)}'
        f'<iframe src="{escape(log)}" title="Events, news and calls"></iframe></section>'
    )
    head = (
        "<header><h1>Didomi, the sandbox</h1><p>You are the customer at the brand's preference centre: choose, save, "
        f"and see what the portal does. Organisation {escape(desk.organization)}.</p></header>"
    )
    return _page("Didomi, the sandbox", f"{head}<main>{inside}</main>")


def log(events: Iterable[Json], told: Iterable[Json], asked: Iterable[Json], *, parked: int) -> str:
    """Newest first: the person's events, the news of them, and what was asked of Didomi by anybody."""
    empty = '<tr><td colspan="3">Nothing yet.</td></tr>'
    waiting = f"<p>{parked} of it given up, and parked.</p>" if parked else ""
    inside = (
        "<h2>Events of this person</h2><table><tr><th class=call>When</th><th>What was said</th><th>Status</th></tr>"
        f"{''.join(map(_event_row, events)) or empty}</table>"
        f"<h2>What Didomi told the portal</h2>{waiting}"
        "<table><tr><th class=call>When</th><th>News</th><th>The answer</th></tr>"
        f"{''.join(map(_told_row, told)) or empty}</table>"
        "<h2>What was asked of Didomi</h2><table><tr><th class=call>Call</th><th>Address</th>"
        f"<th class=call>Answer</th></tr>{''.join(map(_asked_row, asked)) or empty}</table>"
    )
    return _page("What follows", inside, f'<meta http-equiv="refresh" content="{LOG_SECONDS}">', "plain")


def _page(title: str, inside: str, more: str = "", kind: str = "") -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>{more}'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<style>{STYLE}</style></head><body class="{kind}">{inside}</body></html>'
    )


def _people(desk: Desk) -> str:
    def line(person: str) -> str:
        current = ' aria-current="true"' if person == desk.person else ""
        href = escape(f"/_sandbox/?{urlencode({'person': person})}")
        return f'<li><a href="{href}"{current}>{escape(person)}</a></li>'

    more = f"<p>And {desk.more} more.</p>" if desk.more else ""
    find = (
        '<form method="get" action="/_sandbox/"><label>Somebody else<input name="person" autocomplete="off" '
        'placeholder="anna.peeters@example.com" required></label><button>Choose</button></form>'
    )
    return f"<nav><h2>People</h2><ul>{''.join(map(line, desk.people))}</ul>{more}{find}</nav>"


def _hidden(desk: Desk) -> str:
    return f'<input type="hidden" name="person" value="{escape(desk.person)}">'


def _centre(desk: Desk) -> str:
    if not desk.person:
        return "<p>Nobody is here yet. Choose a person: type an e-mail address.</p>"
    before, known = chosen(desk.user), desk.catalogue
    new = "" if desk.user else "<p>Didomi does not know this person yet.</p>"
    channels = "".join(
        _choice(f"channels.{each}", name, before["channels"].get(each)) for each, name in known.channels.items()
    )
    return (
        f'<form method="post" action="/_sandbox/choices">{new}<p><strong>{escape(desk.person)}</strong></p>'
        f"{_hidden(desk)}"
        f"{''.join(_purpose(each, known, before) for each in known.purposes.values())}"
        f"<h3>By which way</h3>{channels}"
        '<label class="check"><input type="checkbox" name="pending">Wait for approval</label>'
        '<label class="check"><input type="checkbox" name="muted">Tell nobody ($disable_integrations)</label>'
        "<button>Save</button></form>"
    )


def _purpose(purpose: Purpose, known: Catalogue, before: dict[str, Any]) -> str:
    asked = "".join(
        _preference(purpose, known.preferences[each], before["values"].get((purpose.id, each), ""))
        for each in purpose.preferences
        if each in known.preferences
    )
    about = f"<small>{escape(purpose.description)}</small>" if purpose.description else ""
    return f"{_choice(f'purposes.{purpose.id}', purpose.name, before['purposes'].get(purpose.id))}{about}{asked}"


def _choice(name: str, label: str, enabled: bool | None) -> str:
    options = (("", "No choice yet", None), ("yes", "Yes", True), ("no", "No", False))
    shown = "".join(
        f'<option value="{value}"{" selected" if meaning is enabled else ""}>{text}</option>'
        for value, text, meaning in options
        if meaning is not None or enabled is None
    )
    return f'<label class="choice">{escape(label)}<select name="{escape(name)}">{shown}</select></label>'


def _preference(purpose: Purpose, preference: Preference, value: str) -> str:
    name, picked = f"values.{purpose.id}.{preference.id}", chosen_values(value)
    if preference.kind == "single":
        options = "".join(
            f'<option value="{escape(each)}"{" selected" if each in picked else ""}>{escape(text)}</option>'
            for each, text in {"": "–", **preference.values}.items()
        )
        select = f'<select name="{escape(name)}">{options}</select>'
        return f'<label class="choice inner">{escape(preference.name)}{select}</label>'
    boxes = "".join(
        f'<label class="check"><input type="checkbox" name="{escape(f"{name}.{each}")}"'
        f"{' checked' if each in picked else ''}>{escape(text)}</label>"
        for each, text in preference.values.items()
    )
    return f'<fieldset class="inner"><legend>{escape(preference.name)}</legend>{boxes}</fieldset>'


def _webhook(desk: Desk) -> str:
    known = desk.webhook or Webhook("")
    fields = (
        ("url", "Address", known.url, "…/webhooks/listeners/didomi/events"),
        ("token_url", "Token address", known.token_url, "…/oauth/token"),
        ("client_id", "Client ID", known.client_id, ""),
        ("client_secret", "Client secret", "", "kept" if known.client_secret else ""),
        ("api_key", "Or an X-API-KEY", "", "kept" if known.api_key else ""),
    )
    inputs = "".join(
        f'<label>{label}<input name="{name}" value="{escape(value)}" placeholder="{hint}" autocomplete="off"></label>'
        for name, label, value, hint in fields
    )
    return (
        '<p>What a Didomi administrator enters in the console, for all events.</p><form method="post" '
        f'action="/_sandbox/webhook">{_hidden(desk)}{inputs}'
        "<button>Send news there</button></form>"
    )


def _portal(desk: Desk) -> str:
    if desk.webhook is None:
        return "<p>No webhook is set: the portal is told nothing.</p>"
    parts = urlsplit(desk.webhook.url)
    events = escape(f"{parts.scheme}://{parts.netloc}/admin/portal/event/")
    return f'<p>Follow it in <a href="{events}">the portal\'s events</a>, from here to Actito.</p><br>'


def _pending(desk: Desk) -> str:
    return "".join(
        f'<form method="post" action="/_sandbox/approve">{_hidden(desk)}'
        f'<input type="hidden" name="event" value="{escape(each["id"])}">'
        f"<p>{escape(_said(each))}: waits for approval.</p><button>Approve</button></form><br>"
        for each in desk.pending
    )


def _parked(desk: Desk) -> str:
    if not desk.parked:
        return ""
    return (
        f'<form method="post" action="/_sandbox/resend">{_hidden(desk)}'
        f"<p>Given up after all retries: {desk.parked}.</p><button>Send again</button></form><br>"
    )


def _said(event: Json) -> str:
    """What an event says, in one line: `newsletter yes, topics wine,cheese`."""
    words = {True: "yes", False: "no", None: "–"}
    consents, found = event["consents"], []
    for purpose in consents.get("purposes") or []:
        if purpose.get("enabled") is not None:
            found.append(f"{purpose['id']} {words[purpose['enabled']]}")
        for preference, row in (purpose.get("values") or {}).items():
            found.append(f"{purpose['id']}: {preference} {row.get('value') or '–'}")
    found += [f"{each['id']} {words[each.get('enabled')]}" for each in consents.get("channels") or []]
    return ", ".join(found) or "nothing"


def _event_row(event: Json) -> str:
    by = f" by {event['delegate']['id']}" if event.get("delegate") else ""
    moment = datetime.fromisoformat(event["created_at"]).astimezone()
    when = moment.strftime("%H:%M:%S" if moment.date() == datetime.now().astimezone().date() else "%Y-%m-%d")
    state = escape(f"{event['status']}, {event['regulation']}{by}")
    return f"<tr><td class=call>{when}</td><td>{escape(_said(event))}</td><td>{state}</td></tr>"


def _told_row(row: Json) -> str:
    when = time.strftime("%H:%M:%S", time.localtime(row["sent_at"]))
    again = f", try {row['try']}" if row["try"] > 1 else ""
    return f"<tr><td class=call>{when}</td><td>{escape(row['type'])}{again}</td><td>{_answer(row)}</td></tr>"


def _answer(row: Json) -> str:
    if row["status"] is None:
        return f'<span class="bad">none: {escape(str(row["error"]).split(":")[0])}</span>'
    taken = 200 <= row["status"] < 300
    return f'<span class="{"good" if taken else "bad"}">{row["status"]}: {"taken" if taken else "refused"}</span>'


def _asked_row(row: Json) -> str:
    tone = "good" if row["status"] < 400 else "bad"
    return (
        f"<tr><td class=call>{escape(row['method'])}</td><td>{escape(row['path'])}</td>"
        f'<td class="{tone}">{row["status"]}</td></tr>'
    )
