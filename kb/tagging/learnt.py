"""What was learnt from decisions: its versions, and which one is switched on."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import Select, exists, func, select, update
from sqlalchemy.orm import Session, defer

from kb.audit import service as audit
from kb.db import utcnow
from kb.errors import Conflict, Forbidden, Invalid, NotFound
from kb.tagging.tables import BulkItemRow, DecisionRow, DisputeRow, LearntRow, SwitchRow
from schemas.accounts import Account
from schemas.messages import N_

#: The version that is no version: the fixed base alone.
BASE: Final = 0


def name_of(base: str, version: int) -> str:
    """The model that suggestions name: the base, or the base with what was learnt over it."""
    return f"{base}+{version}" if version else base


def active(session: Session, base: str) -> LearntRow | None:
    """The version that is switched on; None where it is the base, or a version over another base."""
    return session.scalars(select(LearntRow).where(LearntRow.active, LearntRow.base == base).limit(1)).first()


def versions(session: Session, most: int) -> list[LearntRow]:
    """The newest versions, and the one that is switched on, newest first; their offsets are not loaded."""
    newest = select(LearntRow.version).order_by(LearntRow.version.desc()).limit(most)
    query = select(LearntRow).options(defer(LearntRow.offsets))
    wanted = query.where(LearntRow.version.in_(newest) | LearntRow.active)
    return list(session.scalars(wanted.order_by(LearntRow.version.desc())))


def get(session: Session, version: int) -> LearntRow:
    """One version, its offsets not loaded. Raises NotFound."""
    row = session.get(LearntRow, version, options=[defer(LearntRow.offsets)])
    if row is None:
        raise NotFound(N_("There is no such version."))
    return row


def newest(session: Session, base: str) -> LearntRow | None:
    """The last version over this base."""
    query = select(LearntRow).options(defer(LearntRow.offsets)).where(LearntRow.base == base)
    return session.scalars(query.order_by(LearntRow.version.desc()).limit(1)).first()


def switches(session: Session, most: int) -> list[SwitchRow]:
    """Who switched what on, the newest first."""
    return list(session.scalars(select(SwitchRow).order_by(SwitchRow.id.desc()).limit(most)))


def switch(session: Session, account: Account, base: str, version: int, comment: str) -> None:
    """Have suggestions made by this version from now on, or by the base (``BASE``). ``base`` is the model of this site.
    Raises Forbidden, NotFound, Invalid for a version without a reason, and Conflict for one that was learnt over another
    base."""
    if not account.may("administer"):
        raise Forbidden(N_("Only administrators can do this."))
    if version != BASE:
        _check(session, base, version, comment)
    # One statement, so that of two people at once the later one has their way, and never both.
    session.execute(update(LearntRow).values(active=LearntRow.version == version))
    session.add(SwitchRow(version=version, account_id=account.id, at=utcnow(), comment=comment))
    audit.note(session, account.id, "tagging.switch", str(version), base=base)


def _check(session: Session, base: str, version: int, comment: str) -> None:
    row = get(session, version)
    if row.base != base:
        raise Conflict(N_("This version was learnt over another model, so it does not fit the one that is used here."))
    if not comment:
        raise Invalid(N_("Say why you switch it on."), field="comment")


# What can be learnt from


class Label(NamedTuple):
    """Whether a goal belongs to a text of a record, as a person decided last."""

    record_id: str
    text_key: str
    goal: str
    yes: bool
    decision_id: int


def labels(session: Session) -> list[Label]:
    """The last decision on each goal of each record, oldest first. What was taken back does not count, nor what follows from
    another decision; what is disputed does not until it is settled, nor does a decision on a text that was never read."""
    last: dict[tuple[str, str], Label | None] = {}
    for row in session.scalars(_counted().order_by(DecisionRow.id)):
        for label in _taught_by(row):
            last[row.record_id, label.goal] = label
        if row.action == "dispute":
            last[row.record_id, row.key] = None
    for record_id, goal in _open_disputes(session):
        last[record_id, goal] = None
    return sorted((label for label in last.values() if label and label.text_key), key=lambda label: label.decision_id)


def fresh(session: Session, last: int) -> int:
    """How many decisions that may teach something were made after this one."""
    counted = _counted().where(DecisionRow.id > last, DecisionRow.action != "dispute", DecisionRow.text_key != "")
    return session.scalar(select(func.count()).select_from(counted.subquery())) or 0


def last_decision(session: Session) -> int:
    """The newest decision of all, 0 where there is none."""
    return session.scalar(select(func.max(DecisionRow.id))) or 0


def _counted() -> Select[DecisionRow]:
    """Decisions that a person took after reading: what was accepted in bulk unread would teach the model its own opinion."""
    unread = exists().where(BulkItemRow.decision_id == DecisionRow.id, BulkItemRow.sample.is_(None))
    return select(DecisionRow).where(
        ~unread,
        DecisionRow.kind == "sdg",
        DecisionRow.action != "undo",
        DecisionRow.undone_by.is_(None),
        DecisionRow.follows_id.is_(None),
    )


def _taught_by(row: DecisionRow) -> Sequence[Label]:
    """What stands after it is right; a goal that does not is wrong."""
    if row.action == "dispute":
        return []
    stands = str(row.after["code"]).split(".")[0] if row.after else None
    found = [Label(row.record_id, row.text_key, row.key, stands == row.key, row.id)]
    if stands and stands != row.key:
        found.append(Label(row.record_id, row.text_key, stands, True, row.id))
    return found


def _open_disputes(session: Session) -> list[tuple[str, str]]:
    query = select(DisputeRow.record_id, DisputeRow.key).where(DisputeRow.kind == "sdg", DisputeRow.outcome == "")
    return [(record_id, key) for record_id, key in session.execute(query)]
