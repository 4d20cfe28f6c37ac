"""Between addresses and questions: the search form's parameters as a ``SearchQuery``, and back."""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from pydantic import ValidationError
from starlette.datastructures import QueryParams

from schemas.language import Language
from schemas.search import FACETS, MAX_OFFSET, MAX_QUERY, Near, SearchQuery
from search_ui.paging import number

PAGE_SIZE: Final = 10
_LISTS: Final = tuple(facet.name for facet in FACETS)
_SINGLE: Final = ("year_from", "year_to", "sort", "mode")
_LAST_PAGE: Final = MAX_OFFSET // PAGE_SIZE + 1


@dataclass(frozen=True)
class Asked:
    """What an address asks for. ``ignored`` names the parameters that could not be read and were left out."""

    query: SearchQuery
    page: int
    ignored: list[str]


def read(params: QueryParams, language: Language) -> Asked:
    """The question of a search address. A reader's address is never refused: what cannot be read is left out."""
    page = number(params.get("page", ""), _LAST_PAGE)
    value: dict[str, Any] = {"q": params.get("q", "")[:MAX_QUERY], "lang": language, "limit": PAGE_SIZE}
    value |= {name: found for name in _LISTS if (found := [text for text in params.getlist(name) if text][:50])}
    value |= {name: params[name] for name in _SINGLE if params.get(name)}
    value["offset"] = (page - 1) * PAGE_SIZE
    ignored = []
    if params.get("near") and (near := read_near(params["near"])):
        value["near"] = near
    elif params.get("near"):
        ignored.append("near")
    query, refused = _without_refused(value)
    return Asked(query, page, ignored + refused)


def _without_refused(value: dict[str, Any]) -> tuple[SearchQuery, list[str]]:
    try:
        return SearchQuery.model_validate(value), []
    except ValidationError as error:
        refused = sorted({str(each["loc"][0]) for each in error.errors()})
        return SearchQuery.model_validate({name: part for name, part in value.items() if name not in refused}), refused


def read_near(text: str) -> Near | None:
    """``4.6,-74.1,50``: latitude, longitude, kilometres; None where it is not that."""
    try:
        lat, lon, km = (float(part) for part in text.split(","))
    except ValueError:
        return None
    return Near(lat, lon, km) if abs(lat) <= 90 and abs(lon) <= 180 and 0 < km <= 20_000 else None


def write_near(near: Near) -> str:
    """The other direction of ``read_near``."""
    return f"{near.lat:g},{near.lon:g},{near.km:g}"


def parameters(query: SearchQuery) -> dict[str, Any]:
    """What an address needs to say to ask this; without language, page and defaults."""
    said: dict[str, Any] = {"q": query.q} if query.q else {}
    said |= query.chosen()
    said |= {name: value for name in ("year_from", "year_to") if (value := getattr(query, name)) is not None}
    if query.near:
        said["near"] = write_near(query.near)
    said |= {name: value for name in ("sort", "mode") if (value := getattr(query, name)) != _default(name)}
    return said


def _default(name: str) -> Any:
    return SearchQuery.model_fields[name].default


def address(query: SearchQuery, **changes: Any) -> str:
    """The path of the search page that asks this, with parameters changed; None or empty takes one away."""
    said = {name: value for name, value in (parameters(query) | changes).items() if value not in (None, "", [])}
    return f"/{query.lang}/search" + (f"?{urlencode(said, doseq=True)}" if said else "")


def without(query: SearchQuery, name: str, value: str) -> str:
    """The address without one chosen value of a facet."""
    return address(query, **{name: [other for other in getattr(query, name) if other != value]})
