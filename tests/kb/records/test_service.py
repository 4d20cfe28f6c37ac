"""Records: what is saved is read again, history grows only when something changed, links follow."""

from collections import Counter
from collections.abc import Callable

import pytest
from sqlalchemy import Engine, func, select

from kb.db import make_engine, migrate, transaction
from kb.errors import Conflict, NotFound
from kb.outbox import waiting
from kb.records import service
from kb.records.service import Stored
from kb.records.tables import LinkRow, RecordRow, RevisionRow, TranslationRow
from kb.records.urls import SEGMENTS, record_path
from kb.settings import Settings
from schemas.records import RECORD_TYPES, Record, parse

Make = Callable[..., Record]


def _save(engine: Engine, *records: Record) -> Counter[service.Outcome]:
    with transaction(engine) as session:
        return service.save_many(session, records, "Ana")


def _get(engine: Engine, record_id: str = "x-1") -> Stored:
    with transaction(engine, readonly=True) as session:
        return service.get(session, record_id)


def _rows(engine: Engine, table: type) -> int:
    with transaction(engine, readonly=True) as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


# Saving


def test_a_saved_record_is_read_as_it_was(engine: Engine, case: Make) -> None:
    record = case(
        title={"en": "Trams", "fr": "Tramways", "es": "Tranvías ¿?"},
        place={"country": "CO", "coordinates": {"lat": 6.25, "lon": -75.5}},
        sdgs=[{"code": "11.2", "primary": True, "confidence": 0.5}],
        costs={"amount": 1e9, "currency": "COP"},
    )
    with transaction(engine) as session:
        assert service.save(session, record, "Ana") == "created"
    stored = _get(engine)
    assert stored.record == record
    assert (stored.revision, stored.stale) == (1, frozenset())


def test_saving_the_same_again_changes_nothing_at_all(engine: Engine, case: Make) -> None:
    _save(engine, case())
    before = _get(engine)
    assert _save(engine, case()) == {"unchanged": 1}
    assert _get(engine) == before
    assert _rows(engine, RevisionRow) == 1


def test_each_change_is_a_revision_with_author_and_comment(engine: Engine, case: Make) -> None:
    _save(engine, case())
    with transaction(engine) as session:
        assert service.save(session, case(title={"en": "Trains"}), "Luc", "shorter") == "updated"
    with transaction(engine) as session:
        second, first = service.revisions(session, "x-1")
    assert (first.number, first.author, first.comment, first.record) == (1, "Ana", "", case())
    assert (second.number, second.author, second.comment) == (2, "Luc", "shorter")
    assert second.record == case(title={"en": "Trains"})
    assert first.at <= second.at
    assert _get(engine).revision == 2


def test_an_old_revision_comes_back_as_a_new_one(engine: Engine, case: Make) -> None:
    _save(engine, case())
    _save(engine, case(title={"en": "Trains"}))
    with transaction(engine) as session:
        assert service.restore(session, "x-1", 1, "Luc") == "updated"
        assert [revision.number for revision in service.revisions(session, "x-1")] == [3, 2, 1]
    assert _get(engine).record == case()
    with transaction(engine) as session:
        assert service.restore(session, "x-1", 3, "Luc") == "unchanged"
        with pytest.raises(NotFound, match="no revision 9"):
            service.restore(session, "x-1", 9, "Luc")


def test_an_editor_who_saw_an_older_revision_is_told(engine: Engine, case: Make) -> None:
    _save(engine, case())
    _save(engine, case(title={"en": "Trains"}))
    with transaction(engine) as session, pytest.raises(Conflict):
        service.save(session, case(title={"en": "Buses"}), "Luc", expected=1)
    with transaction(engine) as session:
        assert service.save(session, case(title={"en": "Buses"}), "Luc", expected=2) == "updated"
        with pytest.raises(Conflict):
            service.save(session, case("x-2"), "Luc", expected=1)


@pytest.mark.postgres
def test_a_save_looks_at_the_record_as_it_is_now_and_not_as_it_was_read_before(
    sqlite_settings: Settings, postgres_url: str, case: Make
) -> None:
    """SQLite cannot come to this: there, another writer waits until this one is done."""
    engine = make_engine(sqlite_settings.model_copy(update={"database_url": postgres_url}))
    migrate(engine)
    _save(engine, case())
    with transaction(engine) as slow:
        seen = slow.get_one(RecordRow, "x-1")
        _save(engine, case(title={"en": "Trains"}))
        with pytest.raises(Conflict):
            service.save(slow, case(title={"en": "Buses"}), "Luc", expected=1)
        assert service.save(slow, case(title={"en": "Trains"}), "Luc") == "unchanged"
        assert seen.revision == 2
    engine.dispose()


def test_saving_many_is_the_same_as_saving_one_by_one(engine: Engine, case: Make) -> None:
    """Also with one id several times in a row, and across the size of a batch."""
    records = [case(f"x-{n % 400}", title={"en": f"Trams {n // 600}"}, links=_to("city-a")) for n in range(1300)]
    many = _save(engine, *records)
    rows_of_many = {table: _rows(engine, table) for table in (RecordRow, RevisionRow, LinkRow, TranslationRow)}
    stored_many = {f"x-{n}": _get(engine, f"x-{n}").record for n in range(400)}
    with transaction(engine) as session:
        jobs = waiting(session)
        for n in range(400):
            service.delete(session, f"x-{n}")
        jobs_after_delete = waiting(session)
    with transaction(engine) as session:
        one_by_one = Counter(service.save(session, record, "Ana") for record in records)
        assert waiting(session) - jobs_after_delete == jobs
    assert many == one_by_one
    assert rows_of_many == {table: _rows(engine, table) for table in rows_of_many}
    assert stored_many == {record_id: _get(engine, record_id).record for record_id in stored_many}


def test_a_preview_counts_what_saving_would_do_and_writes_nothing(engine: Engine, case: Make) -> None:
    _save(engine, case("x-1"), case("x-2"))
    plan = [case("x-1"), case("x-2", title={"en": "Trains"}), case("x-3")]
    with transaction(engine, readonly=True) as session:
        preview = service.preview_many(session, plan)
    assert preview == {"unchanged": 1, "updated": 1, "created": 1}
    assert preview == _save(engine, *plan)


def test_the_first_publication_is_remembered(engine: Engine, case: Make) -> None:
    _save(engine, case(status="draft"))
    assert _get(engine).published_at is None
    _save(engine, case(status="published"))
    published = _get(engine).published_at
    assert published is not None
    _save(engine, case(status="withdrawn"))
    _save(engine, case(status="published", title={"en": "Trains"}))
    assert _get(engine).published_at == published


def test_deleting_leaves_nothing_but_links_of_others(engine: Engine, case: Make) -> None:
    _save(engine, case(title={"en": "Trams", "es": "Tranvías"}, links=_to("city-a")), case("x-2", links=_to("x-1")))
    with transaction(engine) as session:
        service.delete(session, "x-1")
    assert [_rows(engine, table) for table in (RecordRow, RevisionRow, LinkRow, TranslationRow)] == [1, 1, 1, 0]
    with transaction(engine) as session:
        assert service.pointing_ids(session, ["x-1"]) == {"x-2"}
        with pytest.raises(NotFound):
            service.delete(session, "x-1")


def test_a_deleted_record_can_be_created_again_from_its_first_revision(engine: Engine, case: Make) -> None:
    _save(engine, case())
    _save(engine, case(title={"en": "Trains"}))
    with transaction(engine) as session:
        service.delete(session, "x-1")
        assert service.save(session, case(), "Ana") == "created"
    assert _get(engine).revision == 1


# Reading


def test_the_public_sees_published_records_only(engine: Engine, case: Make) -> None:
    for status in ("draft", "submitted", "in_review", "withdrawn", "archived", "published"):
        _save(engine, case(f"x-{status}", status=status))
    with transaction(engine, readonly=True) as session:
        everything = list(session.scalars(select(RecordRow.id)))
        assert set(service.load(session, everything)) == set(everything)
        assert set(service.load_public(session, everything)) == {"x-published"}
        assert [stored.record.id for stored in service.iterate(session)] == ["x-published"]
        assert list(service.published_ids(session)) == [("x-published", 1)]
        assert service.count_by_type(session) == {"case_study": 1}
        assert service.get_public(session, "x-published").record.id == "x-published"
        for hidden in ("x-draft", "x-nowhere", "x\x00"):
            with pytest.raises(NotFound):
                service.get_public(session, hidden)


def test_many_records_are_loaded_in_the_asked_order_without_absent_ones(engine: Engine, case: Make) -> None:
    _save(engine, *(case(f"x-{n:04}") for n in range(1200)))
    wanted = [f"x-{n:04}" for n in range(1300, -1, -1)]
    with transaction(engine, readonly=True) as session:
        found = service.load_public(session, [*wanted, wanted[-1]])
    assert list(found) == wanted[101:]


def test_an_edition_is_told_of_published_records_only_and_changes_with_what_they_say(
    engine: Engine, case: Make
) -> None:
    _save(engine, case("x-1"), case("x-2"), case("x-3", status="draft"))
    with transaction(engine, readonly=True) as session:
        before = service.public_editions(session, ["x-2", "x-1", "x-3", "nowhere", "\x00"])
        assert list(before.items()) == [(id, service.get(session, id).edition) for id in ("x-2", "x-1")]
    _save(engine, case("x-1", title={"en": "Another"}), case("x-2"))
    with transaction(engine) as session:
        service.delete(session, "x-2")
    _save(engine, case("x-2"))
    with transaction(engine, readonly=True) as session:
        after = service.public_editions(session, before)
    assert after["x-1"].revision == 2
    assert after["x-2"].revision == before["x-2"].revision
    assert after["x-2"] != before["x-2"]


def test_records_are_walked_through_by_id_type_and_from_a_place_on(engine: Engine, case: Make) -> None:
    _save(engine, *(case(f"x-{n:02}") for n in range(25)), case("draft", status="draft"))
    city = {"type": "city", "id": "x-city", "language": "en", "status": "published", "title": {"en": "C"}}
    _save(engine, parse(city))
    with transaction(engine, readonly=True) as session:
        walked = [stored.record.id for stored in service.iterate(session, "case_study", batch=10, after="x-03")]
        assert walked == [f"x-{n:02}" for n in range(4, 25)]
        assert [stored.record.id for stored in service.iterate(session, "city", batch=1)] == ["x-city"]
        assert len(list(service.iterate(session, batch=13, public=False))) == 27


def test_a_term_that_was_withdrawn_from_its_vocabulary_does_not_hide_the_record(
    engine: Engine, case: Make, caplog: pytest.LogCaptureFixture
) -> None:
    _save(engine, case(topics=["mobility"], place={"country": "CO"}))
    with transaction(engine) as session:
        row = session.get_one(RecordRow, "x-1")
        row.data = row.data | {"topics": ["telegraphs", "mobility"], "gone": 1, "place": {"country": "SU", "name": "X"}}
    stored = _get(engine)
    assert stored.record == case(topics=["mobility"], place={"name": "X"})
    assert "x-1: 3 stored values no longer fit" in caplog.text


# Links


def _to(*targets: str, rel: str = "city") -> list[dict[str, str]]:
    return [{"rel": rel, "to": target} for target in targets]


def test_links_are_followed_both_ways_in_order_and_through_published_records_only(engine: Engine, case: Make) -> None:
    _save(engine, case("a"), case("b"), case("c", status="draft"))
    links = [*_to("b", rel="related"), *_to("nowhere"), *_to("c", rel="related"), *_to("a", rel="partner")]
    _save(engine, case("x-1", links=links))
    _save(engine, case("x-2", links=_to("a", rel="related"), status="draft"))
    _save(engine, case("x-3", links=_to("a", "a", rel="related")))
    with transaction(engine, readonly=True) as session:
        forward = service.links_of(session, service.get(session, "x-1"))
        assert [(relation, stored.record.id) for relation, stored in forward] == [("related", "b"), ("partner", "a")]
        back = service.linked_from(session, "a")
        assert [(relation, stored.record.id) for relation, stored in back] == [("related", "x-3"), ("partner", "x-1")]
        assert service.linked_from(session, "nobody") == []
        assert service.pointing_ids(session, ["a", "b", "nobody"]) == {"x-1", "x-2", "x-3"}


def test_links_change_with_the_record(engine: Engine, case: Make) -> None:
    _save(engine, case(links=_to("a", "b")))
    _save(engine, case(links=_to("b", "c")))
    with transaction(engine, readonly=True) as session:
        pointing = {target: service.pointing_ids(session, [target]) for target in "abc"}
    assert pointing == {"a": set(), "b": {"x-1"}, "c": {"x-1"}}


def test_steps_of_a_collection_and_both_ends_of_an_adoption_are_links(engine: Engine, case: Make) -> None:
    common = {"language": "en", "status": "published", "title": {"en": "T"}}
    _save(
        engine,
        case("x-1"),
        parse({"type": "collection", "id": "path", "steps": [{"record": "x-1"}]} | common),
        parse({"type": "adoption", "id": "copy", "case_study": "x-1", "city": "city-a", "state": "running"} | common),
    )
    with transaction(engine, readonly=True) as session:
        found = {(relation, stored.record.id) for relation, stored in service.linked_from(session, "x-1")}
        assert found == {("step", "path"), ("adopts", "copy")}
        assert service.pointing_ids(session, ["city-a"]) == {"copy"}


def test_every_type_has_its_own_address() -> None:
    assert set(SEGMENTS) == set(RECORD_TYPES)
    assert len(set(SEGMENTS.values())) == len(SEGMENTS)
    assert record_path("case_study", "x-1", "fr") == "/fr/case-studies/x-1"
