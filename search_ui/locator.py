"""The small map of a city's page: where it is, what came to it and what others took up from it."""

from collections.abc import Iterable, Iterator, Sequence

from kb.records.service import Stored
from kb.records.urls import record_path
from schemas.language import Language
from schemas.search import SearchQuery
from search_ui import forms, i18n, maps
from search_ui.related import Transfer, title


def draw(city: Stored, taken: Iterable[Transfer], given: Iterable[Transfer], language: Language) -> maps.Map | None:
    """The city and, by arcs, the cities that it learned from and that learned from it; None without coordinates."""
    home = _spot(city, language)
    if home is None:
        return None
    arcs = list(dict.fromkeys(_arcs(home, taken, given, language)))
    spots = list(dict.fromkeys([home, *(spot for arc in arcs for spot in arc)]))

    def several(group: Sequence[maps.Spot]) -> tuple[str, str]:
        near = SearchQuery(lang=language, type=["city"], near=maps.circle_around(group))
        return i18n.join([spot.label for spot in group], language), forms.address(near)

    return maps.draw(spots, arcs=arcs, several=several)


def _arcs(
    home: maps.Spot, taken: Iterable[Transfer], given: Iterable[Transfer], language: Language
) -> Iterator[tuple[maps.Spot, maps.Spot]]:
    for transfer in taken:
        if (start := _spot(transfer.origin, language)) and start != home:
            yield start, home
    for transfer in given:
        if (end := _spot(transfer.city, language)) and end != home:
            yield home, end


def _spot(stored: Stored | None, language: Language) -> maps.Spot | None:
    place = stored.record.place if stored else None
    if stored is None or place is None or place.coordinates is None:
        return None
    href = record_path(stored.record.type, stored.record.id, language)
    return maps.Spot(place.coordinates.lat, place.coordinates.lon, title(stored, language), href)
