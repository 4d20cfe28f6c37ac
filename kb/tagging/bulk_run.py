"""Carry out what was accepted in bulk, or taken back: a few suggestions in each transaction, so that it goes on where it was
cut off, and keeps nobody else waiting."""

import time
from collections.abc import Callable
from typing import Final

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from kb.accounts.sessions import account_of
from kb.db import transaction
from kb.errors import KnowledgeBaseError
from kb.records import service as records
from kb.settings import Settings
from kb.tagging import decisions
from kb.tagging.tables import BulkItemRow, BulkRow, TagCaseRow
from schemas.accounts import Account
from schemas.messages import N_
from schemas.tagging import BulkOutcome, Decision

#: Suggestions in one transaction.
PIECE: Final = 20
#: Seconds that one round gives to one bulk; mail and the rest come after it.
ROUND: Final = 5.0

_MOVED: Final = N_("Its text has changed, or was read again.")
_DECIDED: Final = N_("Somebody decided on it meanwhile.")
_HIDDEN: Final = N_("Readers no longer see this record.")
_NOBODY: Final = N_("Who accepted it no longer belongs to the editorial team.")


def proceed(database: Engine, _settings: Settings) -> int:
    """Go on with what is not done yet; how many suggestions were dealt with."""
    with transaction(database, readonly=True) as session:
        waiting = list(session.scalars(select(BulkRow.id).where(BulkRow.stage.in_(("accepting", "undoing")))))
    return sum(run(database, bulk_id, ROUND) for bulk_id in waiting)


def run(database: Engine, bulk_id: int, seconds: float) -> int:
    """Go on with this one for so long, or to its end; how many suggestions were dealt with. Two that run at once take
    different pieces."""
    end, dealt = time.monotonic() + seconds, 0
    while True:
        with transaction(database) as session:
            did = _piece(session, bulk_id)
        dealt += did
        if not did or time.monotonic() >= end:
            return dealt


def _piece(session: Session, bulk_id: int) -> int:
    """Deal with the next few; none where there are none, or where somebody else is at it."""
    query = select(BulkRow).where(BulkRow.id == bulk_id, BulkRow.stage.in_(_DO))
    bulk = session.scalars(query.with_for_update(skip_locked=True)).first()
    if bulk is None:
        return 0
    outcome, end, deal = _DO[bulk.stage]
    account = account_of(session, bulk.undone_by or bulk.account_id, strong=True)
    items = select(BulkItemRow).where(BulkItemRow.bulk_id == bulk_id, BulkItemRow.outcome.in_(outcome))
    found = list(session.scalars(items.order_by(BulkItemRow.position).limit(PIECE)))
    for item in found:
        _tried(session, account, bulk, item, deal)
    if len(found) < PIECE:
        bulk.stage = end  # type: ignore[assignment]
    session.flush()
    return len(found)


def _tried(session: Session, account: Account | None, bulk: BulkRow, item: BulkItemRow, deal: "_Deal") -> None:
    """Each by itself: what is refused keeps no other back."""
    try:
        if account is None or not account.may("review"):
            raise _Left(_NOBODY)
        with session.begin_nested():
            deal(session, account, bulk, item)
    except KnowledgeBaseError as error:
        item.outcome, item.reason = ("kept" if bulk.undone_at else "left"), error.detail[:300]


class _Left(KnowledgeBaseError):
    """It has moved on."""


_Deal = Callable[[Session, Account, BulkRow, BulkItemRow], None]


def _accept(session: Session, account: Account, bulk: BulkRow, item: BulkItemRow) -> None:
    """Accept it, or reject what the reader found wrong. Raises KnowledgeBaseError for what has moved on."""
    records.hold(session, item.record_id)
    stored = records.get(session, item.record_id)
    case = session.get(TagCaseRow, item.record_id, populate_existing=True)
    if stored.record.status != "published":
        raise _Left(_HIDDEN)
    if case is None or case.suggestion_id != item.suggestion_id or case.revision != stored.revision:
        raise _Left(_MOVED)
    if item.key not in case.waiting.get("sdg", {}):
        raise _Left(_DECIDED)
    wrong = item.is_right is False
    decision = Decision(
        kind="sdg", code=item.key, action="reject" if wrong else "accept", seen=item.seen, comment=bulk.comment
    )
    item.decision_id = decisions.decide(session, account, item.record_id, decision).id
    item.outcome = "rejected" if wrong else "accepted"


def _take_back(session: Session, account: Account, _bulk: BulkRow, item: BulkItemRow) -> None:
    """Raises KnowledgeBaseError where somebody decided on it since."""
    decisions.undo(session, account, item.record_id, item.decision_id or 0, own=False)
    item.outcome = "undone"


#: Stage to: which outcomes are still to be dealt with, the stage after it, and what is done to each.
_DO: Final[dict[str, tuple[tuple[BulkOutcome, ...], str, _Deal]]] = {
    "accepting": (("",), "done", _accept),
    "undoing": (("accepted", "rejected"), "undone", _take_back),
}
