"""Several drafts at once: what would happen to each, and then what did."""

import datetime
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy.orm import Session

from kb.editorial import publishing, stages
from kb.editorial.tables import DraftRow
from kb.errors import Conflict, KnowledgeBaseError
from schemas.accounts import Account
from schemas.editorial import CLOSED
from schemas.messages import N_

Action = Literal["take", "publish", "assign"]

#: Drafts in one go.
MOST: Final = 100


@dataclass(frozen=True)
class Fate:
    """What becomes of a draft: nothing where ``refused`` says why. ``version`` is the one that was seen."""

    draft: DraftRow
    version: int
    refused: KnowledgeBaseError | None


@dataclass(frozen=True)
class Order:
    """What to do with all of them; who gets them, and until when, for ``assign``."""

    action: Action
    assignee_id: str = ""
    due_on: datetime.date | None = None


def plan(session: Session, account: Account, order: Order, draft_ids: Iterable[str]) -> list[Fate]:
    """What would happen to each; ids that are not there are left out."""
    found = (session.get(DraftRow, draft_id) for draft_id in list(draft_ids)[:MOST])
    return [Fate(draft, draft.version, _refusal(session, account, order, draft)) for draft in found if draft]


def _refusal(session: Session, account: Account, order: Order, draft: DraftRow) -> KnowledgeBaseError | None:
    match order.action:
        case "publish":
            return publishing.refusal(session, account, draft)
        case "take":
            is_waiting = draft.stage == "submitted"
            return None if is_waiting else Conflict(N_("It does not wait for an editor."))
        case "assign":
            is_open = draft.stage not in CLOSED
            return None if is_open else Conflict(N_("This is history: nothing about it changes any more."))


def carry_out(session: Session, account: Account, order: Order, seen: Iterable[tuple[str, int]]) -> list[Fate]:
    """Do it to each draft of (id, version seen), each by itself: what is refused keeps no other back."""
    fates = []
    for draft_id, version in list(seen)[:MOST]:
        if draft := session.get(DraftRow, draft_id):
            fates.append(Fate(draft, version, _tried(session, account, order, draft, version)))
    return fates


def _tried(
    session: Session, account: Account, order: Order, draft: DraftRow, version: int
) -> KnowledgeBaseError | None:
    try:
        with session.begin_nested():
            _DO[order.action](session, account, order, draft, version)
    except KnowledgeBaseError as error:
        return error
    return None


def _take(session: Session, account: Account, _order: Order, draft: DraftRow, version: int) -> None:
    stages.move(session, account, draft, "in_review", version=version)


def _publish(session: Session, account: Account, _order: Order, draft: DraftRow, version: int) -> None:
    stages.move(session, account, draft, "published", version=version)


def _assign(session: Session, account: Account, order: Order, draft: DraftRow, version: int) -> None:
    stages.assign(session, account, draft, order.assignee_id, order.due_on, version=version)


_DO: Final[dict[Action, Callable[[Session, Account, Order, DraftRow, int], None]]] = {
    "take": _take,
    "publish": _publish,
    "assign": _assign,
}
