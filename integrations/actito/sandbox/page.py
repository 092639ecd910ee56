"""What the sandbox's page looks like: plain HTML, complete in itself, without a script."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import urlencode

from integrations.actito.sandbox.profiles import READ_ONLY
from integrations.actito.sandbox.store import Attribute, Json, Profile, Table

SECURITY = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'self'"
)
SAID = {
    "saved": "Saved. What follows shows below.",
    "fired": "The profile reached the custom action. What follows shows below.",
    "unheard": "The profile reached it, but no webhook is on this custom action: nobody was told.",
}
SAMPLES = (("bonus", "50"), ("message", "Double points today"), ("", ""), ("", ""))
LOG_SECONDS = 2
STYLE = """
:root { color-scheme: light dark; --back: #f6f7f9; --ink: #16181d; --faint: #667085; --card: #fff; --line: #e4e7ec;
  --accent: #1f6f54; --good: #15803d; --bad: #b91c1c; --warn: #b45309; }
@media (prefers-color-scheme: dark) { :root { --back: #0f1218; --ink: #f2f4f7; --faint: #98a2b3; --card: #171b23;
  --line: #2a303b; --accent: #2f9472; --good: #4ade80; --bad: #f87171; --warn: #fbbf24; } }
* { box-sizing: border-box; margin: 0; }
body { background: var(--back); color: var(--ink); font: 15px/1.45 Inter, -apple-system, "Segoe UI", Roboto, sans-serif;
  padding: 1.5rem; }
header { margin: 0 auto 1.25rem; max-width: 72rem; }
h1 { font-size: 1.25rem; } h2 { font-size: .9375rem; margin-bottom: .75rem; }
p, small { color: var(--faint); } a { color: var(--accent); font-weight: 500; }
main { align-items: start; display: grid; gap: 1.25rem; grid-template-columns: minmax(0, 1fr); margin: 0 auto;
  max-width: 72rem; }
section, nav { background: var(--card); border: 1px solid var(--line); border-radius: 10px; min-width: 0;
  padding: 1rem 1.25rem; }
nav ul { list-style: none; max-height: 12rem; overflow-y: auto; padding: 0; }
nav a { border-radius: 6px; color: inherit; display: block; font-weight: 400; overflow-wrap: anywhere;
  padding: .375rem .5rem; text-decoration: none; }
nav a:hover, nav [aria-current] { background: var(--line); }
.fields { display: grid; gap: .75rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 10rem), 1fr)); }
label { display: block; font-size: .8125rem; font-weight: 600; }
label > :is(input, select) { font-weight: 400 !important; }
label small { font-weight: 400; }
input:not([type=checkbox]), select { background: transparent; border: 1px solid var(--line); border-radius: 8px;
  color: inherit; font: inherit; margin-top: .25rem; min-width: 0; padding: .4375rem .625rem; width: 100%; }
select option { background: var(--card); }
.check { align-items: center; display: flex; gap: .5rem; }
.pairs { display: grid; gap: .5rem; grid-template-columns: minmax(0, 1fr) minmax(0, 2fr); margin: .75rem 0; }
button { background: var(--accent); border: 0; border-radius: 8px; color: #fff; cursor: pointer; font: inherit;
  font-weight: 500; margin-top: 1rem; padding: .5rem .875rem; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
iframe { border: 0; display: block; height: 22rem; width: 100%; }
.said { border-left: 3px solid var(--good); color: var(--ink); margin-bottom: 1rem; padding-left: .75rem; }
.problem { border-left-color: var(--bad); color: var(--bad); }
table { border-collapse: collapse; width: 100%; }
td, th { border-bottom: 1px solid var(--line); font-size: .8125rem; overflow-wrap: anywhere;
  padding: .375rem .5rem .375rem 0; text-align: left; vertical-align: baseline; }
th { color: var(--faint); font-weight: 500; }
.good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); }
.plain { background: none; padding: 0; } .plain h2 { margin-top: 1rem; } .plain h2:first-child { margin-top: 0; }
@media (min-width: 1000px) { main { grid-template-columns: 15rem minmax(0, 1fr) minmax(0, 1fr); }
  .wide { grid-column: 2 / 4; } nav { grid-row: span 2; } nav ul { max-height: 40rem; } }
.call { white-space: nowrap; }
"""


@dataclass(frozen=True)
class Desk:
    """What the page shows. `portal` is the base address that the webhooks lead to."""

    entity: str
    table: Table
    people: list[Profile]
    more: int
    profile: Profile | None
    actions: list[str]
    entered: list[str]
    portal: str
    said: str
    problem: str


def editable(table: Table) -> list[Attribute]:
    return [attribute for attribute in table.attributes.values() if attribute.name not in READ_ONLY]


def render(desk: Desk) -> str:
    told = f'<p class="said">{escape(desk.said)}</p>' if desk.said else ""
    told += f'<p class="said problem" role="alert">{escape(desk.problem)}</p>' if desk.problem else ""
    inside = _people(desk)
    if desk.profile is not None:
        log = f"/_sandbox/log?{_which(desk, desk.profile)}"
        inside += (
            f"<section><h2>The profile in Actito</h2>{told}{_profile(desk, desk.profile)}</section>"
            f"<section><h2>A custom action</h2>{_action(desk, desk.profile)}</section>"
            f'<section class="wide"><h2>What follows</h2>{_portal(desk)}{_entered(desk)}'
            f'<iframe src="{escape(log)}" title="What was told and asked"></iframe></section>'
        )
    return _page("Actito, the sandbox", f"{_head(desk)}<main>{inside}</main>")


def nothing() -> str:
    head = "<header><h1>Actito, the sandbox</h1><p>There is no profile table yet. The demo makes one.</p></header>"
    return _page("Actito, the sandbox", head)


def log(pushed: Iterable[Json], asked: Iterable[Json]) -> str:
    """Newest first: what Actito told about the profile, and what it was asked about the table."""
    told = "".join(
        f"<tr><td>{time.strftime('%H:%M:%S', time.localtime(row['sent_at']))}</td><td>{escape(row['event_type'])}</td>"
        f"<td>{_answer(row)}</td></tr>"
        for row in pushed
    )
    calls = "".join(
        f"<tr><td class=call>{escape(row['method'])}</td><td>{escape(row['path'])}</td>"
        f'<td class="{"good" if row["status"] < 400 else "bad"}">{row["status"]}</td></tr>'
        for row in asked
    )
    empty = '<tr><td colspan="3">Nothing yet.</td></tr>'
    inside = (
        "<h2>What Actito told the portal about this profile</h2>"
        f"<table><tr><th>When</th><th>Event</th><th>The portal's answer</th></tr>{told or empty}</table>"
        "<h2>What the portal then asked of Actito</h2>"
        f"<table><tr><th class=call>Call</th><th>Address</th><th class=call>Answer</th></tr>{calls or empty}</table>"
    )
    return _page("What follows", inside, f'<meta http-equiv="refresh" content="{LOG_SECONDS}">', "plain")


def _page(title: str, inside: str, more: str = "", kind: str = "") -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>{more}'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<style>{STYLE}</style></head><body class="{kind}">{inside}</body></html>'
    )


def _head(desk: Desk) -> str:
    return (
        "<header><h1>Actito, the sandbox</h1><p>You are the marketer: change a profile or let it reach a custom "
        f"action, and see what the portal does. Entity {escape(desk.entity)}, table {escape(desk.table.name)}."
        "</p></header>"
    )


def _people(desk: Desk) -> str:
    def line(person: Profile) -> str:
        current = ' aria-current="true"' if desk.profile and person.id() == desk.profile.id() else ""
        return f'<li><a href="/_sandbox/?{escape(_which(desk, person))}"{current}>{escape(_name(person))}</a></li>'

    more = f"<p>And {desk.more} more.</p>" if desk.more else ""
    return f"<nav><h2>Profiles</h2><ul>{''.join(map(line, desk.people))}</ul>{more or ''}</nav>"


def _name(person: Profile) -> str:
    names = [str(person.attributes.get(name) or "") for name in ("firstName", "lastName")]
    return " ".join(filter(None, names)) or str(person.attributes.get("emailAddress") or person.id())


def _which(desk: Desk, person: Profile) -> str:
    return urlencode({"entity": desk.entity, "table": desk.table.name, "profile": person.id()})


def _hidden(desk: Desk, person: Profile) -> str:
    chosen = {"entity": desk.entity, "table": desk.table.name, "profile": str(person.id())}
    return "".join(f'<input type="hidden" name="{name}" value="{escape(text)}">' for name, text in chosen.items())


def _profile(desk: Desk, person: Profile) -> str:
    inputs = "".join(_input(attribute, person.attributes.get(attribute.name)) for attribute in editable(desk.table))
    checks = "".join(
        f'<label class="check"><input type="checkbox" name="s.{escape(name)}"'
        f"{' checked' if person.subscriptions.get(name) else ''}>{escape(name)}</label>"
        for name in desk.table.subscriptions
    )
    return (
        f'<form method="post" action="/_sandbox/profile">{_hidden(desk, person)}'
        f'<div class="fields">{inputs}{checks}</div><button>Save in Actito</button></form>'
    )


def _input(attribute: Attribute, value: Any) -> str:
    about = attribute.value_type.lower() if attribute.type == "CUSTOM" else attribute.type.lower().replace("_", " ")
    text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return (
        f"<label>{escape(attribute.name)} <small>{escape(about)}</small>"
        f'<input name="a.{escape(attribute.name)}" value="{escape(text)}" autocomplete="off"></label>'
    )


def _action(desk: Desk, person: Profile) -> str:
    if not desk.actions:
        return "<p>No custom action is declared here. docs/sandbox.md says how one is made.</p>"
    options = "".join(f"<option>{escape(name)}</option>" for name in desk.actions)
    pairs = "".join(
        f'<input name="name{n}" value="{escape(name)}" placeholder="Parameter" aria-label="Parameter {n + 1}">'
        f'<input name="value{n}" value="{escape(value)}" placeholder="Value" aria-label="Value {n + 1}">'
        for n, (name, value) in enumerate(SAMPLES)
    )
    return (
        f'<form method="post" action="/_sandbox/custom-action">{_hidden(desk, person)}'
        f'<label>Custom action<select name="action">{options}</select></label><div class="pairs">{pairs}</div>'
        "<button>Let the profile reach it</button></form>"
    )


def _portal(desk: Desk) -> str:
    if not desk.portal:
        return "<p>No webhook is subscribed: the portal is told nothing.</p>"
    events = escape(f"{desk.portal}/admin/portal/event/")
    return f'<p>Follow it in <a href="{events}">the portal\'s events</a>, from here to the phones.</p><br>'


def _entered(desk: Desk) -> str:
    return f"<p>Entered: {escape(', '.join(desk.entered))}.</p><br>" if desk.entered else ""


def _answer(row: Json) -> str:
    status = row["status"]
    if status is None:
        return f'<span class="bad">none: {escape(str(row["error"])[:120])}</span>'
    words = {200: "taken", 208: "taken, it was known already"}.get(status, "refused" if status >= 400 else "taken")
    tone = "good" if status < 300 else "bad"
    return f'<span class="{tone}">{status}: {words}</span>, in {row["ms"]:.0f} ms'
