"""Accept many suggested goals in one go: choose them, read a sample one by one, see how many of it were right, then decide.

What is accepted, and taken back, is done in pieces by ``bulk_run``.
"""

import datetime
import random
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from kb.audit import service as audit
from kb.db import chunks, holds, utcnow
from kb.errors import Conflict, Forbidden, Invalid, NotFound
from kb.records.tables import RecordRow
from kb.tagging.intervals import wilson
from kb.tagging.tables import BulkItemRow, BulkRow, DecisionRow, SuggestionRow, TagCaseRow
from schemas.accounts import Account
from schemas.messages import N_
from schemas.tagging import BulkOutcome, BulkRule, GoalSuggestion, Suggestions
from schemas.vocabulary import load

#: Where the page begins; the tagger calls "strong" what is above .88, and fewer than these are no default.
SURE: Final = 0.9
#: Below this share of right ones in the sample, whoever accepts the rest has to say so once more.
ENOUGH: Final = 0.85
#: For so long the whole of it can be taken back.
REVOCABLE: Final = datetime.timedelta(days=30)
#: Suggestions in one bulk.
MOST: Final = 20_000


@dataclass(frozen=True)
class Offer:
    """A suggested goal that waits. ``seen`` is the last decision on it, 0 for none."""

    record_id: str
    key: str
    confidence: float
    suggestion_id: int
    seen: int = 0


# Choosing


def offers(session: Session, rule: BulkRule) -> list[Offer]:
    """The suggestions that the rule means, the surest of each record first: of published records whose text is the one that
    was read."""
    conditions = [
        TagCaseRow.stage == "suggested",
        TagCaseRow.confidence >= rule.confidence,
        RecordRow.status == "published",
        RecordRow.revision == TagCaseRow.revision,
        *[TagCaseRow.type == rule.type] * bool(rule.type),
        *[TagCaseRow.language == rule.language] * bool(rule.language),
        *[holds(TagCaseRow.goals, f" {rule.goal} ")] * bool(rule.goal),
        *[TagCaseRow.region.in_(_within(rule.region))] * bool(rule.region),
    ]
    columns = (TagCaseRow.record_id, TagCaseRow.suggestion_id, TagCaseRow.waiting)
    query = select(*columns).join(RecordRow, RecordRow.id == TagCaseRow.record_id).where(*conditions)
    return [offer for row in session.execute(query.order_by(TagCaseRow.record_id)) for offer in _of_case(rule, *row)]


def _within(region: str) -> list[str]:
    return [region, *(term.id for term in load("regions").narrower(region))]


def _of_case(rule: BulkRule, record_id: str, suggestion_id: int | None, waiting: dict[str, Any]) -> Iterator[Offer]:
    for goal, confidence in sorted(waiting.get("sdg", {}).items(), key=lambda pair: -pair[1]):
        if suggestion_id and confidence >= rule.confidence and rule.goal in ("", goal):
            yield Offer(record_id, goal, confidence, suggestion_id)


def begin(session: Session, account: Account, rule: BulkRule) -> BulkRow:
    """Keep what the rule means now, and draw the sample: all of them, if they are fewer. Raises Forbidden, and Invalid where
    there are none, or more than ``MOST``."""
    _may(account)
    found = offers(session, rule)
    if not found:
        raise Invalid(
            N_("There is no such suggestion. Choose a lower confidence, or fewer filters."), field="confidence"
        )
    if len(found) > MOST:
        raise Invalid(N_("These are more than %(most)s suggestions. Narrow them."), field="goal", most=MOST)
    bulk = BulkRow(
        account_id=account.id, begun_at=utcnow(), rule=rule.model_dump(mode="json", exclude_defaults=True),
        seed=secrets.randbelow(2**31), stage="checking",
    )  # fmt: skip
    session.add(bulk)
    session.flush()
    seen, sample = _last_decisions(session, found), sample_of(len(found), rule.sample, bulk.seed)
    values = [
        {
            "bulk_id": bulk.id, "position": position, "record_id": offer.record_id, "key": offer.key,
            "confidence": offer.confidence, "suggestion_id": offer.suggestion_id,
            "seen": seen.get((offer.record_id, offer.key), 0), "sample": sample.get(position), "outcome": "",
            "reason": "",
        }
        for position, offer in enumerate(found)
    ]  # fmt: skip
    for chunk in chunks(values):
        session.execute(insert(BulkItemRow), chunk)
    return bulk


def sample_of(total: int, size: int, seed: int) -> dict[int, int]:
    """Position to place in the sample, from 1. The same for the same numbers."""
    drawn = random.Random(seed).sample(range(total), min(size, total))
    return {position: place for place, position in enumerate(drawn, 1)}


def _last_decisions(session: Session, found: Sequence[Offer]) -> dict[tuple[str, str], int]:
    last: dict[tuple[str, str], int] = {}
    for chunk in chunks(dict.fromkeys(offer.record_id for offer in found)):
        query = select(DecisionRow.record_id, DecisionRow.key, func.max(DecisionRow.id))
        query = query.where(DecisionRow.record_id.in_(chunk), DecisionRow.kind == "sdg")
        last |= {
            (row[0], row[1]): row[2] for row in session.execute(query.group_by(DecisionRow.record_id, DecisionRow.key))
        }
    return last


# Reading the sample


@dataclass(frozen=True)
class Read:
    """An item of the sample as it is read: what was suggested, on which passage."""

    item: BulkItemRow
    title: str
    type: str
    language: str
    said: GoalSuggestion | None


def get(session: Session, bulk_id: int) -> BulkRow:
    """The bulk. Raises NotFound."""
    bulk = session.get(BulkRow, bulk_id)
    if bulk is None:
        raise NotFound(N_("There is no such bulk."))
    return bulk


def rule_of(bulk: BulkRow) -> BulkRule:
    """What it was chosen by."""
    return BulkRule.model_validate(bulk.rule)


def recent(session: Session, most: int = 50) -> list[BulkRow]:
    """The last ones, the newest first."""
    return list(session.scalars(select(BulkRow).order_by(BulkRow.id.desc()).limit(most)))


def sample(session: Session, bulk: BulkRow) -> list[Read]:
    """The sample, in the order of its drawing."""
    query = (
        select(BulkItemRow, TagCaseRow, SuggestionRow)
        .join(TagCaseRow, TagCaseRow.record_id == BulkItemRow.record_id)
        .join(SuggestionRow, SuggestionRow.id == BulkItemRow.suggestion_id)
        .where(BulkItemRow.bulk_id == bulk.id, BulkItemRow.sample.is_not(None))
        .order_by(BulkItemRow.sample)
    )
    return [
        Read(item, case.title, case.type, case.language, _said(row.result, item.key))
        for item, case, row in session.execute(query)
    ]


def _said(result: dict[str, Any], goal: str) -> GoalSuggestion | None:
    return next((each for each in Suggestions.model_validate(result).sdgs if each.goal == goal), None)


def check(session: Session, account: Account, bulk_id: int, place: int, right: bool) -> None:
    """Say whether one of the sample is right. Raises Forbidden for another's bulk, Conflict once the sample is closed,
    NotFound."""
    bulk = _own(session, account, bulk_id)
    query = select(BulkItemRow).where(BulkItemRow.bulk_id == bulk.id, BulkItemRow.sample == place)
    item = session.scalars(query).first()
    if item is None:
        raise NotFound(N_("The sample has no such suggestion."))
    item.is_right = right


@dataclass(frozen=True)
class Quality:
    """What the sample says. ``low`` and ``high``: the 95 % interval of the share that is right."""

    right: int
    wrong: int
    unread: int

    @property
    def share(self) -> float:
        """Right ones among those that were read."""
        return self.right / max(1, self.right + self.wrong)

    @property
    def interval(self) -> tuple[float, float]:
        """Its 95 % interval."""
        return wilson(self.right, self.right + self.wrong)

    @property
    def is_enough(self) -> bool:
        """Whether the rest can be accepted without a second thought."""
        return self.share >= ENOUGH


def quality(session: Session, bulk: BulkRow) -> Quality:
    """How many of the sample are right, wrong, and still to be read."""
    query = select(BulkItemRow.is_right, func.count()).where(
        BulkItemRow.bulk_id == bulk.id, BulkItemRow.sample.is_not(None)
    )
    found = {row[0]: row[1] for row in session.execute(query.group_by(BulkItemRow.is_right))}
    return Quality(found.get(True, 0), found.get(False, 0), found.get(None, 0))


def sizes(session: Session, bulk: BulkRow) -> tuple[int, int]:
    """(suggestions, records) of a bulk."""
    query = select(func.count(), func.count(BulkItemRow.record_id.distinct())).where(BulkItemRow.bulk_id == bulk.id)
    row = session.execute(query).one()
    return row[0], row[1]


def outcomes(session: Session, bulk: BulkRow) -> dict[BulkOutcome, int]:
    """How many suggestions came to what."""
    query = select(BulkItemRow.outcome, func.count()).where(BulkItemRow.bulk_id == bulk.id)
    return {row[0]: row[1] for row in session.execute(query.group_by(BulkItemRow.outcome))}


def left_out(session: Session, bulk: BulkRow, most: int = 100) -> list[tuple[BulkItemRow, TagCaseRow]]:
    """What moved on meanwhile, or could not be taken back: each with its reason."""
    query = select(BulkItemRow, TagCaseRow).join(TagCaseRow, TagCaseRow.record_id == BulkItemRow.record_id)
    query = query.where(BulkItemRow.bulk_id == bulk.id, BulkItemRow.outcome.in_(("left", "kept")))
    return [(row[0], row[1]) for row in session.execute(query.order_by(BulkItemRow.position).limit(most))]


# Deciding


def accept(
    session: Session, account: Account, bulk_id: int, comment: str, *, rest: bool, despite: bool = False
) -> None:
    """Accept what was found right in the sample and reject what was wrong; with ``rest``, accept all others unread.
    ``comment`` is what each decision says. Raises Forbidden, Conflict while the sample is not read or when it is over, and
    Invalid where too many were wrong and ``despite`` was not said."""
    bulk = _own(session, account, bulk_id)
    found = quality(session, bulk)
    if found.unread:
        raise Conflict(N_("Read the whole sample first."), field="sample")
    if rest and not found.is_enough and not despite:
        raise Invalid(
            N_("Too many of the sample were wrong. Say that you accept the others all the same."), field="despite"
        )
    if not rest:
        _leave_the_rest(session, bulk)
    bulk.stage, bulk.accepted_at, bulk.comment = "accepting", utcnow(), comment[:2000]
    suggestions, records = sizes(session, bulk)
    audit.note(
        session, account.id, "tags.bulk", str(bulk.id), rule=bulk.rule, suggestions=suggestions, records=records,
        right=found.right, wrong=found.wrong, rest=rest,
    )  # fmt: skip
    session.flush()


def _leave_the_rest(session: Session, bulk: BulkRow) -> None:
    query = select(BulkItemRow).where(BulkItemRow.bulk_id == bulk.id, BulkItemRow.sample.is_(None))
    for item in session.scalars(query):
        session.delete(item)
    session.flush()


def discard(session: Session, account: Account, bulk_id: int) -> None:
    """Throw away a bulk that was not accepted. Raises Forbidden, Conflict, NotFound."""
    session.delete(_own(session, account, bulk_id))
    session.flush()


def may_take_back(account: Account, bulk: BulkRow) -> bool:
    """Whether this person can take it back: whoever accepted it, or an administrator, within thirty days."""
    may = account.may("review") and (bulk.account_id == account.id or account.may("administer"))
    return may and bulk.stage == "done" and bulk.accepted_at is not None and utcnow() - bulk.accepted_at < REVOCABLE


def take_back(session: Session, account: Account, bulk_id: int) -> None:
    """Take the whole of it back, the sample too, but for what somebody decided on since. Raises Forbidden, Conflict when it is
    too late, NotFound."""
    _may(account)
    bulk = _held(session, bulk_id)
    if not may_take_back(account, bulk):
        if bulk.account_id != account.id and not account.may("administer"):
            raise Forbidden(N_("Only who accepted it, or an administrator, can take it back."))
        raise Conflict(N_("It can be taken back within thirty days after it was accepted, and once."))
    bulk.stage, bulk.undone_by, bulk.undone_at = "undoing", account.id, utcnow()
    audit.note(session, account.id, "tags.bulk_undone", str(bulk.id))
    session.flush()


def _may(account: Account) -> None:
    if not account.may("review"):
        raise Forbidden(N_("Only the editorial team can do this."))


def _held(session: Session, bulk_id: int) -> BulkRow:
    bulk = session.get(BulkRow, bulk_id, with_for_update=True)
    if bulk is None:
        raise NotFound(N_("There is no such bulk."))
    return bulk


def _own(session: Session, account: Account, bulk_id: int) -> BulkRow:
    _may(account)
    bulk = _held(session, bulk_id)
    if bulk.account_id != account.id:
        raise Forbidden(N_("Somebody else reads this sample."))
    if bulk.stage != "checking":
        raise Conflict(N_("This was accepted already."))
    return bulk
