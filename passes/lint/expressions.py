"""Every expression of a design: whether it can be read, and whether anybody has the values that it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from passes import conversions
from passes.design import MESSAGE, NUMBERS
from passes.expressions import ExpressionError, evaluate, is_alone, names_in
from passes.findings import Facts, Finding, error, warning
from passes.lint.texts import UTC, constant
from portal.sentences import say


class Place(NamedTuple):
    """An expression and the form's field that it stands in. `kind`: what its value must be, if anything."""

    field: str
    row: str
    text: str
    kind: str = ""


def check(design: Mapping[str, Any], facts: Facts) -> Iterator[Finding]:
    for place in places(design):
        try:
            names = names_in(place.text)
        except ExpressionError as problem:
            yield error(place.field, problem.sentence, place.row)
            continue
        unknown = sorted(names - facts.known - {MESSAGE}) if facts.known else []
        if unknown:
            said = say("No customer has these values, so they stay empty on the card: %(names)s. Known: %(known)s.",
                       names=unknown, known=sorted(facts.known))  # fmt: skip
            yield warning(place.field, said, place.row)
        yield from _type(place)
        yield from _tried(place, facts.samples)


def _tried(place: Place, samples: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """What only some customers' values show. Nobody's value is told."""
    if not samples or constant(place.text) is not None:
        return
    failed = sum(not _works(place, values) for values in samples)
    if failed:
        said = say("It cannot be shown for %(count)s of %(most)s customers, who would keep the card that they have.",
                   count=failed, most=len(samples))  # fmt: skip
        yield warning(place.field, said, place.row)


def _works(place: Place, values: Mapping[str, Any]) -> bool:
    try:
        found = evaluate(place.text, values)
    except ExpressionError:
        return False
    if found == "" or not place.kind:
        return True
    return (conversions.number(found) if place.kind == "number" else conversions.moment(found, UTC)) is not None


def _type(place: Place) -> Iterator[Finding]:
    fixed = constant(place.text)
    if place.kind == "number":
        if fixed is None and not is_alone(place.text):
            said = say(
                "There is text around the value, so it is not a number. Leave the value only: the phone adds the rest."
            )
            yield error(place.field, said, place.row)
        elif fixed not in (None, "") and conversions.number(fixed) is None:
            yield error(place.field, say("This is not a number."), place.row)
    elif place.kind == "date" and fixed not in (None, "") and conversions.moment(str(fixed), UTC) is None:
        yield error(place.field, say("This is not a date, such as 2027-03-31."), place.row)


def places(design: Mapping[str, Any]) -> Iterator[Place]:
    """All that are filled in, in the order of the form."""
    for field in design["fields"]:
        row, form = field["label"] or field["key"], field.get("format", "")
        kind = "number" if form in NUMBERS else form
        yield Place("fields.expression", row, field["expression"], kind)
        yield Place("fields.link", row, field.get("link", ""))
        yield from (Place("fields.semantics", row, text) for text in _texts(field.get("semantics")))
    barcode = design["barcode"]
    yield Place("barcode_message", "", barcode["expression"])
    yield Place("barcode_text", "", barcode.get("text", ""))
    yield Place("expires", "", design.get("expires", ""), "date")
    yield Place("grouping", "", design.get("grouping", ""))
    yield Place("app_link", "", design.get("app_link", ""))
    yield Place("nfc_message", "", design.get("nfc", {}).get("message", ""))
    for wallet in ("apple", "google"):
        yield from (Place(f"{wallet}_additions", "", text) for text in _texts(design.get(wallet)))
    for moment in design.get("moments", []):
        yield Place("moments.starts", moment["starts"], moment["starts"], "date")
        yield Place("moments.ends", moment["starts"], moment.get("ends", ""), "date")
    for action in design.get("actions", []):
        yield Place("actions.target", action["kind"], action["target"])


def _texts(document: Any) -> Iterator[str]:
    if isinstance(document, Mapping):
        document = list(document.values())
    if isinstance(document, list):
        for each in document:
            yield from _texts(each)
    elif isinstance(document, str) and "{{" in document:
        yield document
