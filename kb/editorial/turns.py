"""One step of a draft from stage to stage: the row is held, the version counted, the log written."""

from sqlalchemy.orm import Session

from kb.audit import service as audit
from kb.editorial.tables import DraftRow
from kb.errors import Conflict
from schemas.editorial import MOVES, Stage
from schemas.messages import N_


def hold(session: Session, draft: DraftRow, version: int | None = None) -> DraftRow:
    """The draft as it is now, held until the end of the transaction. ``version`` is the one that somebody saw; else the
    one that ``draft`` had. Raises Conflict when it has moved on since."""
    seen = draft.version if version is None else version
    held = session.get_one(DraftRow, draft.id, with_for_update=True, populate_existing=True)
    if held.version != seen:
        raise Conflict(N_("Somebody else saved or decided on this meanwhile. Look at it as it is now, then decide."))
    return held


def turn(session: Session, draft: DraftRow, to: Stage, actor: str, action: str, **detail: str) -> None:
    """Put a draft that is held into another stage. Raises Conflict where no move leads there."""
    if to not in MOVES[draft.stage]:
        raise Conflict(N_("It is not where you saw it any more. Look at it as it is now, then decide."))
    origin, draft.stage, draft.version = draft.stage, to, draft.version + 1
    session.flush()
    audit.note(session, actor, f"draft.{action}", draft.id, **{"from": origin, "to": to}, **detail)
