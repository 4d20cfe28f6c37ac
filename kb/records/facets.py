"""What a record is filtered by: its facets, place, date and city. The index and the database take them from here."""

from collections.abc import Iterable
from functools import cache

from schemas.parts import Place
from schemas.records import City, RecordBase
from schemas.vocabulary import load


def city_id(record: RecordBase) -> str | None:
    """The record id of the city that a record belongs to; a city belongs to itself."""
    if isinstance(record, City):
        return record.id
    return next((target for relation, target in record.references() if relation == "city"), None)


def facets_of(record: RecordBase, city: RecordBase | None) -> dict[str, tuple[str, ...]]:
    """Facet name to the values that the record is found under, with what is above them. ``city`` lends its place."""
    place = place_of(record, city)
    country = place.country if place else None
    sdgs = [tag for tag in record.sdgs if tag.public]
    themes = [tag.theme for tag in record.gender.themes if tag.public]
    costs = getattr(record, "costs", None)
    found: dict[str, Iterable[str | None]] = {
        "type": [record.type],
        "topic": load("topics").with_broader([*record.topics, *_expertise(record, "topics")]),
        "instrument": load("instruments").with_broader([*record.instruments, *_expertise(record, "instruments")]),
        "sdg": dict.fromkeys(tag.goal for tag in sdgs),
        "target": dict.fromkeys(tag.code for tag in sdgs if "." in tag.code),
        "gender_theme": dict.fromkeys([*themes, *_expertise(record, "gender_themes")]),
        "gender_marker": ["unscreened" if record.gender.marker is None else str(record.gender.marker)],
        "region": load("regions").with_broader([region] if country and (region := region_of(country)) else []),
        "country": [country],
        "city": [city_id(record)],
        "city_size": [_size(place.population if place else None)],
        "stage": [getattr(record, "stage", None)],
        "cost_band": [costs.band if costs else None],
        "evidence_level": [_level(record)],
        "language": record.languages(),
    }
    return {name: tuple(value for value in values if value) for name, values in found.items()}


#: Facets that a record without a place of its own has from its city.
LENT = ("region", "country", "city_size")


def _expertise(record: RecordBase, vocabulary: str) -> list[str]:
    return [term for term in getattr(record, "expertise", []) if term in load(vocabulary)]


def _level(record: RecordBase) -> str | None:
    level = getattr(record, "evidence_level", None)
    return None if level is None else str(level)


def place_of(record: RecordBase, city: RecordBase | None) -> Place | None:
    """The record's own place, filled up with what its city knows."""
    own, lent = record.place, city.place if city else None
    if own is None or lent is None:
        return own or lent
    return lent.model_copy(update={name: value for name, value in own if value is not None})


@cache
def region_of(country: str) -> str | None:
    """The region that a country is in, by its ISO code."""
    return next((term.id for term in load("regions").terms if country in term.members), None)


def _size(population: int | None) -> str | None:
    bands = [term.id for term in load("city_sizes").terms if population is not None and population >= (term.value or 0)]
    return bands[-1] if bands else None


def dated(record: RecordBase) -> str:
    """The date that stands for the record: its own, its start, or when it was founded; empty where there is none."""
    period = getattr(record, "period", None)
    candidates = [
        getattr(record, "date", None),
        getattr(record, "start", None),
        period.start if period else None,
        period.end if period else None,
    ]
    return next((str(value) for value in candidates if value), "")


def year_of(record: RecordBase) -> int | None:
    """The year that stands for the record."""
    date = dated(record)
    return int(date[:4]) if date else None
