"""Additions to Google's resources: keys and types, and what Google refuses beyond them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from passes.documents import is_expression
from passes.findings import Facts, Finding, error, warning
from passes.google.additions import OWNED, additions_of, problems
from passes.google.lint.fields import MODULE_ID
from passes.google.names import JOURNEYS, schema_of, type_of
from passes.google.places import ROWS, places_of
from passes.google.schema import SCHEMAS
from passes.google.shared import MOST_LOCATIONS
from portal.sentences import say

FIELD = "google_additions"
PARTS = ("class", "object")
# What Google recommends for these; phones cut the rest.
LENGTHS = {
    "accountName": 20, "accountId": 20, "accountNameLabel": 15, "accountIdLabel": 15, "programName": 20,
    "rewardsTier": 7, "rewardsTierLabel": 9, "merchantName": 20,
}  # fmt: skip
_MODULE = re.compile(r"(class|object)\.textModulesData\[['\"]([^'\"]*)['\"]\]")


def check(design: Mapping[str, Any], facts: Facts) -> Iterator[Finding]:
    found = list(problems(design))
    for problem in found:
        yield error(FIELD, problem.told)
    if found:
        return
    given = {part: additions_of(design, part) for part in PARTS}
    if type_of(design) in JOURNEYS:
        yield from _lacking(design, given)
    yield from _rows(given["class"])
    yield from _modules(design, given)
    standing = {"class": design.get("locations", []), "object": []}
    for part, document in given.items():
        yield from _addresses(document)
        added = document.get("merchantLocations", [])
        if added and len([*standing[part], *added]) > MOST_LOCATIONS:
            yield error(FIELD, say("Google Wallet refuses more than %(count)s places.", count=MOST_LOCATIONS))
        yield from _lengths(part, document)


def _lacking(design: Mapping[str, Any], given: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    """What Google requires of a journey, and the form has no place for."""
    for part, document in given.items():
        for key in SCHEMAS[schema_of(design, part)]["required"]:
            if key not in {*document, *OWNED[part], "logo"}:
                yield error(FIELD, say("%(path)s is required.", path=f"{part}.{key}"))


def _lengths(part: str, document: Mapping[str, Any]) -> Iterator[Finding]:
    for key, most in LENGTHS.items():
        text = document.get(key, "")
        if len(text) > most and not is_expression(text):
            said = say("%(path)s may be cut after %(count)s characters.", path=f"{part}.{key}", count=most)
            yield warning(FIELD, said)


def _rows(given: Mapping[str, Any]) -> Iterator[Finding]:
    card = given.get("classTemplateInfo", {}).get("cardTemplateOverride", {})
    if len(card.get("cardRowTemplateInfos", [])) > ROWS:
        yield error(FIELD, say("A card at Google Wallet has %(count)s rows at most.", count=ROWS))


def _modules(design: Mapping[str, Any], given: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    """Text modules by name: each has one of its own, and rows name those that there are."""
    own = {"class": [], "object": [field["key"] for field in places_of(design).modules]}
    added = {part: [module.get("id", "") for module in given[part].get("textModulesData", [])] for part in PARTS}
    for part in PARTS:
        yield from _named(f"{part}.textModulesData", own[part], added[part])
    rows = " ".join(_texts(given["class"].get("classTemplateInfo", {}), "fieldPath"))
    for part, name in _MODULE.findall(rows):
        known = [*own[part], *added[part]]
        if name not in known:
            said = say("%(path)s is no text module. There are: %(known)s.", path=f"{part}.textModulesData['{name}']",
                       known=known)  # fmt: skip
            yield error(FIELD, said)


def _named(path: str, own: list[str], added: list[str]) -> Iterator[Finding]:
    counted = Counter([*own, *added])
    for name in dict.fromkeys(added):
        if not MODULE_ID.fullmatch(name):
            yield error(FIELD, say("%(path)s needs an id of letters, digits, _ and -.", path=path))
        elif counted[name] > 1:
            yield error(FIELD, say("%(path)s: two of them are called %(name)s.", path=path, name=name))


def _addresses(document: Any) -> Iterator[Finding]:
    """Google fetches pictures by itself, and links need a scheme."""
    pictures = set(_texts(document, "uri", within="sourceUri"))
    for address in sorted(set(_texts(document, "uri"))):
        if address in pictures and not address.startswith(("https://", "{{")):
            said = say("%(address)s: Google Wallet fetches pictures from public https addresses only.", address=address)
            yield error(FIELD, said)
        elif address not in pictures and ":" not in address and not is_expression(address):
            yield error(FIELD, say("%(address)s: a link begins with https://, mailto: or tel:.", address=address))


def _texts(document: Any, key: str, *, within: str = "") -> Iterator[str]:
    """The texts that stand under a key, wherever it is; `within`: only directly below that one."""
    if isinstance(document, list):
        for each in document:
            yield from _texts(each, key, within=within)
    elif isinstance(document, Mapping):
        for name, each in document.items():
            if name == key and not within and isinstance(each, str):
                yield each
            elif name == within and isinstance(each, Mapping) and isinstance(each.get(key), str):
                yield each[key]
            else:
                yield from _texts(each, key, within=within)
