"""What the database alone can find a record by: its row in ``lookups``."""

import math
from collections.abc import Iterable, Iterator
from typing import Any, Final

from kb.records.countries import country_names
from kb.records.facets import city_id, dated, facets_of
from kb.records.privacy import public_record, without_unchecked
from schemas.language import LANGUAGES
from schemas.parts import Coordinates
from schemas.records import Expert, Record
from schemas.text import folded_words

#: By which a record is called, besides its titles.
_NAMES: Final = ("acronym", "other_names", "organisation", "authors", "publisher", "series", "isbn", "doi", "orcid")


def values_of(record: Record) -> dict[str, object]:
    """The row of a record: what its readers may see of it, in the form in which it is looked for."""
    seen = public_record(record) if isinstance(record, Expert) else without_unchecked(record)
    names, place = " ".join(_names(seen)), " ".join(_place_names(seen))
    x, y, z = on_sphere(seen.place.coordinates) if seen.place and seen.place.coordinates else (None, None, None)
    return {
        "record_id": seen.id,
        "type": seen.type,
        "city_id": city_id(seen) or "",
        "dated": int(dated(seen).replace("-", "").ljust(8, "0")),
        "x": x,
        "y": y,
        "z": z,
        "facets": _between_blanks(facet(name, value) for name, of in facets_of(seen, None).items() for value in of),
        "names": searchable(names),
        "place": searchable(place),
        "text": searchable(" ".join([names, place, *(seen.summary.get(language, "") for language in LANGUAGES)])),
    }


def searchable(text: str) -> str:
    """The folded words of a text between single blanks, with a blank at both ends: `` one word `` holds `` word ``."""
    return _between_blanks(folded_words(text))


def facet(name: str, value: str) -> str:
    """How the row writes a facet's value."""
    return f"{name}:{value}"


def on_sphere(at: Coordinates) -> tuple[float, float, float]:
    """A place as a point on the unit sphere."""
    lat, lon = math.radians(at.lat), math.radians(at.lon)
    return math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)


def _between_blanks(words: Iterable[str]) -> str:
    return f" {' '.join(words)} "


def _names(record: Record) -> Iterator[str]:
    yield record.title[record.language]
    # In an order of ours: PostgreSQL gives back the keys of JSON in one of its own.
    yield from (record.title[language] for language in record.languages() if language != record.language)
    for name in _NAMES:
        value: Any = getattr(record, name, None) or []
        yield from [value] if isinstance(value, str) else value


def _place_names(record: Record) -> Iterator[str]:
    if record.place:
        yield record.place.name or ""
        yield from country_names(record.place.country) if record.place.country else ()
