"""The values of facets, with their names in the asker's language and in an order that a reader expects."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

from indexer.concepts import country_names
from schemas.language import Language
from schemas.search import FACETS, Facet, FacetCount
from schemas.vocabulary import load

#: Vocabularies that are shown in their own order; the others with the most frequent first.
_IN_ORDER: Final = frozenset(
    {"sdgs", "city_sizes", "cost_bands", "evidence_levels", "stages", "gender_markers", "languages", "availability"}
)
#: Values of one facet that an answer lists; chosen ones are always there.
SHOWN: Final = 60


def shown(
    counts: Mapping[str, Mapping[str, int]], chosen: Mapping[str, Sequence[str]]
) -> dict[str, list[tuple[str, int]]]:
    """The values of each facet that an answer lists, in their order, with their counts."""
    return {facet.name: _values(facet, counts.get(facet.name, {}), chosen.get(facet.name, ())) for facet in FACETS}


def facet_counts(
    values: Mapping[str, list[tuple[str, int]]],
    chosen: Mapping[str, Sequence[str]],
    language: Language,
    cities: Mapping[str, str],
) -> dict[str, list[FacetCount]]:
    """The facets that have something to choose, labelled; ``cities`` are the titles of cities by id."""
    return {
        facet.name: _labelled(values[facet.name], _names(facet, language, cities), chosen.get(facet.name, ()))
        for facet in FACETS
        if values[facet.name]
    }


def labelled(
    counts: Mapping[str, int],
    vocabulary: str | None,
    names: Mapping[str, str],
    language: Language,
    chosen: Sequence[str],
) -> list[FacetCount]:
    """The values of one property, ordered, with labels of the vocabulary, else of ``names``."""
    values = _values(Facet("", vocabulary), counts, chosen)
    return _labelled(values, _labels(vocabulary, language) if vocabulary else names, chosen)


def _labelled(values: list[tuple[str, int]], names: Mapping[str, str], chosen: Sequence[str]) -> list[FacetCount]:
    return [FacetCount(id=id, label=names.get(id, id), count=count, selected=id in chosen) for id, count in values]


def _values(facet: Facet, counts: Mapping[str, int], chosen: Sequence[str]) -> list[tuple[str, int]]:
    known = {**dict.fromkeys(chosen, 0), **counts}
    # Twice, for a key of both would be made for each of hundreds: equals stay in the order of their ids.
    ordered = sorted(sorted(known), key=known.__getitem__, reverse=True)
    kept = [(id, known[id]) for place, id in enumerate(ordered) if place < SHOWN or id in chosen]
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


def _names(facet: Facet, language: Language, cities: Mapping[str, str]) -> Mapping[str, str]:
    if facet.vocabulary:
        return _labels(facet.vocabulary, language)
    return country_names(language) if facet.name == "country" else cities
