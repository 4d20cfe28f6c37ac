"""Addresses of searches: read without ever failing, written so that reading gives the same."""

from hypothesis import given
from hypothesis import strategies as some
from starlette.datastructures import QueryParams

from schemas.search import FACETS, Near, SearchQuery
from search_ui import forms

_values = some.lists(some.text(min_size=1, max_size=12), max_size=3, unique=True)
_queries = some.builds(
    SearchQuery,
    q=some.text(max_size=40).map(str.strip),
    lang=some.sampled_from(["en", "es", "fr"]),
    topic=_values.map(lambda values: [value.strip() for value in values if value.strip()]),
    country=some.lists(some.sampled_from(["CO", "FR"]), unique=True),
    year_from=some.none() | some.integers(1800, 2100),
    near=some.none() | some.just(Near(4.6, -74.1, 50.0)),
    sort=some.sampled_from(["relevance", "newest", "title"]),
    mode=some.sampled_from(["hybrid", "keyword"]),
)


def _params(address: str) -> QueryParams:
    return QueryParams(address.partition("?")[2])


@given(_queries)
def test_what_is_written_is_read_again(query: SearchQuery) -> None:
    asked = forms.read(_params(forms.address(query)), query.lang)
    assert asked.query == query.model_copy(update={"limit": forms.PAGE_SIZE, "offset": 0})
    assert asked.ignored == []


@given(some.lists(some.tuples(some.sampled_from([*(f.name for f in FACETS), "q", "page", "near", "year_from", "year_to",
                                                 "sort", "mode", "other"]), some.text(max_size=30))))  # fmt: skip
def test_no_address_is_refused(pairs: list[tuple[str, str]]) -> None:
    asked = forms.read(QueryParams(pairs), "en")
    assert asked.query.offset == (asked.page - 1) * forms.PAGE_SIZE


def test_what_cannot_be_read_is_left_out_and_named() -> None:
    asked = forms.read(QueryParams("q=trees&year_from=soon&sort=best&near=here&topic=housing"), "en")
    assert sorted(asked.ignored) == ["near", "sort", "year_from"]
    assert (asked.query.q, asked.query.topic) == ("trees", ["housing"])


def test_a_page_leads_to_its_results() -> None:
    assert forms.read(QueryParams("page=3"), "en").query.offset == 20
    assert forms.read(QueryParams("page=-1"), "en").query.offset == 0
    assert forms.read(QueryParams("page=99999999999"), "en").query.offset == 0


def test_taking_one_value_away_keeps_the_others() -> None:
    query = SearchQuery(q="bus", topic=["mobility", "housing"], country=["CO"])
    assert forms.without(query, "topic", "mobility") == "/en/search?q=bus&topic=housing&country=CO"
