"""Disputes: somebody doubts a tag or the gender marker, two readers say what becomes of it, each without having seen
what the other says. Where they differ a third one decides. It stays in public view meanwhile, as disputed.

Everything happens under the record's lock: two verdicts at the same moment are one after the other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kb.accounts import service as accounts
from kb.audit import service as audit
from kb.db import utcnow
from kb.errors import Conflict, Forbidden, Invalid, KnowledgeBaseError, NotFound
from kb.limits import service as limits
from kb.profiles import service as profiles
from kb.records import service as records
from kb.records.privacy import public_record
from kb.tagging import cases, decisions, letters
from kb.tagging.decisions import TEAM, Subject, Tag, code_of, standing
from kb.tagging.tables import DecisionRow, DisputeRow, VerdictRow
from schemas.accounts import Account
from schemas.messages import N_
from schemas.readings import Doubt, Outcome, Verdict
from schemas.records import Record
from schemas.tagging import TagKind
from schemas.tags import Gender
from schemas.vocabulary import load

#: Readers whose verdict settles a dispute when they agree.
READERS: Final = 2
#: Actions of a person who stands for the tag as it was before the dispute.
_STOOD: Final = ("accept", "add", "change", "mark", "resolve")


@dataclass(frozen=True)
class Dispute:
    """A dispute with what its readers said, in the order in which they did."""

    row: DisputeRow
    verdicts: list[VerdictRow]

    @property
    def code(self) -> str:
        """The goal, target or theme that is disputed; ``gender`` for the marker."""
        return code_of(self.tag)

    @property
    def tag(self) -> Tag | Gender:
        """The tag, or the marker with its answers, as it was when it was disputed."""
        return decisions.of_value(self.row.kind, self.row.tag)

    @property
    def wanted(self) -> int:
        """How many readers it takes, as far as one can tell now: two, or three where the first two differ."""
        return READERS if len(self.verdicts) < READERS or _agree(self.verdicts[:READERS]) else READERS + 1

    @property
    def is_open(self) -> bool:
        """Whether it still waits for readers."""
        return not self.row.outcome


# Raising one


def disputable(session: Session, record: Record, account: Account) -> list[tuple[TagKind, str]]:
    """(kind, code) of the tags that this person may dispute, the marker among them: those that readers see, and staff
    all that stand. Whom a profile is about may dispute its tags even where they keep them from readers."""
    staff = account.may("review")
    seen = record if staff or profiles.account_of_expert(session, record.id) == account.id else public_record(record)
    tags: list[tuple[TagKind, Tag]] = [
        *(("sdg", tag) for tag in seen.sdgs),
        *(("theme", tag) for tag in seen.gender.themes),
    ]
    found = [(kind, code_of(tag)) for kind, tag in tags if tag.state == "accepted" and (staff or tag.public)]
    has_marker = seen.gender.marker is not None and seen.gender.state == "accepted"
    return [*found, ("gender", code_of(seen.gender))] if has_marker else found


def dispute(session: Session, account: Account, record_id: str, doubt: Doubt) -> DisputeRow:
    """Dispute a tag or the marker of a published record (staff: of any). Raises NotFound, Invalid where the record has
    no such tag, Conflict where it is disputed already or somebody decided on it since, TooMany."""
    if not account.may("review"):
        records.get_public(session, record_id)
        limits.check(session, "dispute", account.id)
    records.hold(session, record_id)
    record = records.get(session, record_id).record
    tag = standing(record, doubt.kind, doubt.code)
    if tag is not None and tag.state == "disputed":
        raise Conflict(N_("It is disputed already. Two readers look at it."))
    if tag is None or (doubt.kind, doubt.code) not in disputable(session, record, account):
        raise Invalid(N_("The record does not have this tag."), field="code")
    decisions.check_seen(cases.decisions_of(session, record_id), doubt.kind, doubt.key, doubt.seen)
    row = DisputeRow(
        record_id=record_id, kind=doubt.kind, key=doubt.key, tag=decisions.value_of(tag) or {},
        reason=doubt.reason, raised_by=account.id, raised_at=utcnow(),
    )  # fmt: skip
    session.add(row)
    # The date of a marker is the day on which it was set, whatever becomes of it.
    date = tag.date if isinstance(tag, Gender) else utcnow().date()
    after = tag.model_copy(update={"state": "disputed", "date": date})
    decisions.put(session, account, record_id, Subject(doubt.kind, doubt.code, doubt.reason), "dispute", after)
    audit.note(session, account.id, "tag.dispute", record_id, dispute=row.id, code=doubt.code)
    return row


def withdraw(session: Session, account: Account, dispute_id: int) -> DisputeRow:
    """Who raised it takes it back, as long as nobody has read it. Raises Forbidden, Conflict, NotFound."""
    found = _held(session, dispute_id)
    if found.row.raised_by != account.id:
        raise Forbidden(N_("Only who raised a dispute can take it back."))
    if not found.is_open or found.verdicts:
        raise Conflict(N_("A reader has looked at it already, so it is settled by the readers."))
    record = records.get(session, found.row.record_id).record
    stands = standing(record, found.row.kind, found.code)
    after = stands.model_copy(update={"state": "accepted", "date": found.tag.date}) if stands else None
    decisions.put(session, account, record.id, Subject(found.row.kind, found.code), "resolve", after)
    return _close(session, account, found, "withdrawn")


# Reading it


def refusal(session: Session, account: Account, found: Dispute) -> KnowledgeBaseError | None:
    """Why this person may not give a verdict; None where they may.

    Readers are staff, others than who raised it, and others than who stood for the tag before as long as there are enough
    of those.
    """
    if not account.may("review"):
        return Forbidden(N_("Only the editorial team can do this."))
    if not found.is_open:
        return Conflict(N_("This dispute is settled."), why="settled")
    if found.row.raised_by == account.id:
        return Forbidden(N_("You raised this dispute yourself, so others must read it."))
    if any(each.account_id == account.id for each in found.verdicts):
        return Conflict(N_("You have given your verdict already."), why="given")
    if account.id == stood_for(session, found.row) and _others(session, found, account) >= found.wanted:
        return Forbidden(N_("You decided on this before, so others should read it."))
    return None


def stood_for(session: Session, row: DisputeRow) -> str:
    """Who decided last, before the dispute, that it should stand; empty for an author's own."""
    query = select(DecisionRow).where(
        DecisionRow.record_id == row.record_id, DecisionRow.kind == row.kind, DecisionRow.key == row.key,
        DecisionRow.at <= row.raised_at, DecisionRow.action.in_(_STOOD), DecisionRow.undone_by.is_(None),
        DecisionRow.follows_id.is_(None),
    )  # fmt: skip
    last = session.scalars(query.order_by(DecisionRow.id.desc()).limit(1)).first()
    return last.account_id if last else ""


def _others(session: Session, found: Dispute, account: Account) -> int:
    """How many people may read it, or have, besides this one."""
    staff = {row.id for row in accounts.with_role(session, "editor", "administrator")}
    return len((staff | {each.account_id for each in found.verdicts}) - {found.row.raised_by, account.id})


def judge(session: Session, account: Account, dispute_id: int, verdict: Verdict) -> Dispute:
    """Give a verdict, and settle the dispute if that was the last one it took. Raises NotFound, Invalid, and what ``refusal``
    says."""
    found = _held(session, dispute_id)
    if refused := refusal(session, account, found):
        raise refused
    _check_change(found, verdict)
    row = VerdictRow(
        dispute_id=dispute_id, account_id=account.id, verdict=verdict.verdict, code=verdict.to or "",
        comment=verdict.comment, at=utcnow(),
    )  # fmt: skip
    session.add(row)
    session.flush()
    found = Dispute(found.row, [*found.verdicts, row])
    if len(found.verdicts) >= found.wanted:
        _settle(session, account, found, verdict)
    return found


def _check_change(found: Dispute, verdict: Verdict) -> None:
    if verdict.to is None:
        return
    if found.row.kind == "gender":
        raise Invalid(
            N_("The marker follows from answers: keep it, or set it back so that the record is screened again."),
            field="verdict",
        )
    if verdict.to not in load("sdgs" if found.row.kind == "sdg" else "gender_themes"):
        raise Invalid(N_("Choose one of those that are offered."), field="to")
    if verdict.to == found.code:
        raise Invalid(N_("The tag is that already."), field="to")


def _agree(verdicts: Sequence[VerdictRow]) -> bool:
    return len({(each.verdict, each.code) for each in verdicts}) == 1


def _settle(session: Session, account: Account, found: Dispute, verdict: Verdict) -> None:
    """Two agree, or this is the third: what ``verdict`` says is what becomes of it."""
    record = records.get(session, found.row.record_id).record
    after = _after(record, found, verdict)
    decisions.put(session, account, record.id, Subject(found.row.kind, found.code, verdict.comment), "resolve", after)
    _close(session, account, found, verdict.verdict)
    letters.tell_settled(session, found.row, found.verdicts, verdict.to or "", stood_for(session, found.row))


def _after(record: Record, found: Dispute, verdict: Verdict) -> Tag | Gender | None:
    stands = standing(record, found.row.kind, found.code)
    # Another value of the marker came with an edit meanwhile. That one nobody doubted, so it stays.
    if isinstance(stands, Gender) and stands.marker != found.row.tag["marker"]:
        return stands.model_copy(update={"state": "accepted"})
    # A tag that an editor took out with the text meanwhile stays away; one that would be there twice goes.
    if stands is None or verdict.verdict == "remove":
        return None
    kept = {"state": "accepted", "reviewer": TEAM, "date": utcnow().date()}
    if verdict.to is None:
        return stands.model_copy(update=kept)
    if standing(record, found.row.kind, verdict.to):
        return None
    name = "code" if found.row.kind == "sdg" else "theme"
    return stands.model_copy(update=kept | {name: verdict.to, "source": "staff", "confidence": None})


def _close(session: Session, account: Account, found: Dispute, outcome: Outcome) -> DisputeRow:
    found.row.outcome, found.row.closed_at = outcome, utcnow()
    audit.note(session, account.id, "tag.settle", found.row.record_id, dispute=found.row.id, outcome=outcome)
    session.flush()
    return found.row


# Looking at them


def unnamed(made: Sequence[DecisionRow]) -> set[int]:
    """Of a record's decisions those that raised a dispute which is still open: its readers are not to know who did."""
    settled = {(row.kind, row.code): row.id for row in made if row.action == "resolve"}
    return {row.id for row in made if row.action == "dispute" and settled.get((row.kind, row.code), 0) < row.id}


def get(session: Session, dispute_id: int) -> Dispute:
    """One dispute. Raises NotFound."""
    row = session.get(DisputeRow, dispute_id)
    if row is None:
        raise NotFound(N_("There is no such dispute."))
    return Dispute(row, _verdicts(session, [dispute_id]).get(dispute_id, []))


def _held(session: Session, dispute_id: int) -> Dispute:
    """The same, with its record held and as it is now."""
    row = get(session, dispute_id).row
    records.hold(session, row.record_id)
    session.expire_all()
    return get(session, dispute_id)


def waiting(session: Session) -> list[Dispute]:
    """All that are open, the oldest first."""
    query = select(DisputeRow).where(DisputeRow.outcome == "").order_by(DisputeRow.id)
    return _with_verdicts(session, session.scalars(query).all())


def settled(session: Session, limit: int, offset: int = 0) -> tuple[list[Dispute], int]:
    """(those that are over, the newest first, and how many there are in all)."""
    query = select(DisputeRow).where(DisputeRow.outcome != "")
    count = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    newest = query.order_by(DisputeRow.closed_at.desc(), DisputeRow.id.desc()).limit(limit).offset(offset)
    return _with_verdicts(session, session.scalars(newest).all()), count


def of_record(session: Session, record_id: str) -> list[Dispute]:
    """All disputes of a record's tags and marker, the oldest first."""
    query = select(DisputeRow).where(DisputeRow.record_id == record_id).order_by(DisputeRow.id)
    return _with_verdicts(session, session.scalars(query).all())


def _with_verdicts(session: Session, rows: Sequence[DisputeRow]) -> list[Dispute]:
    verdicts = _verdicts(session, [row.id for row in rows])
    return [Dispute(row, verdicts.get(row.id, [])) for row in rows]


def _verdicts(session: Session, dispute_ids: Iterable[int]) -> dict[int, list[VerdictRow]]:
    found: dict[int, list[VerdictRow]] = {}
    query = select(VerdictRow).where(VerdictRow.dispute_id.in_(list(dispute_ids)))
    for row in session.scalars(query.order_by(VerdictRow.at, VerdictRow.account_id)):
        found.setdefault(row.dispute_id, []).append(row)
    return found


def shown_to(account: Account, found: Dispute) -> list[VerdictRow]:
    """The verdicts that this person may see: all once it is settled, else one's own only."""
    if not found.is_open:
        return found.verdicts
    return [each for each in found.verdicts if each.account_id == account.id]
