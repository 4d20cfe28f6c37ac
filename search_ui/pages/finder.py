"""The expert finder: by what somebody needs. Works as a plain form."""

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.datastructures import QueryParams
from starlette.responses import HTMLResponse

from indexer import finder
from schemas.finder import FILTERS, FinderQuery, FinderResults
from schemas.language import Language
from schemas.search import MAX_OFFSET, MAX_QUERY, FacetCount
from search_ui import i18n
from search_ui.depends import SearchDep, SessionDep
from search_ui.facets import Applied, Group, Option
from search_ui.i18n import N_
from search_ui.paging import Pages, number
from search_ui.render import language_of, page

router = APIRouter(include_in_schema=False)

PAGE_SIZE: Final = 10
TITLES: Final[dict[str, str]] = {
    "availability": N_("Availability"),
    "spoken": N_("Language spoken"),
    "topic": N_("Topic"),
    "sdg": N_("Sustainable Development Goal"),
    "region": N_("Region"),
    "city": N_("City"),
}
#: Who stands by a proof, in words.
STANDINGS: Final[dict[str, str]] = {
    "team": N_("confirmed by its own team"),
    "staff": N_("confirmed by the editorial team"),
    "record": N_("named by the record itself"),
    "stated": N_("the expert’s own statement"),
}
_OPEN: Final = ("availability", "spoken")
#: Values that are shown at once; scales are shown whole.
_FIRST: Final = 8
_SCALES: Final = ("availability", "sdg")


@router.get("/{lang:language}/experts/find")
def find(request: Request, session: SessionDep, search: SearchDep) -> HTMLResponse:
    """Experts who can help with the need in the address; without one, all of them, so that filters can narrow it."""
    query, current = read(request.query_params, language_of(request))
    results = finder.find(search, session, query)
    last = max(1, -(-results.total // PAGE_SIZE))
    return page(
        request,
        "profiles/finder.html",
        section="experts",
        query=query,
        results=results,
        groups=list(_groups(results)),
        applied=_applied(results),
        standings=STANDINGS,
        clear_href=address(FinderQuery(q=query.q, lang=query.lang)),
        did_you_mean_href=address(query, q=results.did_you_mean),
        pages=Pages(current, last, lambda wanted: address(query, page=wanted if wanted > 1 else None)),
    )


def read(params: QueryParams, language: Language) -> tuple[FinderQuery, int]:
    """(what an address asks for, which page). It is never refused: what cannot be read is left out."""
    current = number(params.get("page", ""), MAX_OFFSET // PAGE_SIZE)
    value: dict[str, Any] = {each.name: [v for v in params.getlist(each.name) if v][:50] for each in FILTERS}
    value |= {"q": params.get("q", "")[:MAX_QUERY], "lang": language, "limit": PAGE_SIZE}
    value["offset"] = (current - 1) * PAGE_SIZE
    try:
        return FinderQuery.model_validate(value), current
    except ValidationError:
        return FinderQuery(lang=language, limit=PAGE_SIZE), 1


def address(query: FinderQuery, **changes: Any) -> str:
    """The path of the page that asks this, with parameters changed; None or empty takes one away."""
    said = {"q": query.q, **query.chosen(), **changes}
    kept = {name: value for name, value in said.items() if value not in (None, "", [])}
    return f"/{query.lang}/experts/find" + (f"?{urlencode(kept, doseq=True)}" if kept else "")


def _groups(results: FinderResults) -> Iterator[Group]:
    for name, _ in FILTERS:
        counts = [count for count in results.facets.get(name, []) if count.count or count.selected]
        if counts:
            first = counts if name in _SCALES else _first(counts)
            rest = [count for count in counts if count not in first]
            group = Group(name, i18n.gettext(TITLES[name], results.query.lang), _options(first), _options(rest))
            yield group


def _first(counts: list[FacetCount]) -> list[FacetCount]:
    return [count for place, count in enumerate(counts) if place < _FIRST or count.selected]


def _options(counts: list[FacetCount]) -> list[Option]:
    return [Option(count.id, count.label, count.count, count.selected) for count in counts]


def _applied(results: FinderResults) -> list[Applied]:
    """Every filter that is on, each with the address that takes it away."""
    query = results.query
    return [
        Applied(
            i18n.gettext(TITLES[name], query.lang),
            count.label,
            address(query, **{name: [other for other in getattr(query, name) if other != count.id]}),
        )
        for name, counts in results.facets.items()
        for count in counts
        if count.selected
    ]
