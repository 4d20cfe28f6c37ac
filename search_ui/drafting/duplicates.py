"""What is published already and may be the same as what somebody writes: by its title, and by its meaning."""

import logging
from dataclasses import dataclass
from typing import Final

from rapidfuzz import fuzz
from sqlalchemy.orm import Session

from indexer.search import Search
from kb.editorial.tables import DraftRow
from schemas.language import Language
from schemas.records import RecordType
from schemas.search import SearchResult
from schemas.text import fold
from search_ui.drafting.paths import texts_of

log = logging.getLogger(__name__)

_MOST: Final = 4
#: Of 100: titles that differ by a word or by slips of the pen.
_SAME_TITLE: Final = 86


@dataclass(frozen=True)
class Duplicate:
    """A record that may be the same."""

    title: str
    language: Language
    url: str
    where: str
    same_title: bool


def of_draft(session: Session, engine: Search, draft: DraftRow, language: Language) -> list[Duplicate]:
    """For what a draft says so far."""
    title, summary = (str(texts_of(draft.data.get(name)).get(draft.language, "")) for name in ("title", "summary"))
    return of_text(session, engine, draft.type, title, summary, language, but=draft.record_id)


def of_text(
    session: Session, engine: Search, type: RecordType, title: str, summary: str, language: Language, *, but: str = ""
) -> list[Duplicate]:
    """Records of a type like this title and summary, those of nearly the same title first; ``but`` is the record itself.
    They are an offer: while the index is away there are none."""
    if len(title) < 4:
        return []
    try:
        found = engine.resembling(session, type, title, summary, language, _MOST + 1, without=but)
    except Exception:  # the engine may be any of several, each with errors of its own
        log.warning("nothing could be said about duplicates", exc_info=True)
        return []
    made = [_duplicate(one, title) for one in found if one.id != but]
    return sorted(made, key=lambda one: not one.same_title)[:_MOST]


def _duplicate(one: SearchResult, title: str) -> Duplicate:
    likeness = fuzz.token_sort_ratio(fold(one.title), fold(title))
    where = ", ".join(part for part in (one.city, one.country) if part)
    return Duplicate(one.title, one.language, one.url, where, likeness >= _SAME_TITLE)
