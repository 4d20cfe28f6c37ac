"""The gender marker by its questions: a whole screening is one decision, and so is setting a record back to unscreened."""

from collections.abc import Callable, Mapping
from typing import Final

from sqlalchemy.orm import Session

from kb.db import utcnow
from kb.errors import Conflict, Invalid
from kb.tagging import cases, decisions
from kb.tagging.decisions import Subject
from kb.tagging.tables import DecisionRow
from schemas.accounts import Account
from schemas.gender_marker import AIM, BY_SEX, MAIN, RESULTS, Marker, explain
from schemas.messages import N_
from schemas.records import Record
from schemas.tagging import Screening, TagKind
from schemas.tags import Gender

KIND: Final[TagKind] = "gender"
#: One person at a time decides on all of it.
KEY: Final = "gender"


def screen(
    session: Session, account: Account, record_id: str, asked: Screening, taken: Callable[[Record, str], str | None]
) -> DecisionRow:
    """Set the marker by these answers. ``taken`` gives a passage as the record's text writes it, None where it is not in the
    text word for word. Raises Forbidden, NotFound, Invalid (``field``: ``answer.…`` or ``passage.…``), and Conflict where
    somebody screened the record since (``why``: seen) or the marker is disputed (``why``: disputed)."""
    record = _held(session, account, record_id, asked.seen)
    marker = _marker(asked)
    passages = _quoted(record, asked, taken)
    passage = _passage(marker, passages)
    after = Gender(
        marker=marker,
        checklist=asked.answers,
        passages=passages,
        passage=passage,
        passage_language=record.language if passages else None,
        results_evidenced=asked.answers.get(RESULTS),
        sex_disaggregated_data=asked.answers.get(BY_SEX),
        source="staff",
        reviewer=decisions.TEAM,
        date=utcnow().date(),
    )
    return decisions.put(session, account, record_id, Subject(KIND, KEY, asked.comment), "mark", after)


def unscreen(session: Session, account: Account, record_id: str, seen: int, comment: str = "") -> DecisionRow:
    """Take the marker away with all that led to it; the themes stay. Raises as ``screen`` does."""
    record = _held(session, account, record_id, seen)
    if decisions.value_of(record.gender) is None:
        raise Invalid(N_("This record is not screened."))
    return decisions.put(session, account, record_id, Subject(KIND, KEY, comment), "remove", None)


def _held(session: Session, account: Account, record_id: str, seen: int) -> Record:
    record = decisions.held(session, account, record_id, KIND, KEY, seen)
    if record.gender.state == "disputed":
        raise Conflict(
            N_("The marker is disputed, and two readers settle that. Screen the record again when they have decided."),
            why="disputed",
        )
    return record


def last(session: Session, record_id: str) -> DecisionRow | None:
    """The last decision on the marker, an undoing included: what somebody who decides now has seen."""
    made = cases.decisions_of(session, record_id)
    return next((each for each in reversed(made) if (each.kind, each.key) == (KIND, KEY)), None)


def can_undo(account: Account, row: DecisionRow | None) -> bool:
    """Whether this person may take the last decision on a marker back."""
    return row is not None and row.account_id == account.id and row.action not in decisions.FINAL


def _marker(asked: Screening) -> Marker:
    if asked.answers.get(MAIN) and asked.answers.get(AIM) is False:
        raise Invalid(
            N_("What is not an aim cannot be the main one. Change one of the two answers."), field=f"answer.{MAIN}"
        )
    marker = explain(asked.answers).marker
    if marker is None:
        raise Invalid(N_("Answer the first question; without it there is no marker."), field=f"answer.{AIM}")
    return marker


def _quoted(record: Record, asked: Screening, taken: Callable[[Record, str], str | None]) -> dict[str, str]:
    """The passages as the text has them, in the order of the answers."""
    for question in asked.passages:
        if question not in asked.answers:
            raise Invalid(N_("Answer the question yes or no, or take the passage away."), field=f"answer.{question}")
    found: dict[str, str] = {}
    for question in (each for each in asked.answers if each in asked.passages):
        passage = taken(record, asked.passages[question])
        if passage is None:
            raise Invalid(
                N_("This passage is not in the text word for word. Copy it from there."), field=f"passage.{question}"
            )
        found[question] = passage
    return found


def _passage(marker: Marker, passages: Mapping[str, str]) -> str | None:
    """The one that says most about the marker."""
    return passages.get(MAIN if marker == 2 else AIM) or passages.get(AIM) or next(iter(passages.values()), None)
