"""How a record's tags came to be: everything that was suggested, decided, disputed and settled, in order; and what of that
readers may know."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from kb.records import service as records
from kb.records.privacy import public_value
from kb.tagging import cases, disputes, suggestions
from kb.tagging.decisions import code_of
from kb.tagging.disputes import Dispute
from kb.tagging.letters import VOCABULARIES
from kb.tagging.tables import DecisionRow, SuggestionRow
from schemas.published_tags import PublishedGenderMarker, PublishedTag, PublishedTags, TagEvent
from schemas.tagging import Suggestions, TagKind
from schemas.tags import Gender, GenderThemeTag, SdgTag
from schemas.vocabulary import load


@dataclass(frozen=True)
class Event:
    """One thing that happened: the machine said something (``said``), a person decided (``decision``), or a dispute was
    closed (``dispute``)."""

    at: datetime.datetime
    model: str = ""
    said: Suggestions | None = None
    decision: DecisionRow | None = None
    dispute: Dispute | None = None


def events(session: Session, record_id: str) -> list[Event]:
    """All that happened to the tags of a record, the oldest first. Of a dispute that is still open nothing is told but that
    it was raised: its readers do not see each other's verdict."""
    said = session.scalars(select(SuggestionRow).where(SuggestionRow.record_id == record_id))
    found = [Event(row.at, row.model, said=suggestions.read(row)) for row in said]
    found += [Event(row.at, row.model, decision=row) for row in cases.decisions_of(session, record_id)]
    for dispute in disputes.of_record(session, record_id):
        if dispute.row.closed_at and dispute.verdicts:
            found.append(Event(dispute.row.closed_at, dispute=dispute))
    return sorted(found, key=lambda event: (event.at, event.decision.id if event.decision else 0))


# What readers may know


def published(session: Session, record_id: str) -> PublishedTags:
    """The tags that readers see, with what led to each, and no person. Raises NotFound for a record that is not public."""
    record = records.get_public(session, record_id).record
    shown = public_value(record)
    made, moments = cases.decisions_of(session, record_id), _moments(session, record_id)
    gender = Gender.model_validate(shown.get("gender", {}))
    goals = [SdgTag.model_validate(value) for value in shown.get("sdgs", [])]
    tags: list[SdgTag | GenderThemeTag] = [*goals, *gender.themes]
    return PublishedTags(
        id=record.id,
        tags=[_published(tag, made, moments) for tag in tags if tag.public],
        gender_marker=_marker(gender, made),
    )


def _moments(session: Session, record_id: str) -> dict[int, datetime.datetime]:
    query = select(SuggestionRow.id, SuggestionRow.at).where(SuggestionRow.record_id == record_id)
    return {row.id: row.at for row in session.execute(query)}


def _published(
    tag: SdgTag | GenderThemeTag, made: Sequence[DecisionRow], moments: dict[int, datetime.datetime]
) -> PublishedTag:
    kind: TagKind = "sdg" if isinstance(tag, SdgTag) else "theme"
    code = code_of(tag)
    history = [row for row in made if row.kind == kind and code in (row.code, _code(row.before), _code(row.after))]
    standing = [row for row in history if _code(row.after) == code and row.undone_by is None]
    last = standing[-1] if standing else None
    # The newest that the tag owes to a suggestion: a dispute or a new passage does not make it less the machine's.
    suggested = (
        next((row for row in reversed(standing) if row.suggestion_id), None) if tag.source == "machine" else None
    )
    term = load(VOCABULARIES[kind])[code]
    return PublishedTag(
        kind="sdg" if kind == "sdg" else "theme",
        code=code,
        uri=term.uri,
        label=term.label,
        primary=tag.primary if isinstance(tag, SdgTag) else None,
        contribution=tag.contribution if isinstance(tag, SdgTag) else None,
        passage=tag.passage,
        passage_language=tag.passage_language,
        confidence=tag.confidence,
        source=tag.source,
        state="disputed" if tag.state == "disputed" else "accepted",
        date=tag.date,
        model=suggested.model if suggested else None,
        suggested_at=moments.get(suggested.suggestion_id or 0) if suggested else None,
        decided_at=last.at if last else None,
        history=[_event(row) for row in history],
    )


def _code(value: dict[str, object] | None) -> str:
    return str((value or {}).get("code") or (value or {}).get("theme") or "")


def _event(row: DecisionRow) -> TagEvent:
    return TagEvent(
        at=row.at,
        action=row.action,
        before=_code(row.before) or None,
        after=_code(row.after) or None,
        model=row.model or None,
        confidence=row.confidence,
        undone=row.undone_by is not None,
    )


def _marker(gender: Gender, made: Sequence[DecisionRow]) -> PublishedGenderMarker | None:
    if gender.marker is None:
        return None
    screened = [row for row in made if row.kind == "gender" and row.undone_by is None and row.action != "undo"]
    return PublishedGenderMarker(
        value=gender.marker,
        checklist=gender.checklist,
        passages=gender.passages,
        passage=gender.passage,
        passage_language=gender.passage_language,
        source=gender.source,
        state=gender.state,
        date=gender.date,
        decided_at=screened[-1].at if screened else None,
    )
