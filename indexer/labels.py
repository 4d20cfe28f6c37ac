"""The values of facets, with their names in the asker's language and in an order that a reader expects."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

from sqlalchemy.orm import Session

from indexer.concepts import country_name
from kb.records import service as records
from schemas.language import Language
from schemas.search import FACETS, Facet, FacetCount
from schemas.vocabulary import load

#: Vocabularies that are shown in their own order; the others with the most frequent first.
_IN_ORDER: Final = frozenset(
    {"sdgs", "city_sizes", "cost_bands", "evidence_levels", "stages", "gender_markers", "languages"}
)
#: Values of one facet that an answer lists; chosen ones are always there.
SHOWN: Final = 60


def facet_counts(
    session: Session, counts: Mapping[str, Mapping[str, int]], chosen: Mapping[str, Sequence[str]], language: Language
) -> dict[str, list[FacetCount]]:
    """All facets that have something to choose, labelled and ordered."""
    found = {facet: _values(facet, counts.get(facet.name, {}), chosen.get(facet.name, ())) for facet in FACETS}
    cities = _city_names(session, found, language)
    return {
        facet.name: [
            FacetCount(
                id=id, label=_label(facet, id, language, cities), count=count, selected=id in chosen.get(facet.name, ())
            )
            for id, count in values
        ]
        for facet, values in found.items()
        if values
    }


def _values(facet: Facet, counts: Mapping[str, int], chosen: Sequence[str]) -> list[tuple[str, int]]:
    known = {**dict.fromkeys(chosen, 0), **counts}
    ordered = sorted(known.items(), key=lambda item: (-item[1], item[0]))
    kept = [item for place, item in enumerate(ordered) if place < SHOWN or item[0] in chosen]
    if facet.vocabulary in _IN_ORDER:
        order = _order(facet.vocabulary)
        kept.sort(key=lambda item: order.get(item[0], len(order)))
    return kept


@cache
def _order(vocabulary: str) -> dict[str, int]:
    return {term.id: place for place, term in enumerate(load(vocabulary).terms)}


@cache
def _labels(vocabulary: str, language: Language) -> dict[str, str]:
    return {term.id: term.label[language] for term in load(vocabulary).terms}


def _city_names(session: Session, found: Mapping[Facet, list[tuple[str, int]]], language: Language) -> dict[str, str]:
    ids = [id for facet, values in found.items() if facet.name == "city" for id, _ in values]
    return records.titles(session, ids, language)


def _label(facet: Facet, id: str, language: Language, cities: Mapping[str, str]) -> str:
    if facet.vocabulary:
        return _labels(facet.vocabulary, language).get(id, id)
    return country_name(id, language) if facet.name == "country" else cities.get(id, id)
