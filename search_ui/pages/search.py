"""The search page: question, filters, results as a list or on a map. Works as a plain form."""

from collections.abc import Sequence
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from schemas.search import SearchQuery, SearchResults
from search_ui import facets, forms, i18n, maps
from search_ui.depends import SearchDep, SessionDep
from search_ui.i18n import N_
from search_ui.paging import Pages
from search_ui.render import language_of, page

router = APIRouter(include_in_schema=False)

SORTS: Final = {
    "relevance": N_("Best match"),
    "newest": N_("Newest first"),
    "oldest": N_("Oldest first"),
    "title": N_("Title, A to Z"),
    "distance": N_("Nearest first"),
}
MODES: Final = {
    "hybrid": N_("Words and meaning"),
    "keyword": N_("Words only"),
    "semantic": N_("Meaning only"),
}
#: On a map, and in the list of links beside it.
MOST_POINTS: Final = 500


@router.get("/{lang:language}/search")
def search(request: Request, session: SessionDep, engine: SearchDep) -> HTMLResponse:
    """Results of the question in the address; without one, everything, so that filters can narrow it."""
    language = language_of(request)
    asked = forms.read(request.query_params, language)
    as_map = request.query_params.get("view") == "map"
    counted_only = asked.query.model_copy(update={"limit": 0, "offset": 0})
    results = engine.answer(session, counted_only if as_map else asked.query)
    # Results carry the question as it was understood; addresses are made from the one that was asked.
    results = results.model_copy(update={"query": asked.query})
    values = _values(asked, results, "map" if as_map else "list")
    if as_map:
        values["map"], values["points"] = _map(session, engine, asked.query)
    return page(request, "search.html", status=200, section="search", **values)


def _values(asked: forms.Asked, results: SearchResults, view: str) -> dict[str, Any]:
    query, language = asked.query, asked.query.lang
    last = max(1, min(-(-results.total // forms.PAGE_SIZE), 1000))
    kept = {"view": "map"} if view == "map" else {}
    return {
        "asked": asked,
        "query": query,
        "results": results,
        "view": view,
        "groups": facets.groups(results),
        "applied": facets.applied(query, results),
        "understood": facets.understood(results),
        "sorts": _choices(SORTS, query, without=() if query.near else ("distance",)),
        "sort_href": lambda sort: forms.address(query, sort=sort if sort != "relevance" else None),
        "modes": _choices(MODES, query),
        "clear_href": forms.address(SearchQuery(q=query.q, lang=language), **kept),
        "list_href": forms.address(query),
        "map_href": forms.address(query, view="map"),
        "did_you_mean_href": forms.address(query, q=results.did_you_mean),
        "pages": Pages(asked.page, last, lambda number: forms.address(query, page=number if number > 1 else None)),
        "hidden": [("near", forms.write_near(query.near))] if query.near else [],
    }


def _choices(names: dict[str, str], query: SearchQuery, without: Sequence[str] = ()) -> list[tuple[str, str]]:
    return [(name, i18n.gettext(text, query.lang)) for name, text in names.items() if name not in without]


def _map(session: SessionDep, engine: SearchDep, query: SearchQuery) -> tuple[maps.Map, list[Any]]:
    points = engine.points(session, query, MOST_POINTS)
    spots = [maps.Spot(point.lat, point.lon, point.title, point.url) for point in points]

    def several(group: Sequence[maps.Spot]) -> tuple[str, str]:
        text = i18n.ngettext("%(count)s record: %(titles)s", "%(count)s records: %(titles)s", len(group), query.lang)
        titles = "; ".join(spot.label for spot in group[:3]) + (" …" if len(group) > 3 else "")
        values = {"count": i18n.number(len(group), query.lang), "titles": titles}
        return text % values, forms.address(query, near=forms.write_near(maps.circle_around(group)))

    return maps.draw(spots, several=several), points
