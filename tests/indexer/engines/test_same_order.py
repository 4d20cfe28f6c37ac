"""Both engines, given the same records, give the same answers: order, totals, counts and passages."""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from indexer import finder, sync
from indexer.demo_vectors import FIXTURES, load_demo_vectors
from indexer.evaluate import Judgement, mean, ndcg, read
from indexer.search import Search
from kb.db import make_engine, migrate, transaction
from kb.records import service
from kb.settings import Settings
from schemas.finder import FinderQuery
from schemas.search import Mode, SearchQuery, SearchResults
from search_ui.demo import read as read_fixtures

pytestmark = pytest.mark.cluster

JUDGEMENTS = read(FIXTURES / "judgements.jsonl")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = Settings(data_dir=tmp_path_factory.mktemp("fixtures"), search_timeout=60, _env_file=None)  # type: ignore[call-arg]
    load_demo_vectors(settings)
    return settings


@pytest.fixture(scope="module")
def database(settings: Settings) -> Iterator[Engine]:
    database = make_engine(settings)
    migrate(database)
    with transaction(database) as session:
        service.save_many(session, read_fixtures(), "tests")
    yield database
    database.dispose()


@pytest.fixture(scope="module")
def both(settings: Settings, database: Engine, elasticsearch: str) -> Iterator[tuple[Search, Search]]:
    """The search on the embedded engine and on Elasticsearch."""
    name = f"kb-test-{secrets.token_hex(6)}"
    searches = Search(settings), Search(settings.model_copy(update={"search_url": f"{elasticsearch}/{name}"}))
    for search in searches:
        assert sync.rebuild(database, search.engine, search.open_cache())
        search.prepare()
    yield searches
    for search in searches:
        search.engine.close()
    with Elasticsearch(elasticsearch) as client:
        client.indices.delete(index=list(client.indices.get(index=f"{name}-*", features=["aliases"])))


def _answers(database: Engine, search: Search, mode: Mode) -> list[SearchResults]:
    with transaction(database, readonly=True) as session:
        return [search.answer(session, _query(one, mode, place)) for place, one in enumerate(JUDGEMENTS)]


def _query(judgement: Judgement, mode: Mode, place: int) -> SearchQuery:
    """Every third question has a filter, every third another order."""
    query = SearchQuery(q=judgement.q, lang=judgement.lang, mode=mode, limit=20)
    more = ({}, {"type": ["case_study"], "sdg": ["11", "5"]}, {"sort": "newest"})[place % 3]
    return query.model_copy(update=more)


@pytest.mark.parametrize("mode", ["hybrid", "keyword", "semantic"])
def test_every_judged_question_has_the_same_answer(database: Engine, both: tuple[Search, Search], mode: Mode) -> None:
    embedded, elastic = (_answers(database, search, mode) for search in both)
    for one, other in zip(embedded, elastic, strict=True):
        assert [result.id for result in one.results] == [result.id for result in other.results], one.query
        assert [(result.language, result.snippet) for result in one.results] == [
            (result.language, result.snippet) for result in other.results
        ], one.query
        assert (one.total, one.facets, one.did_you_mean) == (other.total, other.facets, other.did_you_mean), one.query
        assert [result.score for result in one.results] == pytest.approx(
            [result.score for result in other.results], abs=2e-4
        )


def test_a_filter_that_is_chosen_or_taken_away_after_asking_changes_nothing_else(
    database: Engine, both: tuple[Search, Search]
) -> None:
    """The engine remembers of a question what filters do not change."""
    filters: list[dict[str, Any]] = [{"type": ["case_study"]}, {}, {"sdg": ["11"], "sort": "newest"}, {"offset": 10}]
    with transaction(database, readonly=True) as session:
        for place, one in enumerate(JUDGEMENTS[::9]):
            for more in filters[place % 4 :] + filters[: place % 4]:
                query = SearchQuery(q=one.q, lang=one.lang).model_copy(update=more)
                embedded, elastic = (search.answer(session, query) for search in both)
                assert [result.id for result in embedded.results] == [result.id for result in elastic.results], query
                assert (embedded.total, embedded.facets) == (elastic.total, elastic.facets), query


def _found(session: Session, search: Search, asked: Judgement) -> list[str]:
    return [result.id for result in search.answer(session, SearchQuery(q=asked.q, lang=asked.lang)).results]


def test_the_quality_is_the_same(database: Engine, both: tuple[Search, Search]) -> None:
    answerable = [one for one in JUDGEMENTS if one.relevant]
    with transaction(database, readonly=True) as session:
        one, other = (
            mean(
                ndcg(
                    [found.id for found in search.answer(session, SearchQuery(q=asked.q, lang=asked.lang)).results],
                    asked.relevant,
                )
                for asked in answerable
            )
            for search in both
        )
    assert one == pytest.approx(other, abs=0.005)


def test_every_judged_need_finds_the_same_experts_by_the_same_proof(
    database: Engine, both: tuple[Search, Search]
) -> None:
    with transaction(database, readonly=True) as session:
        for one in read(FIXTURES / "finder_judgements.jsonl"):
            asked = FinderQuery(q=one.q, lang=one.lang)
            embedded, elastic = (finder.find(search, session, asked) for search in both)
            told = [
                [(each.expert.id, [proof.record.id for proof in each.proofs]) for each in found.results]
                for found in (embedded, elastic)
            ]
            assert told[0] == told[1], one.q
            assert embedded.facets == elastic.facets
