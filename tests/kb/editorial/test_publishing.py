"""From a draft to a record: who decides first, what is published when, and who is told. On both databases."""

import datetime
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, select

from kb.audit.tables import AuditRow
from kb.db import transaction, utcnow
from kb.editorial import comments, drafts, merging, publishing, reviews, stages
from kb.editorial.tables import DraftRow, OwnerRow
from kb.errors import Conflict, Forbidden, Invalid, KnowledgeBaseError
from kb.mail.tables import MailRow
from kb.records import service as records
from kb.settings import Settings
from schemas.accounts import Account
from schemas.editorial import Stage
from schemas.records import parse
from tests.people import person

NEWS: dict[str, Any] = {
    "type": "news", "language": "es", "title": {"es": "¡Vuelve el tranvía!"}, "summary": {"es": "Sesenta años después."},
    "date": "2026-04-30",
}  # fmt: skip


class Team:
    """An author and three editors, and drafts of theirs."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.ana = person(engine, "ana@example.org", language="fr")
        self.eve = person(engine, "eve@example.org", "editor")
        self.ben = person(engine, "ben@example.org", "editor", language="es")

    @contextmanager
    def draft(self, draft_id: str) -> Iterator[tuple[Any, DraftRow]]:
        with transaction(self.engine) as session:
            yield session, session.get_one(DraftRow, draft_id)

    def new(self, author: Account, *stages_on: tuple[Account, Stage], value: dict[str, Any] = NEWS) -> str:
        with transaction(self.engine) as session:
            draft = drafts.start(session, author, value["type"], value["language"])
            drafts.save(session, author, draft.id, value, 1)
            stages.move(session, author, draft, "submitted")
            for who, to in stages_on:
                stages.move(session, who, draft, to)
            return draft.id

    def change(self, author: Account, record_id: str, **fields: Any) -> str:
        """A change of a record that waits in review."""
        with transaction(self.engine) as session:
            draft = drafts.start_from(session, author, record_id)
            drafts.save(session, author, draft.id, draft.data | fields, draft.version)
            stages.move(session, author, draft, "submitted")
            stages.move(session, self.ben, draft, "in_review")
            return draft.id

    def mails(self) -> list[tuple[str, str]]:
        with transaction(self.engine, readonly=True) as session:
            rows = session.execute(select(MailRow.recipient, MailRow.subject).order_by(MailRow.id))
            return [(row.recipient.split("@")[0], row.subject) for row in rows]


@pytest.fixture
def team(engine: Engine) -> Team:
    return Team(engine)


def at_once(*tasks: Callable[[], Any]) -> list[Any]:
    """Each in a thread of its own, all let go at the same moment: what they returned, or the refusal that they met."""
    gate, results = threading.Barrier(len(tasks)), [None] * len(tasks)

    def run(place: int, task: Callable[[], Any]) -> None:
        gate.wait()
        try:
            results[place] = task()
        except KnowledgeBaseError as error:
            results[place] = error

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(tasks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def test_promise_8_two_editors_at_once_decide_once_and_the_other_is_told(team: Team) -> None:
    for _ in range(5):
        draft_id = team.new(team.ana, (team.eve, "in_review"))
        with team.draft(draft_id) as (_session, draft):
            seen = draft.version

        def decide(who: Account, to: Stage, draft_id: str = draft_id, seen: int = seen) -> str:
            with team.draft(draft_id) as (session, draft):
                return stages.move(session, who, draft, to, version=seen, reason="Because.").stage

        results = at_once(lambda: decide(team.eve, "published"), lambda: decide(team.ben, "declined"))
        assert sorted(isinstance(each, Conflict) for each in results) == [False, True]
        with team.draft(draft_id) as (_session, draft):
            assert draft.stage in results


def test_two_titles_alike_published_at_once_become_two_records(team: Team) -> None:
    first, second = (team.new(team.ana, (team.eve, "in_review")) for _ in range(2))

    def publish(who: Account, draft_id: str) -> str:
        while True:
            try:
                with team.draft(draft_id) as (session, draft):
                    return publishing.publish(session, who, draft)
            except Conflict:  # the other took the name at the same moment: as it says, try again
                continue

    results = at_once(lambda: publish(team.eve, first), lambda: publish(team.ben, second))
    assert sorted(results) == ["vuelve-el-tranvia", "vuelve-el-tranvia-2"]


def test_what_could_not_be_imported_as_published_is_not_published_here_either(team: Team) -> None:
    draft_id = team.new(team.ana, (team.eve, "in_review"), value=NEWS | {"summary": {"es": "x" * 501}})
    with team.draft(draft_id) as (session, draft):
        assert not drafts.is_ready(draft)
        with pytest.raises(Invalid) as refused:
            publishing.publish(session, team.eve, draft)
        assert [field for field, _ in refused.value.members["faults"]] == ["summary.es"]


def test_a_new_record_belongs_to_its_authors_and_has_a_readable_id(team: Team) -> None:
    draft_id = team.new(team.ana, (team.eve, "in_review"))
    with team.draft(draft_id) as (session, draft):
        record_id = publishing.publish(session, team.eve, draft)
        assert record_id == "vuelve-el-tranvia"
        assert session.get(OwnerRow, (record_id, team.ana.id))
        stored = records.get_public(session, record_id)
        assert stored.record.title == NEWS["title"]
        assert records.revisions(session, record_id)[0].author == team.ana.id
        assert (draft.record_id, draft.base_revision, draft.stage) == (record_id, 1, "published")


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Métro & câble : 10 ans", "metro-cable-10-ans"),
        ("ΑΒΓ", ""),
        ("a" * 90, "a" * 80),
        ("word " * 30, "-".join(["word"] * 16)),
    ],
)
def test_ids_are_plain_words_of_the_title(title: str, slug: str) -> None:
    assert publishing.slug_of(title) == slug


def test_four_eyes_who_changed_it_last_does_not_publish_it(team: Team) -> None:
    draft_id = team.new(team.ana, (team.eve, "in_review"))
    with team.draft(draft_id) as (session, draft):
        drafts.save(session, team.eve, draft_id, NEWS | {"date": "2026-05-01"}, draft.version)
    with pytest.raises(Forbidden, match="Four eyes"), team.draft(draft_id) as (session, draft):
        publishing.publish(session, team.eve, draft)
    with team.draft(draft_id) as (session, draft):
        publishing.publish(session, team.ben, draft)


def test_what_lacks_something_is_not_published(team: Team) -> None:
    draft_id = team.new(team.ana, (team.eve, "in_review"), value={k: v for k, v in NEWS.items() if k != "date"})
    with team.draft(draft_id) as (session, draft), pytest.raises(Invalid) as refused:
        publishing.publish(session, team.eve, draft)
    assert refused.value.members["faults"] == [("date", "")]


def test_changes_that_were_asked_for_are_answered_before_it_is_sent_in_again(team: Team) -> None:
    draft_id = team.new(team.ana, (team.eve, "in_review"))
    with team.draft(draft_id) as (session, draft):
        asked = comments.add(session, team.eve, draft, "summary", "Where?", request=True)
        comments.add(session, team.ana, draft, "date", "Sure?")
        stages.move(session, team.eve, draft, "changes_requested", reason="Nearly.")
        assert [row.text for row in (each.comment for each in comments.of(session, draft_id)[""])] == ["Nearly."]
    with pytest.raises(Invalid), team.draft(draft_id) as (session, draft):
        stages.move(session, team.ana, draft, "submitted")
    with team.draft(draft_id) as (session, draft):
        comments.answer(session, team.eve, draft, asked.id, "I mean the street.")
        assert comments.waiting(session, draft_id), "who asks does not answer"
        comments.answer(session, team.ana, draft, asked.id, "At the harbour.")
        stages.move(session, team.ana, draft, "submitted")


def test_promise_7_the_other_side_has_one_mail_for_each_move_in_its_language(team: Team) -> None:
    draft_id = team.new(team.ana)
    with team.draft(draft_id) as (session, draft):
        for who, to in (
            (team.ben, "in_review"),
            (team.ben, "changes_requested"),
            (team.ana, "submitted"),
            (team.eve, "in_review"),
        ):
            stages.move(session, who, draft, to, reason="x")
        publishing.publish(session, team.eve, draft)
    assert sorted(team.mails()) == sorted([
        ("ben", "Enviado a revisión: ¡Vuelve el tranvía!"),
        ("eve", "Sent in for review: ¡Vuelve el tranvía!"),
        ("ana", "En relecture : ¡Vuelve el tranvía!"),
        ("ana", "Modifications demandées : ¡Vuelve el tranvía!"),
        ("ben", "Enviado a revisión: ¡Vuelve el tranvía!"),
        ("ana", "En relecture : ¡Vuelve el tranvía!"),
        ("ana", "Publié : ¡Vuelve el tranvía!"),
    ])  # fmt: skip


def _schedule(team: Team, draft_id: str) -> None:
    """For a moment that has come."""
    with team.draft(draft_id) as (session, draft):
        at = utcnow() + datetime.timedelta(hours=1)
        stages.move(session, team.eve, draft, "scheduled", publish_at=at)
        draft.publish_at = utcnow()


def test_promise_6_a_scheduled_draft_is_published_once_by_two_workers(team: Team, settings: Settings) -> None:
    draft_ids = [team.new(team.ana, (team.eve, "in_review")) for _ in range(3)]
    for draft_id in draft_ids:
        _schedule(team, draft_id)
    counts = at_once(*[lambda: publishing.publish_due(team.engine, settings)] * 2)
    assert sum(counts) == 3
    with transaction(team.engine, readonly=True) as session:
        notes = session.scalars(select(AuditRow).where(AuditRow.action == "draft.publish")).all()
        assert sorted(note.subject for note in notes) == sorted(draft_ids)
        assert {note.actor for note in notes} == {team.eve.id}
        assert len(list(records.published_ids(session))) == 3


def test_what_cannot_be_published_at_its_moment_goes_back_and_its_editor_is_told_why(
    team: Team, settings: Settings
) -> None:
    with transaction(team.engine) as session:
        records.save(session, parse(NEWS | {"id": "trams", "status": "published"}), "import")
    draft_id = team.change(team.ben, "trams", date="2026-05-01")
    with team.draft(draft_id) as (session, draft):
        stages.move(session, team.ben, draft, "submitted")
        stages.move(session, team.eve, draft, "in_review")
    _schedule(team, draft_id)
    with transaction(team.engine) as session:
        records.save(session, parse(NEWS | {"id": "trams", "status": "published", "date": "2020"}), "import")
    assert publishing.publish_due(team.engine, settings) == 0
    with team.draft(draft_id) as (session, draft):
        assert (draft.stage, draft.publish_at, draft.approved_by) == ("in_review", None, "")
        text = session.scalars(select(MailRow.text).where(MailRow.subject.startswith("Could not"))).one()
    assert "merge both" in text


def test_promise_8_a_record_that_moved_on_is_merged_and_nothing_of_either_is_lost(team: Team) -> None:
    with transaction(team.engine) as session:
        records.save(session, parse(NEWS | {"id": "trams", "status": "published"}), "import")
    draft_id = team.change(team.eve, "trams", summary={"es": "Mío."}, date="2026-05-01")
    with transaction(team.engine) as session:
        theirs = NEWS | {
            "id": "trams",
            "status": "published",
            "summary": {"es": "Suyo.", "en": "Theirs."},
            "body": {"es": "Más."},
        }
        records.save(session, parse(theirs), "import")
    with pytest.raises(Conflict) as refused, team.draft(draft_id) as (session, draft):
        publishing.publish(session, team.ben, draft)
    assert refused.value.members["why"] == "merge"
    with team.draft(draft_id) as (session, draft):
        sides = {each.path: each.settled for each in merging.choices(session, draft)}
        assert sides == {"summary.es": None, "summary.en": "theirs", "body.es": "theirs", "date": "mine"}
        merging.merge(session, team.eve, draft, {"summary.es": "mine"}, draft.version, 2)
        publishing.publish(session, team.ben, draft)
        value = records.stored_values(session, ["trams"])["trams"]
    assert value["summary"] == {"es": "Mío.", "en": "Theirs."}
    assert (value["body"], value["date"]) == ({"es": "Más."}, "2026-05-01")


def test_a_record_is_withdrawn_with_a_reason_and_its_owner_is_told(team: Team) -> None:
    draft_id = team.new(team.ana, (team.eve, "in_review"))
    with team.draft(draft_id) as (session, draft):
        record_id = publishing.publish(session, team.eve, draft)
    with transaction(team.engine) as session:
        publishing.put(session, team.ben, record_id, "withdrawn", "Es una broma.", 1)
        assert not records.load_public(session, [record_id])
        assert records.revisions(session, record_id)[0].comment == "Es una broma."
        with pytest.raises(Conflict):
            publishing.put(session, team.eve, record_id, "published", "No.", 1)
        with pytest.raises(Forbidden):
            publishing.put(session, team.ana, record_id, "published", "No.", 2)
        publishing.put(session, team.eve, record_id, "published", "No lo es.", 2)
    assert [subject for who, subject in team.mails() if who == "ana"][-2:] == [
        "Retiré : ¡Vuelve el tranvía!", "Remis en ligne : ¡Vuelve el tranvía!",
    ]  # fmt: skip


def test_promise_7_who_looks_after_a_record_is_reminded_once_for_each_time_that_it_is_due(
    team: Team, settings: Settings
) -> None:
    today = utcnow().date()
    draft_id = team.new(team.ana, (team.eve, "in_review"), value=NEWS | {"next_review": str(today)})
    with team.draft(draft_id) as (session, draft):
        record_id = publishing.publish(session, team.ben, draft)
    with transaction(team.engine) as session:
        fresh = NEWS | {"id": "fresh", "status": "published", "last_verified": str(today)}
        records.save(session, parse(fresh), "import")
        records.save(
            session, parse(fresh | {"id": "old", "last_verified": str(today - datetime.timedelta(366))}), "import"
        )
        records.save(
            session, parse(fresh | {"id": "gone", "status": "archived", "next_review": "2020-01-01"}), "import"
        )
    before = len(team.mails())
    for _ in range(2):
        reviews.remind(team.engine, settings)
    assert sorted(team.mails()[before:]) == sorted([
        ("ana", "Est-ce toujours exact ? ¡Vuelve el tranvía!"),
        ("eve", "Is this still right? ¡Vuelve el tranvía!"),
        ("eve", "Records that are due to be checked: 1"),
        ("ben", "Fichas por verificar: 1"),
    ])  # fmt: skip
    with transaction(team.engine) as session:
        reviews.verify(session, team.eve, record_id, 1)
        assert records.get(session, record_id).record.last_verified == today
    reviews.remind(team.engine, settings)
    assert len(team.mails()) == before + 4
