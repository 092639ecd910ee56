"""How Google Wallet lays a pass out: heading, the rows of the card, what stands below it, and what it leaves out.

Source: developers.google.com/wallet/generic/resources/template. Where a class lays out no rows, what is shown by
default is inferred from that page's pictures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from passes.google.sandbox.paths import Shown, resolved, spoken, translated
from passes.google.sandbox.wire import Json, parts, schema_of

MODULES, IMAGE_MODULES, ROW_ITEMS = 10, 1, {"oneItem": ("item",), "twoItems": ("startItem", "endItem"),
                                            "threeItems": ("startItem", "middleItem", "endItem")}  # fmt: skip
_TITLES = {"loyalty": "class.programName", "offer": "class.title", "giftCard": "class.merchantName",
           "eventTicket": "class.eventName", "generic": "object.header", "transit": "class.issuerName",
           "flight": "class.flightHeader.flightNumber"}  # fmt: skip
_LOGOS = {"loyalty": "programLogo", "offer": "titleImage", "giftCard": "programLogo"}
_ROWS = {
    "loyalty": (("object.loyaltyPoints", "object.secondaryLoyaltyPoints"), ("object.accountName", "class.rewardsTier")),
    "giftCard": (("object.balance",), ("object.cardNumber",)),
    "offer": (("class.provider",),),
    "eventTicket": (
        ("class.dateTime.start",),
        ("object.seatInfo.section", "object.seatInfo.row", "object.seatInfo.seat"),
    ),
}


@dataclass(frozen=True)
class Card:
    """A pass as its holder sees it. `state` is ACTIVE, or why it stands among the archived ones. `notices`: what Google
    leaves out without a word.
    """

    resource: str
    issuer: str
    title: str
    subtitle: str
    colour: str
    logo: str
    hero: str
    rows: list[list[Shown]]
    details: list[Shown]
    links: list[tuple[str, str]]
    messages: list[Shown]
    barcode: Shown | None
    state: str
    notices: list[str] = field(default_factory=list)

    def summary(self) -> Json:
        """{"id", "issuer", "title", "fields": {label: text}, "rows", "barcode", "state", "messages", "notices"}"""
        return {
            "id": self.resource,
            "issuer": self.issuer,
            "title": self.title,
            "subtitle": self.subtitle,
            "fields": {each.label: each.text for row in self.rows for each in row},
            "rows": [[{"label": each.label, "text": each.text} for each in row] for row in self.rows],
            "details": [{"label": each.label, "text": each.text} for each in self.details],
            "links": [{"text": text, "uri": uri} for text, uri in self.links],
            "messages": [{"header": each.label, "body": each.text} for each in self.messages],
            "barcode": self.barcode.text if self.barcode else "",
            "state": self.state,
            "notices": self.notices,
        }


def card_of(kind: str, parent: Json, body: Json, language: str, now: datetime | None = None) -> Card:
    sort = kind.removesuffix("Object")
    facts: Json = {"class": parent, "object": body}
    rows, lost = _rows(sort, facts, language)
    generic = sort == "generic"
    return Card(
        resource=str(body.get("id", "")),
        issuer=_issuer(sort, facts, language),
        title=card_title(sort, facts, language),
        subtitle=spoken(body.get("subheader"), language) if generic else "",
        colour=str(body.get("hexBackgroundColor") or parent.get("hexBackgroundColor") or "#5f6368"),
        logo=_image(body.get("logo") if generic else parent.get(_LOGOS.get(sort, "logo"))),
        hero=_image(body.get("heroImage") or parent.get("heroImage")),
        rows=rows,
        details=list(_modules(facts, language)),
        links=list(_links(facts, language)),
        messages=_messages(facts, language),
        barcode=_barcode(body),
        state=_state(body, now or datetime.now(UTC)),
        notices=[*lost, *_left_out(kind, parent, body)],
    )


def card_title(sort: str, facts: Json, language: str) -> str:
    """The largest text; that of an issuer who gives none is the issuer's name. `sort`: loyalty, generic, …"""
    title = resolved(facts, _TITLES[sort], language)
    return title.text if title else _issuer(sort, facts, language)


def _issuer(sort: str, facts: Json, language: str) -> str:
    if sort == "generic":
        return spoken(facts["object"].get("cardTitle"), language)
    return translated(facts["class"], "issuerName", language)


def _rows(sort: str, facts: Json, language: str) -> tuple[list[list[Shown]], list[str]]:
    """The rows that have something to show, and what names nothing."""
    override = facts["class"].get("classTemplateInfo", {}).get("cardTemplateOverride")
    if override is None:
        default = [[resolved(facts, path, language) for path in row] for row in _ROWS.get(sort, ())]
        return [found for row in default if (found := [each for each in row if each])], []
    rows, lost = [], []
    for row in override.get("cardRowTemplateInfos", []):
        shown = []
        for item in _items(row):
            each = _item(facts, item, language)
            if each:
                shown.append(each)
            else:
                lost += [f"{path} names nothing: its place on the card stays empty." for path in _paths(item)]
        rows.append(shown)
    return [row for row in rows if row], lost


def _items(row: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for name, places in ROW_ITEMS.items():
        for place in places if name in row else ():
            if place in row[name]:
                yield row[name][place]


def _item(facts: Json, item: Mapping[str, Any], language: str) -> Shown | None:
    """Of each value the first field that is not empty."""
    found = [
        next(
            filter(None, (resolved(facts, each["fieldPath"], language) for each in item[value].get("fields", []))), None
        )
        for value in ("firstValue", "secondValue")
        if value in item
    ]
    there = [each for each in found if each]
    return Shown(there[0].label, " ".join(each.text for each in there)) if there else None


def _paths(item: Mapping[str, Any]) -> Iterator[str]:
    for value in ("firstValue", "secondValue"):
        for each in item.get(value, {}).get("fields", []):
            yield each["fieldPath"]


def _modules(facts: Json, language: str) -> Iterator[Shown]:
    for owner in ("class", "object"):
        for module in facts[owner].get("textModulesData", [])[:MODULES]:
            yield Shown(translated(module, "header", language), translated(module, "body", language))


def _links(facts: Json, language: str) -> Iterator[tuple[str, str]]:
    for owner in ("class", "object"):
        for link in facts[owner].get("linksModuleData", {}).get("uris", [])[:MODULES]:
            yield translated(link, "description", language) or link["uri"], link["uri"]


def _messages(facts: Json, language: str) -> list[Shown]:
    return [
        Shown(translated(message, "header", language), translated(message, "body", language))
        for owner in ("class", "object")
        for message in facts[owner].get("messages", [])
    ]


def _barcode(body: Json) -> Shown | None:
    barcode = body.get("barcode")
    if not barcode:
        return None
    return Shown(str(barcode.get("alternateText") or barcode["type"]), str(barcode.get("value", "")))


def _image(image: Any) -> str:
    return str(image.get("sourceUri", {}).get("uri", "")) if isinstance(image, Mapping) else ""


def _state(body: Json, now: datetime) -> str:
    """An interval that has ended expires a pass, too."""
    ends = body.get("validTimeInterval", {}).get("end", {}).get("date")
    if body.get("state", "ACTIVE") == "ACTIVE" and ends:
        moment = datetime.fromisoformat(ends)
        if (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) < now:
            return "EXPIRED"
    return str(body.get("state", "ACTIVE"))


def _left_out(kind: str, parent: Json, body: Json) -> Iterator[str]:
    for owner, each in (("class", parent), ("object", body)):
        if len(each.get("textModulesData", [])) > MODULES:
            yield f"The {owner} shows {MODULES} of {len(each['textModulesData'])} text modules."
        if "locations" in each:
            yield f"locations of the {owner} does nothing: merchantLocations does."
    images = [*parent.get("imageModulesData", []), *body.get("imageModulesData", [])]
    if len(images) > IMAGE_MODULES:
        yield f"{IMAGE_MODULES} of {len(images)} image modules is shown."
    for schema, path, value in parts(schema_of(kind), body):
        if schema == "Image" and str(value.get("sourceUri", {}).get("uri", "")).startswith("http://"):
            yield f"{path}: accepted http because this is a sandbox"
