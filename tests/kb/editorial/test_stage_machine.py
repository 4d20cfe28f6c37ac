"""Whatever people try, in whatever order: nothing is published that two people have not seen, nothing closed changes, and
every move leaves one note."""

import datetime
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings as profiles
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import func, select

from kb.audit.tables import AuditRow
from kb.db import make_engine, migrate, transaction, utcnow
from kb.editorial import comments, drafts, publishing, stages
from kb.editorial.tables import CommentRow, DraftRow
from kb.errors import Conflict, Forbidden, Invalid, NotFound
from kb.mail.tables import MailRow
from kb.records import service as records
from kb.settings import Settings
from schemas.editorial import CLOSED, STAGES
from tests.people import person

REFUSALS = (Conflict, Forbidden, Invalid, NotFound)
MOVES = {"draft.submit", "draft.take_back", "draft.take", "draft.ask", "draft.decline", "draft.put_back", "draft.schedule",
         "draft.unschedule", "draft.publish", "draft.reopen"}  # fmt: skip
PEOPLE = ("ana", "ben", "eve", "ada")


def _news(text: str) -> dict[str, Any]:
    return {"language": "en", "title": {"en": "Trams"}, "summary": {"en": text}, "date": "2026-04-30"}


class Desk(RuleBasedStateMachine):
    """One draft; two who write, one of them (ada) an editor; two editors who do not."""

    @initialize(author=st.sampled_from(["ana", "ada"]))
    def begin(self, author: str) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.settings = Settings(data_dir=Path(self.folder.name), _env_file=None)  # type: ignore[call-arg]
        self.engine = make_engine(self.settings)
        migrate(self.engine)
        self.people = {
            name: person(self.engine, f"{name}@example.org", *(["editor"] if name in ("ben", "eve", "ada") else []))
            for name in PEOPLE
        }
        with transaction(self.engine) as session:
            self.draft_id = drafts.start(session, self.people[author], "news", "en").id
            drafts.save(session, self.people[author], self.draft_id, _news("first"), 1)
        self.author, self.saver, self.moves, self.closed = author, author, 0, None

    @rule(who=st.sampled_from(PEOPLE), text=st.sampled_from(["first", "second", "third"]))
    def save(self, who: str, text: str) -> None:
        with transaction(self.engine) as session:
            draft = session.get_one(DraftRow, self.draft_id)
            changes = draft.data != _news(text)
            try:
                drafts.save(session, self.people[who], self.draft_id, _news(text), draft.version)
            except REFUSALS:
                return
            assert draft.stage not in CLOSED
            self.saver = who if changes else self.saver

    @rule(who=st.sampled_from(PEOPLE), to=st.sampled_from(STAGES), reason=st.sampled_from(["", "Please."]))
    def move(self, who: str, to: Any, reason: str) -> None:
        try:
            with transaction(self.engine) as session:
                draft = drafts.get(session, self.people[who], self.draft_id)
                at = utcnow() + datetime.timedelta(hours=1)
                stages.move(session, self.people[who], draft, to, reason=reason, publish_at=at)
        except REFUSALS:
            return
        self.moves += 1
        if to in ("published", "scheduled"):
            assert who not in ("ana", self.author, self.saver), "four eyes"

    @rule(who=st.sampled_from(PEOPLE), request=st.booleans())
    def comment(self, who: str, request: bool) -> None:
        try:
            with transaction(self.engine) as session:
                draft = drafts.get(session, self.people[who], self.draft_id)
                comments.add(session, self.people[who], draft, "summary", "Hm.", request=request)
        except REFUSALS:
            pass

    @rule(who=st.sampled_from(PEOPLE))
    def settle_all(self, who: str) -> None:
        try:
            with transaction(self.engine) as session:
                draft = drafts.get(session, self.people[who], self.draft_id)
                for thread in comments.waiting(session, draft.id):
                    comments.settle(session, self.people[who], draft, thread.comment.id)
        except REFUSALS:
            pass

    @rule()
    def hour_passes(self) -> None:
        with transaction(self.engine) as session:
            draft = session.get_one(DraftRow, self.draft_id)
            if draft.stage != "scheduled":
                return
            draft.publish_at = utcnow()
        assert publishing.publish_due(self.engine, self.settings) == 1
        assert publishing.publish_due(self.engine, self.settings) == 0
        self.moves += 1

    @invariant()
    def every_move_left_one_note_and_what_is_closed_stays(self) -> None:
        if not hasattr(self, "engine"):
            return
        with transaction(self.engine, readonly=True) as session:
            notes = select(func.count()).where(AuditRow.action.in_(MOVES))
            assert session.scalar(notes) == self.moves
            draft = session.get_one(DraftRow, self.draft_id)
            said = session.scalar(select(func.count()).select_from(CommentRow))
            state = (draft.stage, draft.data, draft.version, said)
            if self.closed and self.closed[0] == "published":
                assert state == self.closed
            if self.closed and draft.stage in CLOSED:
                assert state == self.closed
            self.closed = state if draft.stage in CLOSED else None
            found = records.load(session, [draft.record_id] if draft.record_id else [])
            assert bool(found) == (draft.stage == "published")

    @invariant()
    def nobody_has_two_mails_of_one_event(self) -> None:
        if hasattr(self, "engine"):
            with transaction(self.engine, readonly=True) as session:
                rows = session.execute(select(MailRow.recipient, MailRow.key)).all()
                assert len({key for _, key in rows}) == len(rows)

    def teardown(self) -> None:
        if hasattr(self, "engine"):
            self.engine.dispose()
            self.folder.cleanup()


TestDesk = Desk.TestCase
TestDesk.settings = profiles(max_examples=25, stateful_step_count=25, deadline=None)
