"""A translation is stale when the text that it was made from has changed since."""

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from kb.db import transaction, utcnow
from kb.records import service, translations
from kb.records.privacy import public_value, without_unchecked
from kb.records.tables import LookupRow, RecordRow, TranslationRow
from kb.records.translations import TextState, after_save, texts
from schemas.records import Record

Make = Callable[..., Record]


def _stale_after(engine: Engine, *records: Record) -> list[set[str]]:
    """What is stale after each of these saves of one record."""
    found = []
    for record in records:
        with transaction(engine) as session:
            service.save(session, record, "Ana")
        with transaction(engine, readonly=True) as session:
            found.append(set(service.get(session, record.id).stale))
    return found


THREE = {"en": "Trams", "es": "Tranvías", "fr": "Tramways"}


def test_a_change_of_the_original_makes_the_untouched_translations_stale(engine: Engine, case: Make) -> None:
    changed = THREE | {"en": "Trains", "es": "Trenes"}
    assert _stale_after(engine, case(title=THREE), case(title=changed)) == [set(), {"fr"}]


def test_a_new_translation_and_a_reworked_one_are_fresh(engine: Engine, case: Make) -> None:
    saves = [
        case(title={"en": "Trams", "es": "Tranvías"}),
        case(title={"en": "Trains", "es": "Tranvías"}),
        case(title={"en": "Trains", "es": "Tranvías", "fr": "Trains"}),
        case(title={"en": "Trains", "es": "Trenes", "fr": "Trains"}),
    ]
    assert _stale_after(engine, *saves) == [set(), {"es"}, {"es"}, set()]


def test_changes_without_a_word_leave_translations_as_they_are(engine: Engine, case: Make) -> None:
    saves = [case(title=THREE), case(title=THREE, topics=["mobility"]), case(title=THREE, status="archived")]
    assert _stale_after(engine, *saves) == [set(), set(), set()]


def test_a_text_deep_in_a_part_counts_too(engine: Engine, case: Make) -> None:
    def with_block(text: str) -> Record:
        block = {"title": {"en": "Track", "es": "Vía"}, "text": {"en": text, "es": "Rieles."}}
        return case(title={"en": "Trams", "es": "Tranvías"}, building_blocks=[block])

    assert _stale_after(engine, with_block("Rails."), with_block("Rails and sleepers.")) == [set(), {"es"}]


def test_a_translator_may_say_which_revision_was_worked_from(engine: Engine, case: Make) -> None:
    """The original moved on to revision 3 while somebody translated revision 2."""

    def translated(revision: int) -> Record:
        title = {"en": "Trains", "es": "Tranvías y trenes"}
        return case(title=title, translations={"es": {"revision": revision}})

    saves = [
        case(title={"en": "Trams"}),
        case(title={"en": "Trams and trains"}),
        case(title={"en": "Trains"}),
        translated(2),
        translated(4),  # compared with the present text, and found right
    ]
    assert _stale_after(engine, *saves) == [set(), set(), set(), {"es"}, set()]


def test_no_translation_can_be_made_from_a_revision_that_is_yet_to_come(engine: Engine, case: Make) -> None:
    saves = [
        case(title={"en": "Trams", "es": "T"}),
        case(title={"en": "Trams", "es": "T"}, translations={"es": {"revision": 99}}),
        case(title={"en": "Trains", "es": "T"}, translations={"es": {"revision": 99}}),
    ]
    assert _stale_after(engine, *saves) == [set(), set(), {"es"}]


def test_a_translation_that_is_removed_is_forgotten(engine: Engine, case: Make) -> None:
    saves = [case(title=THREE), case(title={"en": "Trains", "fr": "Tramways"})]
    assert _stale_after(engine, *saves) == [set(), {"fr"}]


def test_changing_the_original_language_without_changing_a_text_makes_nothing_stale(engine: Engine, case: Make) -> None:
    assert _stale_after(engine, case(title=THREE), case(title=THREE, language="es")) == [set(), set()]


def test_how_a_translation_was_made_is_kept(engine: Engine, case: Make) -> None:
    note = {"machine": True, "translator": "Model 1"}
    _stale_after(engine, case(title={"en": "Trams", "es": "Tranvías"}, translations={"es": note}))
    with transaction(engine, readonly=True) as session:
        row = session.get_one(TranslationRow, ("x-1", "es"))
    assert (row.machine, row.translator, row.source_revision) == (True, "Model 1", 1)


# Properties

_words = st.sampled_from(["a", "b", "c"])
_values = st.fixed_dictionaries(
    {"title": st.fixed_dictionaries({"en": _words}, optional={"es": _words, "fr": _words})},
    optional={
        "blocks": st.lists(st.fixed_dictionaries({}, optional={"en": _words, "es": _words}), max_size=2),
        "translations": st.dictionaries(
            st.sampled_from(["es", "fr"]), st.fixed_dictionaries({"revision": st.integers(1, 9)}), max_size=2
        ),
    },
).map(lambda value: {"language": "en"} | value)


def _replay(history: list[dict[str, Any]]) -> list[TextState]:
    states: list[TextState] = []
    for number, value in enumerate(history, 1):
        before = states[-1] if states else None
        states.append(after_save(before, history[number - 2] if states else None, value, number, utcnow()))
    return states


@given(st.lists(_values, min_size=1, max_size=6))
def test_the_rules_hold_for_any_history(history: list[dict[str, Any]]) -> None:
    for value in history:
        value.pop("translations", None)
    states = _replay(history)
    for number in range(1, len(history)):
        old, new = texts(history[number - 1]), texts(history[number])
        before, after = states[number - 1], states[number]
        assert set(after.translations) == set(new) - {"en"}
        changed = old["en"] != new["en"]
        assert (after.text_revision == number + 1) == changed
        for language in after.translations:
            if old.get(language) != new[language]:
                assert language not in after.stale
            elif changed:
                assert language in after.stale
            else:
                assert (language in after.stale) == (language in before.stale)


@given(st.lists(_values, min_size=1, max_size=6))
def test_no_source_revision_is_ever_in_the_future(history: list[dict[str, Any]]) -> None:
    for number, state in enumerate(_replay(history), 1):
        assert 1 <= state.text_revision <= number
        assert all(1 <= made.source_revision <= number for made in state.translations.values())


def test_the_stored_state_can_be_recomputed_from_the_revisions(engine: Engine, case: Make) -> None:
    titles = [{"en": "a", "es": "a"}, {"en": "b", "es": "a", "fr": "a"}, {"en": "b", "es": "b", "fr": "a"}, {"en": "c"}]
    for title in titles:
        with transaction(engine) as session:
            service.save(session, case(title=title), "Ana")
        with transaction(engine, readonly=True) as session:
            history = [service.to_value(revision.record) for revision in service.revisions(session, "x-1")[::-1]]
            recomputed = _replay(history)[-1]
            row = session.get_one(RecordRow, "x-1")
            stored = {made.language: made.source_revision for made in session.query(TranslationRow)}
        assert row.text_revision == recomputed.text_revision
        assert stored == {language: made.source_revision for language, made in recomputed.translations.items()}


def test_texts_are_found_wherever_they_stand_and_nothing_else_is_taken_for_one() -> None:
    value = {
        "title": {"en": "T", "es": "T2"},
        "steps": [{"note": {"fr": "N"}}, {"record": "x"}],
        "translations": {"es": {"revision": 1}},
        "visibility": {"email": "nobody"},
        "summary": {},
    }
    assert translations.texts(value) == {"en": {".title": "T"}, "es": {".title": "T2"}, "fr": {".steps.0.note": "N"}}


# What a machine translated


MACHINE = {"title": {"en": "Trams", "fr": "Trams gris"}, "translations": {"fr": {"machine": True}}}
CHECKED = MACHINE | {"translations": {"fr": {"machine": True, "checked": "2026-11-27"}}}


def test_a_machines_translation_is_before_no_reader_until_a_person_accepted_it(engine: Engine, case: Make) -> None:
    with transaction(engine) as session:
        service.save(session, case(**MACHINE), "import")
    with transaction(engine, readonly=True) as session:
        seen = [service.get_public(session, "x-1"), *service.iterate(session)]
        assert [stored.record.title for stored in seen] == [{"en": "Trams"}] * 2
        assert service.get(session, "x-1").record.title == MACHINE["title"]
        found = session.get_one(LookupRow, "x-1")
        assert "gris" not in found.names + found.text
        assert "language:fr" not in found.facets
        assert session.get_one(TranslationRow, ("x-1", "fr")).machine
    with transaction(engine) as session:
        service.save(session, case(**CHECKED), "Ana")
    with transaction(engine, readonly=True) as session:
        assert service.get_public(session, "x-1").record.title == MACHINE["title"]
        assert "gris" in session.get_one(LookupRow, "x-1").names
        assert not session.get_one(TranslationRow, ("x-1", "fr")).machine


def test_nothing_else_is_lost_with_an_unchecked_translation(case: Make) -> None:
    """Not even where the schema wants a text that was in that language only."""
    block = {"title": {"en": "Track", "fr": "Voie"}, "text": {"fr": "Rails."}}
    image = {"kind": "image", "url": "https://example.org/a.jpg", "alt": {"fr": "Un tram"}}
    seen = without_unchecked(case(**MACHINE, building_blocks=[block], media=[image, image | {"alt": {"en": "A tram"}}]))
    assert seen.title == {"en": "Trams"}
    assert seen.building_blocks[0].title == {"en": "Track"}  # type: ignore[union-attr]
    assert [media.alt for media in seen.media] == [{"en": "A tram"}]
    assert without_unchecked(case(**CHECKED)).title == MACHINE["title"]


def test_readers_are_not_told_which_account_translated(case: Make) -> None:
    by = {"es": {"translator": "0" * 32, "revision": 2}, "fr": {"translator": "Bureau X"}}
    shown = public_value(case(title=THREE, translations=by))
    assert shown["translations"] == {"es": {"revision": 2}, "fr": {"translator": "Bureau X"}}
