"""Records with suggestions on them, for tests of the pages of tagging."""

from typing import Any

from sqlalchemy import Engine

from indexer.tagging.sections import reading_of
from kb.db import transaction
from kb.records import service as records
from kb.tagging import suggestions
from schemas.records import parse
from schemas.tagging import Evidence, Suggestions, TargetSuggestion
from tests.kb.tagging.said import said

FIRST = "Trams run every six minutes, at a price that everybody can pay."
SECOND = "Women feel safe at the stops."


def case(record_id: str, **fields: Any) -> dict[str, Any]:
    """A published case study of two sentences."""
    return {
        "type": "case_study", "id": record_id, "language": "en", "status": "published",
        "title": {"en": f"Trams {record_id}"}, "summary": {"en": f"{FIRST} {SECOND}"},
    } | fields  # fmt: skip


def _evidence(text: str, passage: str) -> Evidence:
    start = text.index(passage)
    return Evidence(passage=passage, start=start, end=start + len(passage), terms=passage.split()[:1])


def _suggested(text: str, goal: float) -> Suggestions:
    found = said({"11": goal, "5": 0.7}, {"mobility": 0.8}, evidence=_evidence(text, FIRST))
    for each in found.sdgs:
        if each.goal == "11":
            offered = (("11.2", 0.8), ("11.7", 0.3), ("11.a", 0.1))
            each.target, each.targets = "11.2", [TargetSuggestion(code=code, confidence=sure) for code, sure in offered]
        if each.goal == "5":
            each.target, each.evidence = None, _evidence(text, SECOND)
    return found


def suggested(database: Engine, record_id: str, goal: float = 0.95, **fields: Any) -> None:
    """Save the case, and suggest goal 11 with three targets, goal 5 on the second sentence, and the theme of mobility."""
    with transaction(database) as session:
        records.save(session, parse(case(record_id, **fields)), "tests")
        reading = reading_of(records.get(session, record_id).record)
        suggestions.keep(session, record_id, reading.key, _suggested(reading.text, goal), b"")
