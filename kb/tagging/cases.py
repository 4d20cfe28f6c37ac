"""Where the tags of each record stand: one row for each, made from the record, its last suggestions and its decisions."""

import datetime
from collections.abc import Iterable, Iterator
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from kb.db import utcnow
from kb.records import service as records
from kb.records.facets import city_id, facets_of, year_of
from kb.records.service import Stored
from kb.records.tables import RecordRow
from kb.tagging.tables import DecisionRow, DisputeRow, SuggestionRow, TagCaseRow
from schemas.language import say
from schemas.records import Record, RecordType
from schemas.tagging import CaseStage, Suggestions, TagKind

#: Records of these kinds are tagged.
TAGGED: Final[tuple[RecordType, ...]] = ("case_study", "initiative", "expert", "publication", "event")


def get(session: Session, record_id: str) -> TagCaseRow:
    """Where the record stands; it is entered where it is not yet. Raises NotFound."""
    return session.get(TagCaseRow, record_id) or refresh(session, record_id)


def suggestion_of(session: Session, row: TagCaseRow) -> SuggestionRow | None:
    """What was suggested for the record as it was read last."""
    return session.get(SuggestionRow, row.suggestion_id) if row.suggestion_id else None


def unread(session: Session, model: str, most: int) -> list[str]:
    """Ids of published records, at most ``most``, whose text this model may not have read as it is now: new ones, and those
    that were saved since. Those that wait longest come first."""
    read = select(SuggestionRow.id).where(SuggestionRow.id == TagCaseRow.suggestion_id, SuggestionRow.model == model)
    changed = or_(TagCaseRow.record_id.is_(None), TagCaseRow.revision != RecordRow.revision, ~read.exists())
    query = (
        select(RecordRow.id)
        .outerjoin(TagCaseRow, TagCaseRow.record_id == RecordRow.id)
        .where(RecordRow.status == "published", RecordRow.type.in_(TAGGED), changed)
    )
    return list(session.scalars(query.order_by(RecordRow.updated_at, RecordRow.id).limit(most)))


def refresh(
    session: Session, record_id: str, *, text_key: str | None = None, suggestion: SuggestionRow | None = None
) -> TagCaseRow:
    """Write the row anew. ``text_key`` is given by who has just read the text, ``suggestion`` by who has just asked.
    Raises NotFound."""
    stored = records.get(session, record_id)
    row = session.get(TagCaseRow, record_id)
    if row is None:
        row = TagCaseRow(
            record_id=record_id, revision=0, since=utcnow(), text_key="", decided_key="", suggestion_id=None
        )
    if text_key is not None and text_key != row.text_key:
        row.text_key, row.since = text_key, utcnow()
    if text_key is not None or not row.revision:
        row.revision = stored.revision
    if suggestion is not None:
        row.suggestion_id = suggestion.id
    _describe(session, row, stored)
    _stand(session, row, stored.record, suggestion)
    session.add(row)
    session.flush()
    return row


def _describe(session: Session, row: TagCaseRow, stored: Stored) -> None:
    record = stored.record
    home = city_id(record)
    city = records.load(session, [home]).get(home) if home else None
    facets = facets_of(record, city.record if city else None)
    said = say(record.title, record.language)
    row.type, row.language, row.title = record.type, record.language, said.text[:300] if said else ""
    row.region, row.country = next(iter(facets["region"]), ""), next(iter(facets["country"]), "")
    row.city_id, row.year = home or "", year_of(record)
    row.marker = "" if record.gender.marker is None else str(record.gender.marker)


def _stand(session: Session, row: TagCaseRow, record: Record, suggestion: SuggestionRow | None) -> None:
    made = decisions_of(session, row.record_id)
    suggestion = suggestion or suggestion_of(session, row)
    waiting = (
        list(_waiting(record, Suggestions.model_validate(suggestion.result), made, row.text_key)) if suggestion else []
    )
    tagged = tagged_keys(record)
    row.open, row.confidence = len(waiting), max((sure for _, _, sure in waiting), default=0.0)
    row.waiting = {each: {key: sure for kind, key, sure in waiting if kind == each} for each in ("sdg", "theme")}
    row.stage = _stage(bool(waiting), bool(tagged or made))
    states = [record.gender.state, *(tag.state for tag in [*record.sdgs, *record.gender.themes])]
    row.disputed = "disputed" in states
    goals = [key for kind, key in [*tagged, *((kind, key) for kind, key, _ in waiting)] if kind == "sdg"]
    row.goals = f" {' '.join(dict.fromkeys(goals))} "
    row.decided_at = max((each.at for each in made), default=None)
    row.decided_key = next((each.text_key for each in reversed(made) if each.text_key), row.decided_key)
    row.stale = bool(row.decided_key and row.text_key and row.decided_key != row.text_key)


def _stage(waiting: bool, handled: bool) -> CaseStage:
    return "suggested" if waiting else "decided" if handled else "untagged"


def tagged_keys(record: Record) -> list[tuple[TagKind, str]]:
    """(kind, goal or theme) of every tag that stands in the record."""
    goals = [tag.goal for tag in record.sdgs if tag.state in ("accepted", "disputed")]
    themes = [tag.theme for tag in record.gender.themes if tag.state in ("accepted", "disputed")]
    return [*(("sdg", goal) for goal in goals), *(("theme", theme) for theme in themes)]  # type: ignore[list-item]


def _waiting(
    record: Record, said: Suggestions, made: Iterable[DecisionRow], text_key: str
) -> Iterator[tuple[TagKind, str, float]]:
    """(kind, goal or theme, confidence) of what is suggested, not tagged, and not decided on for this text."""
    settled = {(each.kind, each.key) for each in made if each.text_key == text_key and not each.undone_by}
    settled |= set(tagged_keys(record))
    offered: list[tuple[TagKind, str, float, bool]] = [
        *(("sdg", each.goal, each.confidence, each.suggested) for each in said.sdgs),
        *(("theme", each.theme, each.confidence, each.suggested) for each in said.gender.themes),
    ]
    for kind, key, confidence, suggested in offered:
        if suggested and (kind, key) not in settled:
            yield kind, key, confidence


def decisions_of(session: Session, record_id: str) -> list[DecisionRow]:
    """All decisions on a record, oldest first; those that were undone, and the undoing, too."""
    query = select(DecisionRow).where(DecisionRow.record_id == record_id)
    return list(session.scalars(query.order_by(DecisionRow.id)))


def under_review(session: Session, record_id: str) -> dict[str, datetime.date]:
    """Goals, targets and themes of a record that are disputed, and ``gender`` for its marker, with the day since when."""
    query = select(DisputeRow).where(DisputeRow.record_id == record_id, DisputeRow.outcome == "")
    return {row.tag.get("code") or row.key: row.raised_at.date() for row in session.scalars(query)}
