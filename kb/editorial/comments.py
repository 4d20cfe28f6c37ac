"""Comments on a draft: a thread for each thing that is said about a field, until it is settled."""

from collections import defaultdict
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from kb.audit import service as audit
from kb.db import utcnow
from kb.editorial.tables import CommentRow, DraftRow
from kb.errors import Forbidden, Invalid, NotFound
from schemas.accounts import Account
from schemas.editorial import CLOSED
from schemas.messages import N_

MOST_CHARACTERS = 5000


@dataclass(frozen=True)
class Thread:
    """What was said first, and the answers in their order."""

    comment: CommentRow
    answers: list[CommentRow] = field(default_factory=list)

    @property
    def is_settled(self) -> bool:
        """Whether it is done with."""
        return self.comment.settled_at is not None

    @property
    def waits(self) -> bool:
        """Whether a change was asked for that nobody else has answered yet."""
        answered = any(each.author_id != self.comment.author_id for each in self.answers)
        return self.comment.is_request and not self.is_settled and not answered


def of(session: Session, draft_id: str) -> dict[str, list[Thread]]:
    """The threads of a draft by field, each in the order of writing; ``""`` is the text as a whole."""
    rows = session.scalars(select(CommentRow).where(CommentRow.draft_id == draft_id).order_by(CommentRow.id)).all()
    threads = {row.id: Thread(row) for row in rows if row.answers_id is None}
    for row in rows:
        if row.answers_id in threads:
            threads[row.answers_id].answers.append(row)
    found: dict[str, list[Thread]] = defaultdict(list)
    for thread in threads.values():
        found[thread.comment.field].append(thread)
    return dict(found)


def waiting(session: Session, draft_id: str) -> list[Thread]:
    """Changes that were asked for, and neither answered nor settled."""
    return [thread for threads in of(session, draft_id).values() for thread in threads if thread.waits]


def add(
    session: Session, account: Account, draft: DraftRow, field: str, text: str, *, request: bool = False
) -> CommentRow:
    """Say something about a field. Only editors ask for changes (``request``). Who calls has seen to it that they may
    read the draft. Raises Invalid for no text or too much, Forbidden for a closed draft."""
    if request and not account.may("review"):
        raise Forbidden(N_("Only the editorial team can do this."))
    row = write(session, account, draft, field[:200], text, request)
    audit.note(session, account.id, "draft.comment", draft.id, comment=row.id, request=request)
    return row


def answer(session: Session, account: Account, draft: DraftRow, comment_id: int, text: str) -> CommentRow:
    """Answer what was said. Raises NotFound for what was not."""
    first = _first(session, draft, comment_id)
    row = write(session, account, draft, first.field, text, answers=first.id)
    audit.note(session, account.id, "draft.answer", draft.id, comment=row.id)
    return row


def write(
    session: Session,
    account: Account,
    draft: DraftRow,
    field: str,
    text: str,
    request: bool = False,
    answers: int | None = None,
) -> CommentRow:
    """A comment without a note in the log: for what is noted as something else."""
    _refuse_closed(draft)
    text = text.strip()
    if not 0 < len(text) <= MOST_CHARACTERS:
        raise Invalid(N_("Write a text of at most %(most)s characters."), field="text", most=MOST_CHARACTERS)
    row = CommentRow(
        draft_id=draft.id,
        field=field,
        author_id=account.id,
        answers_id=answers,
        text=text,
        is_request=request,
        created_at=utcnow(),
    )
    session.add(row)
    session.flush()
    return row


def settle(session: Session, account: Account, draft: DraftRow, comment_id: int) -> None:
    """It is done with; settled once, it stays so. Raises NotFound."""
    first = _first(session, draft, comment_id)
    if first.settled_at is None:
        first.settled_at, first.settled_by = utcnow(), account.id
        audit.note(session, account.id, "draft.settle", draft.id, comment=first.id)


def _first(session: Session, draft: DraftRow, comment_id: int) -> CommentRow:
    _refuse_closed(draft)
    row = session.get(CommentRow, comment_id)
    if row is None or row.draft_id != draft.id or row.answers_id is not None:
        raise NotFound(N_("This comment is not here any more."))
    return row


def _refuse_closed(draft: DraftRow) -> None:
    if draft.stage in CLOSED:
        raise Forbidden(N_("This is history: nothing about it changes any more."))
