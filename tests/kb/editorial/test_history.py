"""What is different between two versions of a record, who made them, and back to an old one."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from kb.accounts.tables import AccountRow
from kb.audit.tables import AuditRow
from kb.db import transaction
from kb.editorial import history
from kb.editorial.history import Change, differences, marked_words
from kb.editorial.tables import OwnerRow
from kb.errors import Conflict, Forbidden, NotFound
from kb.records import service as records
from schemas.records import Record
from tests.people import person

Make = Callable[..., Record]

_words = st.lists(st.sampled_from(["the", "cable", "car ", " ", "\n", "ñandú", "l’eau", ",", "x"]), max_size=30)
_texts = st.one_of(_words.map("".join), st.text(max_size=60))


def _old(change: Change) -> str:
    return "".join(piece.text for piece in change.pieces if piece.mark != "added")


def _new(change: Change) -> str:
    return "".join(piece.text for piece in change.pieces if piece.mark != "removed")


@given(_texts, _texts)
def test_marked_words_give_back_both_texts_to_the_letter(old: str, new: str) -> None:
    pieces = marked_words(old, new)
    assert "".join(piece.text for piece in pieces if piece.mark != "added") == old
    assert "".join(piece.text for piece in pieces if piece.mark != "removed") == new
    if old == new:
        assert {piece.mark for piece in pieces} <= {"same"}


_values = st.recursive(
    st.one_of(_texts, st.integers(0, 3), st.booleans()),
    lambda below: st.one_of(
        st.lists(below, max_size=4), st.dictionaries(st.sampled_from(["title", "en", "text", "x"]), below, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from("abc"), _values), st.dictionaries(st.sampled_from("abc"), _values))
def test_differences_tell_of_a_change_exactly_where_there_is_one(old: dict[str, Any], new: dict[str, Any]) -> None:
    found = differences(old, new)
    assert differences(old, old) == []
    assert all(repr(change.old) != repr(change.new) for change in found)
    for change in found:
        if change.kind == "text":
            assert (_old(change), _new(change)) == (change.old or "", change.new or "")


def test_one_changed_word_is_marked_and_the_rest_stays() -> None:
    (change,) = differences({"title": {"en": "A cable car for all"}}, {"title": {"en": "A tram for all"}})
    assert change.path == "title.en"
    assert change.label == ["Title", "English"]
    assert [(piece.mark, piece.text) for piece in change.pieces] == [
        ("same", "A "), ("removed", "cable car "), ("added", "tram "), ("same", "for all"),
    ]  # fmt: skip


def test_an_item_that_came_in_front_does_not_make_the_others_look_changed() -> None:
    first, second = {"title": {"en": "Track"}}, {"title": {"en": "Stations"}}
    found = differences(
        {"building_blocks": [first, second]}, {"building_blocks": [{"title": {"en": "Law"}}, first, second]}
    )
    assert [(change.path, change.old, change.new) for change in found] == [("building_blocks.0.title.en", None, "Law")]


def test_lists_of_terms_are_told_item_by_item_and_numbers_as_a_whole() -> None:
    terms, level = differences({"topics": ["a", "b"]}, {"topics": ["b", "c"], "evidence_level": 3})
    assert [(piece.mark, piece.text) for piece in terms.pieces] == [("removed", "a"), ("same", "b"), ("added", "c")]
    assert [(piece.mark, piece.text) for piece in level.pieces] == [("added", "3")]


def test_very_long_texts_are_compared_in_a_moment() -> None:
    old = " ".join(f"word{n * 7919 % 3001}" for n in range(24_000))
    new = " ".join(f"word{n * 104729 % 2999}" for n in range(24_000))
    start = time.monotonic()
    pieces = marked_words(old[:200_000], new[:200_000])
    assert time.monotonic() - start < 10
    assert "".join(piece.text for piece in pieces if piece.mark != "added") == old[:200_000]


# Revisions


def _saved(engine: Engine, *several: Record, author: str = "import") -> None:
    for record in several:
        with transaction(engine) as session:
            records.save(session, record, author)


def test_the_log_names_people_by_id_programs_by_name_and_forgets_who_was_erased(engine: Engine, case: Make) -> None:
    eve, ana = person(engine, "eve@example.org", "editor"), person(engine, "ana@example.org")
    _saved(engine, case())
    _saved(engine, case(title={"en": "Trains"}), author=ana.id)
    _saved(engine, case(title={"en": "Buses"}), author=eve.id)
    with transaction(engine) as session:
        session.delete(session.get_one(AccountRow, ana.id))
    with transaction(engine, readonly=True) as session:
        entries = history.log(session, eve, "x-1")
    assert [(entry.number, entry.author) for entry in entries] == [(3, "Eve"), (2, None), (1, "import")]


def test_only_staff_and_owners_see_a_history(engine: Engine, case: Make) -> None:
    ana, max_ = person(engine, "ana@example.org"), person(engine, "max@example.org")
    _saved(engine, case())
    with transaction(engine) as session:
        session.add(OwnerRow(record_id="x-1", account_id=ana.id))
        session.flush()
        assert len(history.log(session, ana, "x-1")) == 1
        with pytest.raises(NotFound):
            history.log(session, max_, "x-1")


def test_an_old_version_comes_back_as_a_new_one_with_a_note(engine: Engine, case: Make) -> None:
    eve = person(engine, "eve@example.org", "editor")
    _saved(engine, case(status="draft"), case(title={"en": "Trains"}))
    with transaction(engine) as session:
        history.restore(session, eve, "x-1", 1, "The first was right", expected=2)
    with transaction(engine, readonly=True) as session:
        now, past = records.get(session, "x-1").record, records.revisions(session, "x-1")
        notes = session.scalars(select(AuditRow).where(AuditRow.action == "record.restore")).all()
    assert (now.title, now.status) == ({"en": "Trams"}, "published")
    assert [(revision.number, revision.comment) for revision in past] == [(3, "The first was right"), (2, ""), (1, "")]
    assert [(note.actor, note.subject, note.detail) for note in notes] == [(eve.id, "x-1", {"revision": 1})]


def test_a_translation_that_was_up_to_date_then_is_so_again(engine: Engine, case: Make) -> None:
    eve = person(engine, "eve@example.org", "editor")
    _saved(engine, case(title={"en": "Trams", "es": "Tranvías"}), case(title={"en": "Trains", "es": "Tranvías"}))
    with transaction(engine) as session:
        assert records.get(session, "x-1").stale == {"es"}
        history.restore(session, eve, "x-1", 1, "", expected=2)
        assert records.get(session, "x-1").stale == set()
        history.restore(session, eve, "x-1", 2, "", expected=3)
        assert records.get(session, "x-1").stale == {"es"}


def test_who_saw_an_older_version_and_who_may_not_publish_are_refused(engine: Engine, case: Make) -> None:
    eve, tom = person(engine, "eve@example.org", "editor"), person(engine, "tom@example.org", "translator")
    _saved(engine, case(), case(title={"en": "Trains"}))
    with transaction(engine) as session:
        with pytest.raises(Conflict):
            history.restore(session, eve, "x-1", 1, "", expected=1)
        with pytest.raises(Forbidden):
            history.restore(session, tom, "x-1", 1, "", expected=2)
