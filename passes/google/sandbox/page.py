"""The sandbox's pages: what a save link opens, and every virtual phone with what Google told and was told. Plain HTML,
complete in itself but for the cards' pictures. What a save link opens works without scripts.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple
from urllib.parse import quote

from passes.google.sandbox.layout import Card
from passes.google.sandbox.paths import Shown
from passes.google.sandbox.wire import Json
from portal.sandbox_page import SCRIPT

SECURITY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src http: https: data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
OVERVIEW_SECURITY = f"{SECURITY}; script-src 'unsafe-inline'; connect-src 'self'"
NOTES, ROWS = 6, 20
STYLE = """
:root { color-scheme: light dark; --back: #f0f3f8; --ink: #1f1f1f; --faint: #5f6368; --card: #fff; --line: #dadce0;
  --accent: #0b57d0; --good: #137333; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --back: #131314; --ink: #e3e3e3; --faint: #9aa0a6; --card: #1e1f20;
  --line: #3c4043; --accent: #a8c7fa; --good: #81c995; --bad: #f2b8b5; } }
* { box-sizing: border-box; margin: 0; }
body { background: var(--back); color: var(--ink); font: 15px/1.45 Roboto, "Segoe UI", system-ui, sans-serif;
  padding: 2rem; }
h1 { font-size: 1.4rem; font-weight: 500; } h2 { font-size: 1.05rem; font-weight: 500; }
header p, .faint { color: var(--faint); } header { margin-bottom: 1.5rem; }
main { align-items: flex-start; display: flex; flex-wrap: wrap; gap: 2rem; }
.phone { background: var(--card); border: 9px solid #2b2c2f; border-radius: 34px; min-height: 560px; padding: 18px 14px;
  width: 350px; }
.phone > h2, .meta { text-align: center; } .meta { color: var(--faint); font-size: .8rem; margin-bottom: 12px; }
.note { background: var(--back); border-radius: 20px; margin-bottom: 8px; overflow-wrap: anywhere; padding: 10px 16px; }
.note time { color: var(--faint); float: right; font-size: .78rem; }
.pass { border-radius: 22px; margin-top: 14px; overflow: hidden; padding: 16px; }
.pass.gone { filter: grayscale(1); opacity: .65; }
.top { align-items: center; display: flex; gap: 10px; } .top img { border-radius: 50%; height: 40px; width: 40px; }
.title { font-size: 1.45rem; margin: 10px 0; overflow-wrap: anywhere; }
.row { display: grid; gap: 12px; grid-auto-columns: minmax(0, 1fr); grid-auto-flow: column; margin-bottom: 12px; }
td:first-child, th:first-child { width: 1%; } .row > :last-child:not(:first-child) { text-align: right; }
small { display: block; font-size: .75rem; opacity: .85; } .row span { overflow-wrap: anywhere; }
.code { background: #fff; border-radius: 12px; color: #202124; font: 500 .95rem ui-monospace, monospace;
  overflow-wrap: anywhere; padding: 12px; text-align: center; }
.hero { display: block; margin: 12px -16px -16px; width: calc(100% + 32px); }
details { font-size: .85rem; margin: 8px 4px; overflow-wrap: anywhere; } dt { color: var(--faint); margin-top: 6px; }
.notice { color: var(--faint); font-size: .78rem; margin: 6px; }
.sheet { background: var(--card); border-radius: 24px; margin: 0 auto; max-width: 30rem; padding: 1.5rem; }
.sheet li { margin: .25rem 0 0 1rem; }
button { background: var(--accent); border: 0; border-radius: 24px; color: var(--card); cursor: pointer; font: inherit;
  font-weight: 500; margin-top: 1rem; min-height: 48px; padding: 0 1.5rem; width: 100%; }
button.quiet { background: none; border: 1px solid var(--line); color: var(--ink); }
section.wide { width: 100%; } table { border-collapse: collapse; margin: .5rem 0 1.5rem; width: 100%; }
td, th { border-bottom: 1px solid var(--line); font-size: .82rem; overflow-wrap: anywhere;
  padding: .35rem .5rem .35rem 0; text-align: left; vertical-align: top; } th { color: var(--faint); font-weight: 500; }
td:first-child, td:nth-child(2) { white-space: nowrap; }
.good { color: var(--good); } .bad { color: var(--bad); }
@media (max-width: 700px) { body { padding: 1rem; } .phone { width: 100%; } section.wide { overflow-x: auto; }
  table { min-width: 44rem; } th { white-space: nowrap; } }
"""
_COLOUR = re.compile(r"#[0-9A-Fa-f]{3}(?:[0-9A-Fa-f]{3})?")


class Seen(NamedTuple):
    """A phone as the page shows it."""

    name: str
    language: str
    screen: list[Json]
    cards: list[Card]


def save(token: str, offered: Sequence[Card], warnings: Iterable[str], holder: str, held: bool) -> str:
    """What a save link opens: the passes, and one button."""
    do, said = ("remove", "Remove from Google Wallet") if held else ("save", "Add to Google Wallet")
    done = f'<p class="good" role="status">In the wallet of {escape(holder)}.</p>' if held else ""
    inside = (
        f'<div class="sheet"><h1>Google Wallet, the sandbox</h1>{"".join(map(_card, offered))}{done}'
        f'<form method="post" action="/gp/v/save/{quote(token)}">'
        f'<input type="hidden" name="phone" value="{escape(holder)}"><input type="hidden" name="do" value="{do}">'
        f"<button{' class=quiet' if held else ''}>{said}</button></form>"
        f"{''.join(f'<p class=notice>{escape(warning)}</p>' for warning in warnings)}</div>"
    )
    return _page("Google Wallet, the sandbox", inside)


def refused(reasons: Iterable[str]) -> str:
    """Google says “Something went wrong. Please try again.” and no more; the sandbox says why."""
    told = "".join(f"<li>{escape(reason)}</li>" for reason in reasons)
    return _page(
        "Something went wrong",
        f'<div class="sheet"><h1>Something went wrong</h1><p class="faint">Google tells no more than that. '
        f"The sandbox found:</p><ul>{told}</ul></div>",
    )


def overview(phones: Iterable[Seen], issuers: Iterable[Sequence[object]], told: list[Json], pushed: list[Json]) -> str:
    """Every phone; then issuers as (id, name, users, classes, objects, held), callbacks and pushes, newest first."""
    shown = "".join(map(_phone, phones))
    empty = "<p class=faint>No phone yet. Open a pass's link with one, and it appears here: docs/sandbox.md.</p>"
    tables = (
        _table("Issuers", ("Issuer", "Name", "Users", "Classes", "Objects", "Held"), [*issuers])
        + _table("Callbacks", ("When", "Event", "Object", "The portal's answer"), [_told(each) for each in told[:ROWS]])
        + _table("Notifications", ("When", "Object", "Text", "Pushed"), [_pushed(each) for each in pushed[:ROWS]])
    )
    return _page(
        "Virtual Android phones",
        "<header><h1>Virtual Android phones</h1><p>Google's side of Wallet, on this machine. What you see arrived over "
        f'the real protocol.</p></header><main>{shown or empty}<section class="wide">{tables}</section></main>'
        f"<script>{SCRIPT}</script>",
    )


def _page(title: str, inside: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body>{inside}</body></html>"
    )


def _phone(phone: Seen) -> str:
    notes = "".join(
        f'<div class="note"><time>{_clock(each["at"])}</time><b>{escape(each["title"])}</b><br>'
        f"{escape(each['text'])}</div>"
        for each in reversed(phone.screen[-NOTES:])
    )
    cards = "".join(_card(card, phone.name) for card in phone.cards)
    return (
        f'<section class="phone"><h2>{escape(phone.name)}</h2>'
        f'<p class="meta">{escape(phone.language)} · {len(phone.cards)} in Wallet</p>'
        f"{notes or '<p class=meta>No notifications</p>'}{cards}</section>"
    )


def _card(card: Card, phone: str = "") -> str:
    back = card.colour if _COLOUR.fullmatch(card.colour) else "#5f6368"
    rows = "".join(f'<div class="row">{"".join(map(_field, row))}</div>' for row in card.rows)
    gone = "" if card.state == "ACTIVE" else f'<p class="meta">{escape(card.state)}</p>'
    return (
        f'<article class="pass{" gone" if gone else ""}" style="background:{back};color:{_ink(back)}">'
        f'<div class="top">{_image(card.logo)}<span>{escape(card.issuer)}</span></div>'
        f'<p class="title"><small>{escape(card.subtitle)}</small>{escape(card.title)}</p>{rows}'
        f"{_code(card.barcode)}{_image(card.hero, 'hero')}</article>{gone}"
        f'<details id="{escape(phone)}-{escape(card.resource)}">'
        f"<summary>{escape(card.resource)}</summary><dl>{''.join(map(_entry, card.messages))}"
        f"{''.join(map(_entry, card.details))}{''.join(_entry(Shown(*link)) for link in card.links)}</dl></details>"
        f"{''.join(f'<p class=notice>{escape(notice)}</p>' for notice in card.notices)}"
    )


def _field(shown: Shown) -> str:
    return f"<div><small>{escape(shown.label)}</small><span>{escape(shown.text)}</span></div>"


def _entry(shown: Shown) -> str:
    return f"<dt>{escape(shown.label)}</dt><dd>{escape(shown.text)}</dd>"


def _code(barcode: Shown | None) -> str:
    return f'<div class="code">{escape(barcode.text)}<small>{escape(barcode.label)}</small></div>' if barcode else ""


def _image(address: str, kind: str = "") -> str:
    return f'<img class="{kind}" alt="" src="{escape(address)}">' if address else ""


def _ink(back: str) -> str:
    """Google chooses black or white by the background."""
    digits = back[1:] if len(back) == 7 else "".join(each * 2 for each in back[1:])
    red, green, blue = (int(digits[at : at + 2], 16) for at in (0, 2, 4))
    return "#202124" if 0.299 * red + 0.587 * green + 0.114 * blue > 150 else "#fff"


def _table(title: str, heads: Sequence[str], rows: list[Sequence[object]]) -> str:
    told = "".join(f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows)
    nothing = f'<tr><td colspan="{len(heads)}">None yet.</td></tr>'
    line = "".join(f"<th>{head}</th>" for head in heads)
    return f"<h2>{title}</h2><table><tr>{line}</tr>{told or nothing}</table>"


def _told(post: Json) -> Sequence[object]:
    answer = f"none: {post['error'][:120]}" if post["status"] is None else f"{post['status']} in {post['ms']:.0f} ms"
    return _clock(post["sent_at"]), post["event"], post["object"], answer


def _pushed(notice: Json) -> Sequence[object]:
    to = ", ".join(notice["phones"]) if not notice["silent"] else f"no: {notice['silent']}"
    return _clock(notice["at"]), notice["object"], f"{notice['title']}: {notice['text']}", to


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at))
