"""While the search index is away, the database answers by words: what readers may see, and nothing else."""

from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from indexer.document import as_readers_see, build
from indexer.engines.base import SearchEngine
from indexer.search import Search
from kb.db import transaction
from kb.errors import Unavailable
from kb.records import service
from kb.records.facets import city_id
from kb.settings import Settings
from schemas.records import parse
from schemas.search import SearchQuery, SearchResults
from tests.indexer.library import CABLE_CARS, RECORDS

Ask = Callable[..., list[str]]
HIDDEN = ["cathedrals", "Wolfram", "Quarterly", "Quito", "Ecuador", "example", "0199", "zeppelin"]


class Unreachable:
    """An engine that does not answer, in the way in which the engines say so."""

    name = "unreachable"

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, _name: str) -> Any:
        def fail(*_arguments: Any) -> Any:
            raise self._error

        return fail


@pytest.fixture(params=[Unavailable("The engine is away."), ConnectionRefusedError(), TimeoutError()], ids=repr)
def error(request: pytest.FixtureRequest) -> Exception:
    found: Exception = request.param
    return found


def _away(settings: Settings, error: Exception) -> Search:
    search = Search(settings)
    search.engine = cast("SearchEngine", Unreachable(error))
    return search


@pytest.fixture
def library(engine: Engine) -> Engine:
    """The few records of the index's tests, in a database of each kind."""
    with transaction(engine) as session:
        service.save_many(session, map(parse, RECORDS), "tests")
    return engine


@pytest.fixture
def session(library: Engine) -> Iterator[Session]:
    with transaction(library, readonly=True) as session:
        yield session


@pytest.fixture
def search(settings: Settings) -> Search:
    return _away(settings, Unavailable("The engine is away."))


@pytest.fixture
def ask(search: Search, session: Session) -> Ask:
    """Ids of what is found: ``ask("trams", sort="newest")``."""
    return lambda q="", **more: _ids(search.answer(session, SearchQuery(q=q, **more)))


def _ids(answer: SearchResults) -> list[str]:
    return [result.id for result in answer.results]


def test_however_an_engine_is_away_the_answer_comes_and_says_so(
    settings: Settings, session: Session, error: Exception
) -> None:
    answer = _away(settings, error).answer(session, SearchQuery(q="cable cars"))
    assert (_ids(answer), answer.total, answer.notice) == (["cable-cars"], 1, "index-away")
    (result,) = answer.results
    assert [result.snippet[start:end] for start, end in result.marks] == ["cable", "cars"]
    assert (result.city, result.country, result.why.words) == ("Medellín", "Colombia", ["cable", "cars"])


@pytest.mark.parametrize("question", [
    "teleféricos de ladera", "TELEFERICOS LADERA", "telefericos, ¿ladera?", "the cable cars", "cable car districts",
    "Metrocable Medellín", "metrocable medallo", "metrocable colombia", "metrocable colombie", "ladera hillside",
])  # fmt: skip
def test_all_words_are_found_without_case_accents_function_words_and_plurals(ask: Ask, question: str) -> None:
    assert ask(question) == ["cable-cars"]


def test_one_word_that_is_not_there_is_enough_to_find_nothing(ask: Ask) -> None:
    assert ask("cable cars xyzzy") == []
    assert ask("rain gardens cable") == []


def test_a_short_word_is_not_found_within_a_longer_one(ask: Ask) -> None:
    assert ask("car") == ask("cars") == ["cable-cars"]
    assert ask("eau") == ask("eaux") == ["rain-gardens"]
    assert ask("sum") == ["school-budget"]
    assert ask("su") == ask("ca") == []


def test_a_text_shorter_than_its_words_is_found_by_what_it_is_called(ask: Ask) -> None:
    assert ask("Jean Dupont") == ask("978-92-1-132345-6") == ["guide"]
    assert ask("0000-0002-1825-0097") == ask("universidad valle") == ["expert-rivera"]
    assert ask("Nantes") == ["night-stops"]


def test_quoted_words_stand_together_and_excluded_ones_nowhere(ask: Ask) -> None:
    assert ask('"cable cars"') == ["cable-cars"]
    assert ask('"cars cable"') == []
    assert set(ask("school")) == {"cable-cars", "school-budget"}
    assert ask("school -cable") == ["school-budget"]
    assert set(ask("-metro")) == set(ask(limit=100)) - {"cable-cars"}


@pytest.mark.parametrize("word", HIDDEN)
def test_what_is_hidden_or_unpublished_is_not_found(ask: Ask, word: str) -> None:
    assert ask(word) == []
    assert "draft" not in ask(limit=100)
    assert "expert-shy" in ask(limit=100)


def test_hidden_facts_do_not_filter(ask: Ask) -> None:
    assert "expert-shy" not in ask(country=["EC"]) + ask(topic=["heritage"])


def test_titles_come_before_summaries_then_the_newest(library: Engine, search: Search) -> None:
    def guide(record_id: str, date: str, title: str, summary: str = "") -> dict[str, Any]:
        value = {"type": "news", "id": record_id, "language": "en", "status": "published", "date": date}
        return value | {"title": {"en": title}, "summary": {"en": summary or title}}

    values = [
        guide("old-title", "2001", "Velodromes"), guide("new-title", "2011-05", "A velodrome"),
        guide("newer-title", "2011-06-01", "Velodrome again"), guide("newest", "2020", "Sports", "With a velodrome."),
    ]  # fmt: skip
    with transaction(library) as session:
        service.save_many(session, map(parse, values), "tests")
        found = [
            _ids(search.answer(session, SearchQuery(q="velodrome", sort=sort))) for sort in ("relevance", "oldest")
        ]
    assert found == [
        ["newer-title", "new-title", "old-title", "newest"],
        ["old-title", "new-title", "newer-title", "newest"],
    ]


def test_without_a_question_everything_comes_newest_first_page_by_page(search: Search, session: Session) -> None:
    whole = search.answer(session, SearchQuery(limit=100))
    pages = [search.answer(session, SearchQuery(limit=4, offset=offset)) for offset in (0, 4, 8, 12)]
    assert [id for page in pages for id in _ids(page)] == _ids(whole)
    assert {page.total for page in [*pages, whole]} == {len(RECORDS) - 1}
    years = [result.year or 0 for result in whole.results]
    assert years == sorted(years, reverse=True)
    assert search.answer(session, SearchQuery(q="metrocable", offset=50)).total == 1
    assert search.answer(session, SearchQuery(q="metrocable", limit=0)).total == 1


def test_each_filter_lets_through_what_the_index_lets_through(ask: Ask, session: Session) -> None:
    """Also what a record has from its city."""
    stored = as_readers_see({one.record.id: one for one in service.iterate(session)})
    found: dict[tuple[str, str], set[str]] = {}
    for one in stored.values():
        for name, values in build(one, stored.get(city_id(one.record) or "")).facets.items():
            for value in values:
                found.setdefault((name, value), set()).add(one.record.id)
    assert (("country", "CO") in found and ("city_size", "large") in found) or found
    for (name, value), ids in found.items():
        assert set(ask(limit=100, **{name: [value]})) == ids, (name, value)


def test_filters_are_or_within_a_name_and_and_between_names(ask: Ask) -> None:
    assert set(ask(topic=["waste", "climate-adaptation"], type=["case_study"])) == {"waste-pickers", "rain-gardens"}
    assert ask(topic=["waste"], country=["FR"]) == []
    assert set(ask(country=["FR"], type=["case_study"])) == {"rain-gardens", "night-stops"}


def test_years_and_circles_limit_the_answer(ask: Ask) -> None:
    assert ask(year_from=2012, year_to=2019, sort="oldest") == ["waste-pickers", "rain-gardens"]
    assert ask(year_from=2021) == ["guide"]
    near_medellin = ask(near="6.3,-75.5,50", limit=100)
    assert set(near_medellin) == {"city-medellin", "cable-cars", "waste-pickers"}
    by_distance = ask(near="45.7,4.8,20000", sort="distance", limit=100)
    assert {*by_distance[:2]} == {"city-lyon", "rain-gardens"}
    assert {*by_distance[2:]} == set(near_medellin)


def test_an_edit_is_found_at_once_and_a_withdrawn_record_no_more(library: Engine, search: Search) -> None:
    with transaction(library) as session:
        service.save(session, parse(CABLE_CARS | {"title": {"es": "Funiculares"}, "summary": {}}), "me")
        assert _ids(search.answer(session, SearchQuery(q="funicular"))) == ["cable-cars"]
        assert _ids(search.answer(session, SearchQuery(q="metrocable"))) == []
        service.save(session, parse(CABLE_CARS | {"status": "withdrawn"}), "me")
        assert _ids(search.answer(session, SearchQuery(q="metrocable"))) == []
        service.save(session, parse(CABLE_CARS), "me")
        assert _ids(search.answer(session, SearchQuery(q="metrocable"))) == ["cable-cars"]
        service.delete(session, "cable-cars")
        assert _ids(search.answer(session, SearchQuery(q="metrocable"))) == []
        assert session.scalar(text("SELECT count(*) FROM lookups WHERE record_id = 'cable-cars'")) == 0


@pytest.mark.parametrize(
    "question", ["%", "100%", "cable_cars", "c%s", "[a-z]", "*", "' OR x=x --", "\\", "\x00", '- "" -']
)
def test_signs_are_no_wildcards(ask: Ask, question: str) -> None:
    assert ask(question) in ([], ask())
    assert ask("cable_cars") == ask("c%s") == []


@given(q=st.text(max_size=60), values=st.lists(st.text(max_size=10), max_size=2))
@limits(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
def test_no_question_is_an_error(ask: Ask, q: str, values: list[str]) -> None:
    ask(q, topic=values, country=values)


def test_the_map_shows_what_is_found(search: Search, session: Session) -> None:
    (point,) = search.points(session, SearchQuery(q="metrocable", lang="en"))
    assert (point.id, round(point.lat, 2), point.url) == ("cable-cars", 6.24, "/en/case-studies/cable-cars")


def test_completions_are_terms_and_names_of_what_is_public(search: Search, session: Session) -> None:
    def labels(typed: str) -> list[str]:
        return [one.label for one in search.suggest(session, typed, "en")]

    assert labels("medel") == ["Medellín"]
    assert "Public transport" in labels("public tr")
    assert labels("ana r") == ["Ana Rivera"]
    assert not {"Sam Okoro", "An unpublished zeppelin"} & {*labels("Wolfram"), *labels("zepp")}
    assert labels("m") == labels("%%") == []


def test_nothing_is_offered_as_similar(search: Search, session: Session) -> None:
    assert search.similar(session, "cable-cars", "en") == []


def test_the_answer_comes_from_the_index_again_when_it_is_back(
    settings: Settings, session: Session, search: Search
) -> None:
    assert search.answer(session, SearchQuery(q="metrocable")).notice == "index-away"
    search.engine = Search(settings).engine
    assert search.answer(session, SearchQuery(q="metrocable")).notice is None
    search.engine.close()
