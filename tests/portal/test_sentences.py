"""Sentences: English in the database and in logs, the reader's language on pages; and nobody forgets to mark one."""

from __future__ import annotations

import ast
import json
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core import serializers
from django.db import connection
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st

from portal.admin.lanes import lane_state
from portal.models import Attempt, Event, Lane
from portal.sentences import PARAM_LIMIT, Said, Sentence, changes, joined, read, say, say_many, stored, told
from portal.templatetags.portal_admin import register
from portal.text import storable
from tests import catalogues
from tests import factories as make

GONE = say("Actito has no profile %(profile)s.", profile=7)
KEPT = say("“%(name)s” was kept as it was: %(error)s", name="points",
           error=say("%(value)s is not a number.", value="“many”"))  # fmt: skip
SENTENCES = [
    Sentence(),
    GONE,
    KEPT,
    say_many("For %(count)s pass.", "For %(count)s passes.", count=2),
    changes({"points": (420, 450), "level": (None, "gold")}),
    joined([say("A new customer."), KEPT, "the vendor's words, 100 %"]),
    say("Made %(templates)s.", templates=["Card", say("Barcode"), 7]),
    Sentence("the vendor's words, 100 % %(true)s"),
    Sentence("\x1e[]"),  # as if it were stored parts
    joined(["\x1e", say("A new customer.")], ""),
    say("Before: %(outcome)s", outcome="\0 \ud800 \x1e é 你 🎫"),
    say("Before: %(outcome)s", outcome=[1.5, True, float("nan"), None, 10**15]),
    say("Before: %(outcome)s", outcome="x" * 100_000),
]


def in_language(language: str, sentence: str) -> str:
    with translation.override(language):
        return told(sentence)


def test_a_sentence_is_its_english_text() -> None:
    assert GONE == "Actito has no profile 7."
    assert KEPT == "“points” was kept as it was: “many” is not a number."
    assert [str(say_many("For %(count)s pass.", "For %(count)s passes.", count=n)) for n in (0, 1, 2)] == [
        "For 0 passes.", "For 1 pass.", "For 2 passes.",
    ]  # fmt: skip
    assert changes({"points": (420, 450), "level": (None, "gold")}) == "points: 420 → 450; level: empty → gold."
    assert changes({str(n): (n, n + 1) for n in range(6)}).endswith("4: 4 → 5 ….")
    assert not changes({})


def test_it_is_told_in_the_readers_language() -> None:
    assert in_language("fr", GONE) == "Actito n’a pas de profil 7."
    assert in_language("nl", KEPT) == "“points” is ongewijzigd gebleven: “many” is geen getal."
    assert in_language("nl", changes({"level": (None, "gold")})) == "level: leeg → gold."
    assert in_language("nl", say_many("For %(count)s pass.", "For %(count)s passes.", count=0)) == "Voor 0 passes."
    assert in_language("en", joined([GONE, KEPT])) == f"{GONE} {KEPT}"
    assert in_language("fr", read(stored(KEPT))) == in_language("fr", KEPT)


def test_quoted_words_are_never_translated() -> None:
    assert in_language("fr", Sentence("A new customer.")) == "A new customer."
    assert in_language("fr", "A new customer.") == "A new customer."
    assert in_language("fr", joined([say("A new customer."), "A new customer."])) == "Nouveau client. A new customer."
    assert in_language("fr", say("Before: %(outcome)s", outcome="A new customer.")) == "Avant : A new customer."


@pytest.mark.parametrize("sentence", SENTENCES, ids=lambda each: each[:20])
def test_copies_have_the_same_parts(sentence: Sentence) -> None:
    copied = pickle.loads(pickle.dumps(sentence))
    assert (copied, copied.parts) == (sentence, sentence.parts)


@given(st.text(st.characters()))
def test_any_text_is_a_quotation_of_itself(text: str) -> None:
    assert read(stored(text)) == told(read(stored(text))) == storable(text)
    assert read(stored(text)).parts == Sentence(text).parts


@pytest.mark.parametrize(
    "text",
    ["\x1e", "\x1enothing", "\x1e{}", "\x1e7", '\x1e[["","",{}]]', '\x1e[["one"]]',
     '\x1e[["one","",{"a":{}}]]', '\x1e[["%d","",{"a":"b"}]]', "\x1e" + "[" * 100_000],
)  # fmt: skip
def test_what_only_looks_like_stored_parts_is_text(text: str) -> None:
    assert read(text) == text
    assert read(text).parts == (text,)


def test_a_huge_param_is_cut() -> None:
    assert len(say("Before: %(outcome)s", outcome="x" * 10**6)) < PARAM_LIMIT + 20


# In the database


def by_saving(row: Any, field: str, sentence: str) -> None:
    setattr(row, field, sentence)
    row.save()


def by_updating(row: Any, field: str, sentence: str) -> None:
    type(row).objects.filter(pk=row.pk).update(**{field: sentence})


def by_bulk(row: Any, field: str, sentence: str) -> None:
    setattr(row, field, sentence)
    type(row).objects.bulk_update([row], [field])


@pytest.fixture
def rows() -> list[tuple[Any, str]]:
    event = make.EventFactory.make()
    return [(event, "outcome"), (event.lane, "pause_reason"), (make.AttemptFactory.make(event=event), "error")]


@pytest.mark.django_db
@pytest.mark.parametrize("write", [by_saving, by_updating, by_bulk])
def test_a_sentence_survives_each_way_of_writing(
    rows: list[tuple[Any, str]], write: Callable[[Any, str, str], None]
) -> None:
    for sentence in SENTENCES:
        for row, field in rows:
            write(row, field, sentence)
            back = getattr(type(row).objects.get(pk=row.pk), field)
            assert (back, stored(back)) == (sentence, stored(sentence))
            assert in_language("fr", back) == in_language("fr", sentence)


@pytest.mark.django_db
def test_a_row_that_is_made_or_saved_again_keeps_its_parts() -> None:
    made = Event.objects.bulk_create([Event(**{**plain(make.EventFactory.make()), "outcome": KEPT})])[0]
    Event.objects.get(pk=made.pk).save()
    back = Event.objects.get(pk=made.pk).outcome
    assert (back, in_language("nl", back)) == (KEPT, in_language("nl", KEPT))
    assert Event.objects.filter(outcome=KEPT).get() == made


def plain(event: Event) -> dict[str, Any]:
    return {field.attname: getattr(event, field.attname) for field in Event._meta.concrete_fields if field.name != "id"}


@pytest.mark.django_db
def test_rows_of_before_are_read_as_text() -> None:
    event = make.EventFactory.make()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE portal_event SET outcome = %s WHERE id = %s", ["points: 420 → 450.", event.pk])
    back = Event.objects.get(pk=event.pk).outcome
    assert isinstance(back, Sentence)
    assert (back, in_language("fr", back)) == ("points: 420 → 450.", "points: 420 → 450.")


@pytest.mark.django_db
def test_a_dump_holds_the_parts() -> None:
    event = make.EventFactory.make(outcome=KEPT)
    loaded = next(iter(serializers.deserialize("json", serializers.serialize("json", [event]))))
    loaded.save()
    assert in_language("nl", Event.objects.get(pk=event.pk).outcome) == in_language("nl", KEPT)


def test_the_column_is_text_to_migrations() -> None:
    for model, name in ((Event, "outcome"), (Lane, "pause_reason"), (Attempt, "error")):
        assert model._meta.get_field(name).deconstruct()[1] == "django.db.models.TextField"


# On pages


def test_templates_and_lists_tell_it() -> None:
    with translation.override("nl"):
        assert register.filters["told"](GONE) == "Actito heeft geen profiel 7."
        assert "Actito heeft geen profiel 7." in lane_state(Lane(paused_at=timezone.now(), pause_reason=GONE))


# Nobody forgets


ENDS = {"done", "ignored", "retry", "defer", "dead", "pause", "uncertain", "Failure", "ApiError", "Result", "Explained"}
SPEAKERS = {"say", "say_many", "Sentence", "joined", "changes", "read"}


def name_of(call: ast.Call) -> str:
    """`done` of done() and ledger.done(); other objects' methods are none of ours."""
    function = call.func
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        return function.attr if function.value.id in {"ledger", "http", "failure", "registry"} else ""
    return function.id if isinstance(function, ast.Name) else ""


def unsaid(node: ast.AST) -> Iterator[str]:
    """The literal texts in an expression that nobody says."""
    if isinstance(node, ast.Call) and name_of(node) in SPEAKERS:
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.strip():
        yield node.value
    for child in ast.iter_child_nodes(node):
        yield from unsaid(child)


def errors_with_sentences(trees: list[ast.Module]) -> set[str]:
    """The classes that derive from Explained, by name."""
    found = {"Explained"}
    classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    while more := {each.name for each in classes if {ast.unparse(base) for base in each.bases} & found} - found:
        found |= more
    return found


def forgotten(source: str, ends: set[str]) -> list[str]:
    """Sentences that are not said; `$` and `.` begin the places in a body that some errors name."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and name_of(node) in ends]
    return [text for call in calls for each in call.args for text in unsaid(each) if not text.startswith(("$", "."))]


def test_every_sentence_of_the_product_is_said() -> None:
    sources = {
        path: path.read_text(encoding="utf-8")
        for folder in ("portal", "passes", "integrations")
        for path in (catalogues.ROOT / folder).rglob("*.py")
        if "sandbox" not in path.parts and path != Path(catalogues.ROOT / "portal" / "sandbox.py")
    }
    ends = ENDS | errors_with_sentences([ast.parse(source) for source in sources.values()])
    found = {str(path): texts for path, source in sources.items() if (texts := forgotten(source, ends))}
    assert not found, "say() it, so that it can be translated"


@pytest.mark.parametrize(
    "source",
    ['ledger.done("Done.")', 'raise dead(f"No {profile}.")', 'ledger.ignored(" ".join([say("One."), "Two."]))',
     'ApiError("No.", Decision.RETRY)', 'raise retry("No " + word)', 'Result("done", "Done.")'],
)  # fmt: skip
def test_a_forgotten_one_would_be_found(source: str) -> None:
    assert forgotten(source, ENDS)


def test_what_is_said_is_in_no_list_of_the_forgotten() -> None:
    source = (
        'ledger.done(joined([say("One."), Sentence("Two")])); thread.pause("now"); Unreadable("$.data", say("No."))'
    )
    assert forgotten(source, ENDS | {"Unreadable"}) == []


def test_marked_sentences_are_found_by_the_catalogues() -> None:
    source = 'say("No %(profile)s.", profile=7)\nsay_many("one", "many", count=2)'
    assert list(catalogues.python_texts(source)) == [("No %(profile)s.", ""), ("one", "many")]
    with pytest.raises(ValueError, match="one constant"):
        list(catalogues.python_texts('say(f"No {profile}.")'))


def test_parts_are_short_json() -> None:
    assert json.loads(stored(GONE)[1:]) == [["Actito has no profile %(profile)s.", "", {"profile": 7}]]
    assert GONE.parts == (Said("Actito has no profile %(profile)s.", "", {"profile": 7}),)
