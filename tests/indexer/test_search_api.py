"""The search API answers whatever it is sent: with results, or with what is wrong about the request; never with a failure."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from kb.settings import Settings
from schemas.search import FACETS, MAX_OFFSET, IndexStatus, Point, SearchQuery, SearchResults, Suggestion
from search_ui.app import create_app


@pytest.fixture(scope="module")
def site(filled: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(filled), raise_server_exceptions=False) as client:
        yield client


def _get(site: TestClient, path: str, **parameters: Any) -> Any:
    return site.get(f"/api/v1/{path}", params=parameters)


def test_a_search_has_the_shape_that_is_documented(site: TestClient) -> None:
    answer = SearchResults.model_validate(_get(site, "search", q="metrocable", lang="es").json())
    assert answer.results[0].id == "cable-cars"
    assert answer.query == SearchQuery(q="metrocable", lang="es")
    assert [Point.model_validate(one).id for one in _get(site, "points", q="metrocable").json()] == ["cable-cars"]
    assert [Suggestion.model_validate(one).id for one in _get(site, "suggest", q="metrocab").json()] == ["cable-cars"]
    status = IndexStatus.model_validate(_get(site, "status").json())
    assert status.records == 11
    assert status.waiting == 0


def test_filters_may_be_repeated(site: TestClient) -> None:
    answer = site.get("/api/v1/search?type=city&type=publication&country=CO&country=FR").json()
    assert {one["id"] for one in answer["results"]} == {"city-medellin", "city-lyon"}


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("search", {"q": "x" * 10_000}),
        ("search", {"colour": "red"}),
        ("search", {"q": "metro", "limit": 101}),
        ("search", {"limit": -1}),
        ("search", {"offset": MAX_OFFSET + 1}),
        ("search", {"lang": "de"}),
        ("search", {"type": "tram"}),
        ("search", {"mode": "magic"}),
        ("search", {"sort": "price"}),
        ("search", {"year_from": "soon"}),
        ("search", {"near": "here"}),
        ("search", {"near": "91,0,5"}),
        ("search", {"near": "nan,0,5"}),
        ("search", {"near": "0,0,inf"}),
        ("search", {"near": "0,0,0"}),
        ("points", {"q": "x" * 10_000}),
        ("points", {"colour": "red"}),
        ("suggest", {"q": "x" * 10_000}),
        ("suggest", {"q": "me", "limit": 0}),
        ("suggest", {"q": "me", "lang": "de"}),
    ],
)
def test_a_request_that_cannot_be_meant_is_refused_with_the_reason(
    site: TestClient, path: str, parameters: dict[str, Any]
) -> None:
    answer = _get(site, path, **parameters)
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert list(parameters)[-1] in answer.text


#: What people paste, what programs probe with, and what breaks parsers.
NASTY = [
    "'; DROP TABLE records;--",
    "' OR '1'='1",
    "title:(tram AND bus) OR *:*",
    "tram~2^10 [a TO z} /re[g/",
    "NEAR(a b, 5) MATCH *",
    '"unbalanced',
    '""""""',
    '- -- --- -"',
    "\x00\x01\x02\x1b[2J",
    "a\x00b",
    "\u202eesrever\u202c",
    "\ufeff\u200b\u200d",
    "<script>alert(1)</script>",
    "{{7*7}} ${jndi:ldap://x}",
    "%00%ff%c0%af",
    "../../etc/passwd",
    "ﷺ" * 50,
    "e\u0301" * 200,
    "a" * 1_000,
    "tram " * 200,
    "-x " * 300,
    '"a b" ' * 160,
    "\ud83c\udf06",
    "𝔘𝔯𝔟𝔞𝔫",
    "½ № ℃ Ⅷ",
    "\n\r\t\v\f\u2028\u2029",
]


@pytest.mark.parametrize("q", NASTY)
@pytest.mark.parametrize("mode", ["hybrid", "keyword", "semantic"])
def test_whatever_is_asked_there_is_an_answer(site: TestClient, q: str, mode: str) -> None:
    q = q.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    assert _get(site, "search", q=q, mode=mode).status_code == 200


@pytest.mark.parametrize("q", NASTY)
@pytest.mark.parametrize("path", ["points", "suggest"])
def test_there_is_a_map_and_there_are_suggestions_for_it_too(site: TestClient, q: str, path: str) -> None:
    q = q.encode("utf-8", "surrogatepass").decode("utf-8", "replace")[:200]
    assert _get(site, path, q=q).status_code == 200


numbers = st.integers(-(10**20), 10**20) | st.floats() | st.sampled_from(["1e400", "-0", "٣", "0x10", "", "null"])
texts = st.text(max_size=40) | st.sampled_from(NASTY)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "q": texts,
    "lang": st.sampled_from(["en", "es", "fr", "EN", ""]),
    "mode": st.sampled_from(["hybrid", "keyword", "semantic", ""]),
    "sort": st.sampled_from(["relevance", "newest", "oldest", "title", "distance", "x"]),
    "limit": st.integers(-1, 101) | numbers,
    "offset": st.integers(-1, MAX_OFFSET + 1) | numbers,
    "year_from": st.integers(1799, 2101) | numbers,
    "year_to": st.integers(1799, 2101) | numbers,
    "near": st.tuples(numbers, numbers, numbers).map(lambda three: ",".join(map(str, three)))
    | st.tuples(st.floats(-90, 90), st.floats(-180, 180), st.floats(0.1, 20_100)).map(
        lambda three: ",".join(map(str, three))
    )
    | texts,
    **{
        facet.name: st.lists(texts | st.sampled_from(["case_study", "CO", "waste", "5.2", "en", "0"]), max_size=3)
        for facet in FACETS
    },
}
parameters = st.lists(st.sampled_from([*VALUES, "unheard_of"]), max_size=6, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: VALUES.get(name, texts) for name in names})
)


@given(path=st.sampled_from(["search", "search", "points", "suggest"]), sent=parameters)
@example(path="search", sent={"city": ["\x00"], "country": ["\x00", "'"]})
@example(path="search", sent={"near": "0,0,20100", "sort": "distance"})
@example(path="search", sent={"offset": MAX_OFFSET, "limit": 100, "sort": "title", "q": "metro"})
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_request_makes_the_site_fail(site: TestClient, path: str, sent: dict[str, Any]) -> None:
    query = urlencode(sent, doseq=True, errors="surrogatepass")
    answer = site.get(f"/api/v1/{path}?{query}")
    assert answer.status_code in (200, 422), answer.text
    value = json.loads(answer.text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    if answer.status_code == 200 and path == "search":
        assert SearchResults.model_validate(value).total >= len(value["results"])


@pytest.mark.parametrize("query", ["q=%ff%fe", "q=%ED%A0%80", "q=%", "q", "&&&", "q=a&q=b", "%00=1", "limit=1&limit=2"])
def test_no_broken_query_string_makes_the_site_fail(site: TestClient, query: str) -> None:
    for path in ("search", "points", "suggest"):
        assert site.get(f"/api/v1/{path}?{query}").status_code in (200, 422)
