"""The page with every virtual phone: lock screens and cards, complete in itself, refreshed every two seconds."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterable
from html import escape
from typing import Any

from passes.apple.sandbox import keys
from passes.apple.sandbox.cards import Card, ScreenEntry
from passes.apple.sandbox.fields import ShownField
from passes.apple.sandbox.iphone import VirtualIPhone
from portal.sandbox_page import SCRIPT

SECURITY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; connect-src 'self'; "
    "frame-ancestors 'none'"
)
STYLE = """
:root { color-scheme: light dark; --back: #eef0f4; --ink: #1c1c22; --faint: #6b6f7b; --frame: #17181c;
  --glass: #ffffffb8; --wall: linear-gradient(165deg, #c9d6ff, #e2c9f5 55%, #ffd9c7); }
@media (prefers-color-scheme: dark) { :root { --back: #101116; --ink: #f2f2f6; --faint: #a0a3b0; --frame: #2b2d35;
  --glass: #1d1e26b8; --wall: linear-gradient(165deg, #1b2350, #3a2352 55%, #4a2a2c); } }
* { box-sizing: border-box; margin: 0; }
body { font: 15px/1.4 -apple-system, BlinkMacSystemFont, "Segoe UI", Roboto, sans-serif; background: var(--back);
  color: var(--ink); padding: 2rem; }
h1 { font-size: 1.4rem; font-weight: 650; } header p { color: var(--faint); margin-bottom: 2rem; }
main { display: flex; flex-wrap: wrap; gap: 2.5rem; align-items: flex-start; }
.phone { width: 350px; border: 11px solid var(--frame); border-radius: 46px; background: var(--wall);
  box-shadow: 0 18px 50px #0003; padding: 14px 14px 22px; min-height: 600px; }
.island { width: 92px; height: 24px; border-radius: 14px; background: #000; margin: 0 auto 14px; }
.phone h2 { text-align: center; font-size: 1.05rem; font-weight: 600; }
.phone .meta { text-align: center; color: var(--faint); font-size: .8rem; margin-bottom: 14px; }
.note { background: var(--glass); border-radius: 18px; padding: 10px 14px; margin-bottom: 8px;
  backdrop-filter: blur(12px); }
.note b { font-weight: 600; } .note time { float: right; color: var(--faint); font-size: .78rem; }
.empty { color: var(--faint); text-align: center; padding: 18px; }
.card { border-radius: 16px; margin-top: 16px; padding: 14px 16px; box-shadow: 0 6px 18px #0003; overflow: hidden; }
.card.voided { filter: grayscale(1); opacity: .6; }
.top { display: flex; justify-content: space-between; align-items: center; gap: 10px; margin-bottom: 10px; }
.top img { max-height: 34px; max-width: 130px; }
.brand { font-weight: 600; display: flex; align-items: center; gap: 8px; }
.strip { display: block; width: calc(100% + 32px); margin: 0 -16px 10px; max-height: 130px; object-fit: cover; }
.fields { display: flex; flex-wrap: wrap; gap: 8px 18px; margin-bottom: 8px; }
.field small { display: block; font-size: .68rem; letter-spacing: .05em; text-transform: uppercase; }
.primaryFields .field span { font-size: 1.7rem; font-weight: 300; }
.field span { overflow-wrap: anywhere; }
.code { background: #fff; color: #111; border-radius: 10px; padding: 10px; text-align: center; margin-top: 8px;
  font: 600 .95rem ui-monospace, monospace; overflow-wrap: anywhere; }
.code small { display: block; font-weight: 400; color: #666; }
details { margin-top: 10px; font-size: .85rem; } summary { cursor: pointer; }
.notice { color: var(--faint); font-size: .78rem; margin-top: 10px; padding: 0 6px; }
"""


def render(phones: Iterable[VirtualIPhone]) -> str:
    shown = "".join(_phone(phone) for phone in phones)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Virtual iPhones</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body><header><h1>Virtual iPhones</h1>"
        "<p>Apple's side of Wallet, on this machine. What you see arrived over the real protocol.</p></header>"
        f"<main>{shown or '<p class=empty>No phone yet. Add a pass to one, and it appears here.</p>'}</main>"
        f"<script>{SCRIPT}</script></body></html>"
    )


def _phone(phone: VirtualIPhone) -> str:
    entries, shown = phone.screen, phone.shown()
    notes = "".join(_note(entry) for entry in reversed(entries[-6:]))
    wallet = "".join(_card(card, fields, phone.name) for card, fields in shown)
    notices = "".join(f'<p class="notice">{escape(notice)}</p>' for notice in phone.notices)
    return (
        f'<section class="phone"><div class="island"></div><h2>{escape(phone.name)}</h2>'
        f'<p class="meta">{escape(phone.language)} · {len(shown)} in Wallet</p>'
        f"{notes or '<p class=empty>No notifications</p>'}{wallet}{notices}</section>"
    )


def _note(entry: ScreenEntry) -> str:
    moment = time.strftime("%H:%M:%S", time.localtime(entry["at"]))
    return f'<div class="note"><time>{moment}</time><b>{escape(entry["title"])}</b><br>{escape(entry["text"])}</div>'


def _card(card: Card, fields: list[ShownField], phone: str) -> str:
    document = card.document
    back, front = _colour(document, "backgroundColor", "#f7f7f9"), _colour(document, "foregroundColor", "#1c1c22")
    label = _colour(document, "labelColor", front)
    groups = "".join(
        _group(group, fields, label) for group in keys.GROUPS if group not in {"headerFields", "backFields"}
    )
    name = f"{phone}-{'-'.join(card.identity)}"
    return (
        f'<article class="card{" voided" if document.get("voided") else ""}" style="background:{back};color:{front}">'
        f'<div class="top"><span class="brand">{_image(card, "logo")}{escape(_title(document))}</span>'
        f"{_group('headerFields', fields, label)}</div>{_image(card, 'strip')}{groups}{_barcode(document)}"
        f'<details id="{escape(name)}"><summary>{escape(document["description"])}</summary>'
        f"{_group('backFields', fields, label)}<p>Serial {escape(card.identity[1])}</p></details></article>"
    )


def _title(document: dict[str, Any]) -> str:
    return str(document.get("logoText", document["organizationName"]))


def _group(group: str, fields: list[ShownField], label: str) -> str:
    found = "".join(
        f'<div class="field"><small style="color:{label}">{escape(field.label)}</small>'
        f"<span>{escape(field.text)}</span></div>"
        for field in fields
        if field.group == group
    )
    return f'<div class="fields {group}">{found}</div>' if found else ""


def _barcode(document: dict[str, Any]) -> str:
    barcode = next(iter(document.get("barcodes") or []), document.get("barcode"))
    if not barcode:
        return ""
    caption = barcode.get("altText") or barcode["format"].removeprefix("PKBarcodeFormat")
    return f'<div class="code">{escape(barcode["message"])}<small>{escape(caption)}</small></div>'


def _image(card: Card, name: str) -> str:
    files = card.checked.files
    data = files.get(f"{name}@2x.png") or files.get(f"{name}.png")
    if not data:
        return ""
    return f'<img class="{name}" alt="" src="data:image/png;base64,{base64.b64encode(data).decode()}">'


def _colour(document: dict[str, Any], key: str, default: str) -> str:
    """Only what the checks know as a colour reaches the page's CSS."""
    value = document.get(key)
    return value if isinstance(value, str) and keys.is_colour(value) else default
