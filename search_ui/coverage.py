"""How much there is on a subject: counts by facet, asked of the search, so that each figure leads to what it counts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.orm import Session

from indexer.search import Search
from schemas.language import Language
from schemas.search import FACETS, FacetCount, SearchQuery, SearchResult, Sort
from schemas.vocabulary import Vocabulary, load
from search_ui.render import search_path

_VOCABULARIES: Final = {facet.name: facet.vocabulary for facet in FACETS}
_SCALES: Final = frozenset({"city_size", "cost_band", "evidence_level", "gender_marker", "stage"})

#: A row of a bar chart: text, address, count.
Row = tuple[str, str, int]


@dataclass(frozen=True)
class Subjects:
    """Asks the search in one language. ``filters`` are those of SearchQuery."""

    session: Session
    engine: Search
    language: Language

    def facets(self, **filters: Any) -> dict[str, list[FacetCount]]:
        """Every facet's values among the records that pass the filters, without the records."""
        return self.engine.answer(self.session, self._query(limit=0, **filters)).facets

    def counts(self, facet: str, **filters: Any) -> dict[str, int]:
        """The number of records for each value of a facet."""
        return {value.id: value.count for value in self.facets(**filters).get(facet, [])}

    def counts_of(self, facet: str, ids: Iterable[str], **filters: Any) -> dict[str, int]:
        """The number for each of these values, also for those that would not be among the most frequent ones."""
        wanted = list(ids)
        found = self.counts(facet, **filters, **{facet: wanted}) if wanted else {}
        return {each: found.get(each, 0) for each in wanted}

    def first(self, limit: int, sort: Sort = "newest", **filters: Any) -> list[SearchResult]:
        """The first records that pass the filters, in that order."""
        return self.engine.answer(self.session, self._query(limit=limit, sort=sort, **filters)).results

    def _query(self, **values: Any) -> SearchQuery:
        return SearchQuery(lang=self.language, **values)


def rows(counts: Sequence[FacetCount], facet: str, language: Language, most: int, **filters: Any) -> list[Row]:
    """A facet's most frequent values, each with the address that searches for it among the records of the filters.

    Of a hierarchy only the top terms: those below are one step further. A scale keeps its own order.
    """
    vocabulary = load(name) if (name := _VOCABULARIES[facet]) else None
    shown = [each for each in counts if each.count and (vocabulary is None or _is_top(vocabulary, each.id))]
    ordered = shown if facet in _SCALES else sorted(shown, key=lambda each: (-each.count, each.label))[:most]
    return [(each.label, search_path(language, **filters, **{facet: each.id}), each.count) for each in ordered]


def _is_top(vocabulary: Vocabulary, term_id: str) -> bool:
    term = vocabulary.get(term_id)
    return term is not None and term.broader is None
