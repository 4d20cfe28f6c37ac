"""Translations: what is needed, side by side, and their way before readers."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, select

from kb.audit.tables import AuditRow
from kb.db import transaction
from kb.editorial import drafts, translating
from kb.editorial.tables import DraftRow
from kb.editorial.translating import Given, Outcome, Sheet
from kb.errors import Conflict, Forbidden, Invalid, NotFound
from kb.records import service as records
from kb.records import untranslated
from kb.records.tables import TranslationRow
from kb.records.untranslated import Asked
from schemas.accounts import Account
from schemas.language import Language
from schemas.records import Record
from tests.people import person

Make = Callable[..., Record]

BLOCK = {"title": {"en": "Track"}, "text": {"en": "Rails."}}
FRENCH = {"title": "Tramways", "building_blocks.0.title": "Voie", "building_blocks.0.text": "Des rails."}


@pytest.fixture
def tom(engine: Engine) -> Account:
    return person(engine, "tom@example.org", "translator")


@pytest.fixture
def eve(engine: Engine) -> Account:
    return person(engine, "eve@example.org", "editor")


def _saved(engine: Engine, *several: Record) -> None:
    for record in several:
        with transaction(engine) as session:
            records.save(session, record, "import")


def _sheet(engine: Engine, account: Account, target: Language = "fr") -> Sheet:
    with transaction(engine, readonly=True) as session:
        return translating.sheet(session, account, "x-1", target)


def _save(engine: Engine, account: Account, texts: dict[str, str], sheet: Sheet | None = None, **more: Any) -> Outcome:
    sheet = sheet or _sheet(engine, account)
    with transaction(engine) as session:
        return translating.save(session, account, "x-1", sheet.target, Given(texts, sheet.seen, sheet.version, **more))


def _record(engine: Engine) -> Record:
    with transaction(engine, readonly=True) as session:
        return records.get(session, "x-1").record


def _drafts(engine: Engine) -> list[DraftRow]:
    with transaction(engine, readonly=True) as session:
        return list(session.scalars(select(DraftRow)))


def test_the_texts_stand_side_by_side_with_those_in_lists(engine: Engine, case: Make, tom: Account) -> None:
    _saved(engine, case(title={"en": "Trams", "fr": "Tramways"}, building_blocks=[BLOCK], topics=["mobility"]))
    rows = _sheet(engine, tom).rows
    assert [(row.path, row.original, row.text) for row in rows] == [
        ("title", "Trams", "Tramways"), ("building_blocks.0.title", "Track", ""), ("building_blocks.0.text", "Rails.", ""),
    ]  # fmt: skip


def test_a_translators_work_waits_at_the_desk_and_an_editor_publishes_it(
    engine: Engine, case: Make, tom: Account, eve: Account
) -> None:
    _saved(engine, case(building_blocks=[BLOCK]))
    assert _save(engine, tom, FRENCH) == "review"
    (draft,) = _drafts(engine)
    assert (draft.stage, draft.record_id, draft.base_revision, draft.owner_id) == ("submitted", "x-1", 1, tom.id)
    assert drafts.record_of(draft).title == {"en": "Trams", "fr": "Tramways"}
    assert _record(engine).title == {"en": "Trams"}
    assert _save(engine, eve, {"building_blocks.0.text": "Rails."}) == "published"
    record = _record(engine)
    assert record.title == {"en": "Trams", "fr": "Tramways"}
    assert record.building_blocks[0].text == {"en": "Rails.", "fr": "Rails."}  # type: ignore[union-attr]
    note = record.translations["fr"]
    assert (note.machine, note.translator, note.revision) == (False, tom.id, 1)
    assert [draft.stage for draft in _drafts(engine)] == ["published"]
    with transaction(engine, readonly=True) as session:
        audited = session.execute(select(AuditRow.actor, AuditRow.action).order_by(AuditRow.id)).all()
    assert [tuple(note) for note in audited] == [(tom.id, "draft.start"), (eve.id, "translation.publish")]


def test_nobody_publishes_their_own_translation(engine: Engine, case: Make, eve: Account) -> None:
    _saved(engine, case())
    assert _save(engine, eve, {"title": "Tramways"}) == "review"
    assert _save(engine, eve, {"title": "Les tramways"}) == "review"
    other = person(engine, "max@example.org", "administrator")
    assert _save(engine, other, {}) == "published"
    assert _record(engine).title["fr"] == "Les tramways"


def test_a_record_that_no_reader_sees_is_translated_at_once(
    engine: Engine, case: Make, eve: Account, tom: Account
) -> None:
    _saved(engine, case(status="draft"))
    assert _save(engine, eve, {"title": "Tramways"}) == "saved"
    assert _record(engine).title["fr"] == "Tramways"
    with pytest.raises(NotFound):
        _sheet(engine, tom)


def test_what_changed_in_the_original_is_marked_and_a_new_save_makes_it_fresh(
    engine: Engine, case: Make, tom: Account, eve: Account
) -> None:
    old = case(title={"en": "Trams", "fr": "Tramways"}, summary={"en": "A red line.", "fr": "Une ligne rouge."})
    _saved(engine, old, old.model_copy(update={"summary": {"en": "A blue line.", "fr": "Une ligne rouge."}}))
    sheet = _sheet(engine, tom)
    assert sheet.stale
    title, summary = sheet.rows
    assert title.since is None
    assert [(piece.mark, piece.text) for piece in summary.since or []] == [
        ("same", "A "), ("removed", "red "), ("added", "blue "), ("same", "line."),
    ]  # fmt: skip
    _save(engine, tom, {"summary": "Une ligne bleue."}, sheet)
    _save(engine, eve, {})
    with transaction(engine, readonly=True) as session:
        stored = records.get(session, "x-1")
    assert (stored.stale, stored.record.translations["fr"].revision) == (set(), 2)


def test_a_translation_that_is_still_right_can_be_said_to_be_so(
    engine: Engine, case: Make, tom: Account, eve: Account
) -> None:
    _saved(engine, case(title={"en": "Tram", "fr": "Tramway"}), case(title={"en": "A tram", "fr": "Tramway"}))
    _save(engine, tom, {})
    assert _save(engine, eve, {}) == "published"
    with transaction(engine, readonly=True) as session:
        assert records.get(session, "x-1").stale == set()


# By machine

MACHINE = {"title": {"en": "Trams", "fr": "Trams gris"}, "translations": {"fr": {"machine": True, "translator": "M 1"}}}


def test_an_editor_accepts_what_a_machine_made_with_one_save(engine: Engine, case: Make, eve: Account) -> None:
    _saved(engine, case(**MACHINE))
    assert _sheet(engine, eve).machine
    assert _save(engine, eve, {"title": "Tramways"}, accept=True) == "published"
    note = _record(engine).translations["fr"]
    assert (note.machine, note.translator, note.public) == (True, "M 1", True)
    with transaction(engine, readonly=True) as session:
        assert records.get_public(session, "x-1").record.title["fr"] == "Tramways"


def test_corrections_of_a_machines_text_stay_out_of_sight_until_it_is_accepted(
    engine: Engine, case: Make, tom: Account, eve: Account
) -> None:
    _saved(engine, case(**MACHINE))
    assert _save(engine, tom, {"title": "Trams bleus"}) == "saved"
    with transaction(engine, readonly=True) as session:
        assert records.get_public(session, "x-1").record.title == {"en": "Trams"}
    assert _save(engine, tom, {}, accept=True) == "review"
    with transaction(engine, readonly=True) as session:
        assert records.get_public(session, "x-1").record.title == {"en": "Trams"}
    assert _save(engine, eve, {}) == "published"
    assert _record(engine).translations["fr"].public


# Two at once


def test_two_translators_at_once_the_second_is_told_and_can_save_over_it(
    engine: Engine, case: Make, tom: Account
) -> None:
    uma = person(engine, "uma@example.org", "translator")
    _saved(engine, case())
    first = second = _sheet(engine, tom)
    _save(engine, tom, {"title": "Tramways"}, first)
    with pytest.raises(Conflict):
        _save(engine, uma, {"title": "Trams"}, second)
    assert _save(engine, uma, {"title": "Trams"}) == "review"
    (draft,) = _drafts(engine)
    assert (draft.data["title"]["fr"], draft.saved_by) == ("Trams", uma.id)
    with transaction(engine, readonly=True) as session:
        assert draft.id in [each.id for each in drafts.of_account(session, uma.id)]


def test_an_original_that_changed_meanwhile_is_a_conflict_and_another_field_is_none(
    engine: Engine, case: Make, tom: Account
) -> None:
    _saved(engine, case())
    sheet = _sheet(engine, tom)
    _saved(engine, case(topics=["mobility"]))
    assert _save(engine, tom, {"title": "Tramways"}, sheet) == "review"
    sheet = _sheet(engine, tom)
    _saved(engine, case(title={"en": "Trains"}, topics=["mobility"]))
    with pytest.raises(Conflict):
        _save(engine, tom, {"title": "Tramways"}, sheet)


def test_what_cannot_be_saved_is_named(engine: Engine, case: Make, tom: Account) -> None:
    _saved(engine, case(building_blocks=[BLOCK]))
    for texts, field in [({"building_blocks.0.title": "Voie"}, "title"), ({"title": "a\x00b"}, "title")]:
        with pytest.raises(Invalid) as raised:
            _save(engine, tom, texts)
        assert raised.value.members["field"] == field
    with pytest.raises(Forbidden):
        _save(engine, person(engine, "ana@example.org"), {"title": "Tramways"})
    with transaction(engine) as session:
        translating.save(session, tom, "x-1", "fr", Given({"title": "T"}, 1, 0))
        session.scalars(select(DraftRow)).one().stage = "in_review"
    with pytest.raises(Forbidden):
        _save(engine, tom, {"title": "Tramways"})


def test_a_translation_that_waits_is_not_the_change_that_an_owner_goes_on_with(
    engine: Engine, case: Make, tom: Account, eve: Account
) -> None:
    _saved(engine, case())
    _save(engine, tom, {"title": "Tramways"})
    with transaction(engine) as session:
        change = drafts.start_from(session, eve, "x-1")
        assert change.owner_id == eve.id
        assert drafts.start_from(session, eve, "x-1") is change


# The queue


def test_the_queue_tells_what_is_missing_stale_or_a_machines_the_longest_first(
    engine: Engine, case: Make, tom: Account
) -> None:
    _saved(
        engine,
        case("stale", title={"en": "Trams", "fr": "Tramways"}),
        case("missing", title={"en": "Four words are here"}),
        case("machine", **MACHINE),
        case("fine", title={"en": "Bus", "fr": "Bus"}),
        case("french", language="fr", title={"fr": "Bus"}),
        case("unseen", status="draft"),
        case("stale", title={"en": "Trains", "fr": "Tramways"}),
    )
    with transaction(engine, readonly=True) as session:
        found = translating.queue(session, Asked("fr"), limit=10)
        assert [(each.stored.record.id, each.need) for each in found] == [
            ("missing", "missing"), ("machine", "machine"), ("stale", "stale"),
        ]  # fmt: skip
        assert found[0].words == 4
        assert untranslated.count(session, Asked("fr", need="stale")) == {"missing": 1, "machine": 1, "stale": 1}
        assert [each.stored.record.id for each in translating.queue(session, Asked("en"), limit=10)] == ["french"]
        assert translating.queue(session, Asked("fr", source="es"), limit=10) == []
        assert len(translating.queue(session, Asked("fr", type="case_study"), limit=1, offset=1)) == 1


def test_the_translations_table_says_what_a_save_did(engine: Engine, case: Make, tom: Account, eve: Account) -> None:
    _saved(engine, case(), case(title={"en": "Trains"}))
    _save(engine, tom, {"title": "Trains"})
    _save(engine, eve, {})
    with transaction(engine, readonly=True) as session:
        row = session.get_one(TranslationRow, ("x-1", "fr"))
    assert (row.source_revision, row.machine, row.translator) == (2, False, tom.id)
