"""Whatever people try, in whatever order: nothing is published that two people have not seen, nothing closed changes, and
every move leaves one note."""

import atexit
import datetime
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import settings as profiles
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import Engine, func, select

from kb.accounts.sessions import account_of
from kb.accounts.tables import AccountRow
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


def _opened(folder: str) -> tuple[Settings, Engine]:
    settings = Settings(data_dir=Path(folder), _env_file=None)  # type: ignore[call-arg]
    return settings, make_engine(settings)


@cache
def _template() -> str:
    """A database with people in it, made once: migrating takes longer than all that an example does."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder)
    _, engine = _opened(folder)
    migrate(engine)
    for name in PEOPLE:
        person(engine, f"{name}@example.org", *(["editor"] if name != "ana" else []))
    engine.dispose()
    return folder


class Desk(RuleBasedStateMachine):
    """One draft; two who write, one of them (ada) an editor; two editors who do not."""

    @initialize(author=st.sampled_from(["ana", "ada"]))
    def begin(self, author: str) -> None:
        self.folder = tempfile.TemporaryDirectory()
        shutil.copytree(_template(), self.folder.name, dirs_exist_ok=True)
        self.settings, self.engine = _opened(self.folder.name)
        with transaction(self.engine, readonly=True) as session:
            self.people = {
                row.name.lower(): account_of(session, row.id, strong=True)
                for row in session.scalars(select(AccountRow))
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

    @rule(reason=st.sampled_from(["Please.", "Please.", ""]), data=st.data())
    def move(self, reason: str, data: st.DataObject) -> None:
        """Mostly what somebody may do, for of all else most is refused; but anything may be tried."""
        with transaction(self.engine, readonly=True) as session:
            draft = session.get_one(DraftRow, self.draft_id)
            likely = [(who, to) for who, me in self.people.items() for to in stages.moves(session, me, draft)]
        anything = st.tuples(st.sampled_from(PEOPLE), st.sampled_from(STAGES))
        who, to = data.draw(st.sampled_from(likely) | anything if likely else anything, label="who, to")
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
    def comment_or_settle(self, who: str, request: bool) -> None:
        me = self.people[who]
        try:
            with transaction(self.engine) as session:
                draft = drafts.get(session, me, self.draft_id)
                if open_ones := comments.waiting(session, draft.id):
                    comments.settle(session, me, draft, open_ones[0].comment.id)
                else:
                    comments.add(session, me, draft, "summary", "Hm.", request=request)
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
TestDesk.settings = profiles(max_examples=60, stateful_step_count=30, deadline=None)
