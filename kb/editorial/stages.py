"""The way of a draft from its authors to its readers: who may move it, and what each move brings with it."""

import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from kb.accounts import service as accounts
from kb.audit import service as audit
from kb.db import utcnow
from kb.editorial import comments, letters, publishing
from kb.editorial.drafts import is_author, title_of
from kb.editorial.tables import DraftRow
from kb.editorial.turns import hold, turn
from kb.errors import Conflict, Forbidden, Invalid
from schemas.accounts import Account
from schemas.editorial import CLOSED, MOVES, Stage
from schemas.messages import N_

#: What a move is called, by where it leads from and to. Those of the authors come first.
NAMES: Final[dict[tuple[Stage, Stage], str]] = {
    ("draft", "submitted"): "submit",
    ("changes_requested", "submitted"): "submit",
    ("submitted", "draft"): "take_back",
    ("submitted", "in_review"): "take",
    ("submitted", "changes_requested"): "ask",
    ("submitted", "declined"): "decline",
    ("in_review", "submitted"): "put_back",
    ("in_review", "changes_requested"): "ask",
    ("in_review", "scheduled"): "schedule",
    ("in_review", "published"): "publish",
    ("in_review", "declined"): "decline",
    ("scheduled", "in_review"): "unschedule",
    ("scheduled", "published"): "publish",
    ("declined", "draft"): "reopen",
}
_OF_AUTHORS: Final = frozenset({"submit", "take_back"})
_OF_PUBLISHERS: Final = frozenset({"schedule", "publish"})
#: Moves of which the other side must be told why.
WITH_REASON: Final = frozenset({"ask", "decline"})


#: In the order of the buttons.
_ORDER: Final[tuple[Stage, ...]] = (
    "submitted", "in_review", "published", "scheduled", "changes_requested", "declined", "draft",
)  # fmt: skip


def moves(session: Session, account: Account, draft: DraftRow) -> list[Stage]:
    """Where this person may move it to, by their rights; publishing may still be refused (``publishing.refusal``)."""
    author = is_author(session, account.id, draft)
    return [to for to in _ORDER if to in MOVES[draft.stage] and _may(account, author, NAMES[draft.stage, to])]


def _may(account: Account, author: bool, name: str) -> bool:
    if name in _OF_AUTHORS:
        return author
    return account.may("publish" if name in _OF_PUBLISHERS else "review")


def move(
    session: Session,
    account: Account,
    draft: DraftRow,
    to: Stage,
    *,
    version: int | None = None,
    reason: str = "",
    publish_at: datetime.datetime | None = None,
) -> DraftRow:
    """Move a draft to another stage; its other side gets a mail, the log a note.

    ``version`` is the one that was seen when this was decided (else that of ``draft``). Raises Conflict when somebody else
    decided meanwhile, Forbidden for who may not, Invalid at ``reason``, ``publish_at`` or a field of the draft.
    """
    draft = hold(session, draft, version)
    name = NAMES.get((draft.stage, to))
    if name is None:
        raise Conflict(N_("It is not where you saw it any more. Look at it as it is now, then decide."))
    if not _may(account, is_author(session, account.id, draft), name):
        raise Forbidden(_REFUSED[name in _OF_AUTHORS])
    reason = reason.strip()
    if name in WITH_REASON and not reason:
        raise Invalid(N_("Say why, so that the authors know what to do."), field="reason")
    match name:
        case "publish":
            publishing.publish(session, account, draft)
        case "schedule":
            publishing.schedule(session, account, draft, publish_at)
        case "submit":
            _submit(session, account, draft)
        case _:
            _turn(session, account, draft, to, name, reason)
    return draft


_REFUSED: Final = {
    True: N_("Only its authors can do this."),
    False: N_("Only the editorial team can do this."),
}


def _submit(session: Session, account: Account, draft: DraftRow) -> None:
    if title_of(draft.data, draft.language) is None:
        raise Invalid(N_("Give it a title first, then send it in."), field="title")
    if comments.waiting(session, draft.id):
        raise Invalid(N_("Answer or settle each change that was asked for, then send it in."), field="")
    turn(session, draft, "submitted", account.id, "submit")
    draft.submitted_at = utcnow()
    letters.to_editors(session, draft, account.id, "submit")


def _turn(session: Session, account: Account, draft: DraftRow, to: Stage, name: str, reason: str) -> None:
    """The moves that change little more than the stage."""
    if name == "reopen":
        _refuse_second(session, draft)
    if reason:
        comments.write(session, account, draft, "", reason)
    turn(session, draft, to, account.id, name)
    if name == "take_back":
        letters.to_editors(session, draft, account.id, name)
    else:
        letters.to_authors(session, draft, account.id, name, reason=reason)
    draft.publish_at, draft.approved_by = None, ""
    if name in ("take", "put_back"):
        draft.assignee_id = account.id if name == "take" else ""


def _refuse_second(session: Session, draft: DraftRow) -> None:
    """A record has one open draft."""
    other = select(DraftRow.id).where(DraftRow.record_id == draft.record_id, DraftRow.stage.not_in(CLOSED))
    if draft.record_id and session.scalar(other):
        raise Conflict(N_("Another draft that changes this record is open; go on with that one."))


def assign(
    session: Session,
    account: Account,
    draft: DraftRow,
    assignee_id: str,
    due_on: datetime.date | None,
    *,
    version: int | None = None,
) -> DraftRow:
    """Give it to an editor, or to nobody, until a day. Raises Invalid for who is no editor, Conflict for what is closed or
    has moved on."""
    draft = hold(session, draft, version)
    if not account.may("review"):
        raise Forbidden(_REFUSED[False])
    if draft.stage in CLOSED:
        raise Conflict(N_("This is history: nothing about it changes any more."))
    editors = {row.id for row in accounts.with_role(session, "editor", "administrator")}
    if assignee_id and assignee_id not in editors:
        raise Invalid(N_("Choose somebody of the editorial team."), field="assignee")
    is_new = assignee_id not in ("", draft.assignee_id, account.id)
    draft.assignee_id, draft.due_on = assignee_id, due_on
    audit.note(session, account.id, "draft.assign", draft.id, assignee=assignee_id)
    if is_new:
        letters.to_one(session, draft, assignee_id, "assign", when=due_on.isoformat() if due_on else "")
    return draft
