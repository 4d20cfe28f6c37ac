"""The expert finder: found by need, ranked by what proves it, filtered, and never by what is hidden."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from indexer import evaluate, finder, sync
from indexer.demo_vectors import FIXTURES, load_demo_vectors
from indexer.engines.base import SearchEngine
from indexer.search import Search, open_search
from kb.db import make_engine, migrate, transaction, utcnow
from kb.errors import Unavailable
from kb.profiles.tables import ProofRow
from kb.records import service as records
from kb.settings import Settings
from schemas.finder import FinderQuery, FinderResults
from schemas.records import parse
from search_ui.demo import read as read_fixtures
from tests.experts import CASE, CITY, expert

SILENT: dict[str, Any] = {
    "position": {"en": "Engineer"}, "summary": {"en": "Has worked in many places."}, "expertise": ["heritage"],
    "organisation": "Atelier",
}  # fmt: skip
LIBRARY: list[dict[str, Any]] = [
    CITY,
    CASE,
    expert(id="expert-proven", title={"en": "Prudence Oak"}, **SILENT),
    expert(id="expert-hides", title={"en": "Hilda Stone"}, visibility={"proof": "members"}, **SILENT),
    expert(
        id="expert-apart",
        title={"en": "Apart Person"},
        links=[],
        availability="limited",
        languages_spoken=["fr"],
        **SILENT,
    ),
]


@pytest.fixture
def opened(settings: Settings) -> Iterator[tuple[Search, Engine]]:
    """A library without vectors: words alone speak."""
    database = make_engine(settings)
    migrate(database)
    with transaction(database) as session:
        records.save_many(session, map(parse, LIBRARY), "tests")
    search = open_search(settings, database)
    with closing(search.open_cache()) as cache:
        sync.drain(database, search.engine, cache)
    yield search, database
    search.engine.close()
    database.dispose()


def _find(opened: tuple[Search, Engine], q: str = "", **more: Any) -> FinderResults:
    search, database = opened
    with transaction(database, readonly=True) as session:
        return finder.find(search, session, FinderQuery(q=q, **more))


def _ids(found: FinderResults) -> list[str]:
    return [each.expert.id for each in found.results]


def test_an_expert_is_found_by_the_record_that_proves_them_in_any_language(opened: tuple[Search, Engine]) -> None:
    for q, lang in (("cable cars for hillside districts", "en"), ("teleféricos de ladera", "es")):
        found = _find(opened, q, lang=lang)
        assert _ids(found) == ["expert-proven"]
        [proof] = found.results[0].proofs
        assert (proof.record.id, proof.standing) == ("cable-cars", "stated")
        assert proof.record.marks


def test_what_somebody_confirmed_counts_more_and_says_so(opened: tuple[Search, Engine]) -> None:
    search, database = opened
    twin = expert(id="expert-a-twin", title={"en": "Another Oak"}, **SILENT)
    with transaction(database) as session:
        records.save(session, parse(twin), "tests")
        for of, state in (("expert-proven", "team"), ("expert-a-twin", "stated")):
            session.add(ProofRow(expert_id=of, record_id="cable-cars", state=state, part={}, asked_at=utcnow()))
    with closing(search.open_cache()) as cache:
        sync.drain(database, search.engine, cache)
    found = _find(opened, "cable cars for hillside districts")
    assert _ids(found) == ["expert-proven", "expert-a-twin"]
    assert [each.proofs[0].standing for each in found.results] == ["team", "stated"]


def test_a_hidden_link_proves_nothing_and_a_name_finds_its_bearer(opened: tuple[Search, Engine]) -> None:
    assert "expert-hides" not in _ids(_find(opened, "cable cars"))
    assert _ids(_find(opened, "Hilda Stone")) == ["expert-hides"]


def test_without_a_need_everybody_is_there_and_filters_count_without_themselves(opened: tuple[Search, Engine]) -> None:
    everybody = _find(opened)
    assert _ids(everybody) == ["expert-apart", "expert-hides", "expert-proven"]
    found = _find(opened, availability=["limited"], lang="fr")
    assert _ids(found) == ["expert-apart"]
    assert {each.id: each.count for each in found.facets["availability"]} == {"available": 2, "limited": 1}
    assert [(each.label, each.count) for each in found.facets["spoken"]] == [("français", 1)]
    assert _ids(_find(opened, sdg=["11"])) == ["expert-proven"]
    assert _ids(_find(opened, city=["city-medellin"], spoken=["es"])) == ["expert-hides", "expert-proven"]
    assert _find(opened, region=["nowhere"]).total == 0


def test_while_the_index_is_away_words_in_names_and_summaries_still_find(
    opened: tuple[Search, Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise Unavailable("the index is away")

    engine: SearchEngine = opened[0].engine
    monkeypatch.setattr(engine, "search", away)
    found = _find(opened, "cable cars hillside")
    assert _ids(found) == ["expert-proven"]
    assert found.notice == "index-away"


# On the fixtures, with the vectors of the real model


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Search, Session]]:
    settings = Settings(data_dir=tmp_path_factory.mktemp("finder"), _env_file=None)  # type: ignore[call-arg]
    database = make_engine(settings)
    migrate(database)
    with transaction(database) as session:
        records.save_many(session, read_fixtures(), "tests")
    load_demo_vectors(settings)
    search = open_search(settings, database)
    with closing(search.open_cache()) as cache:
        sync.drain(database, search.engine, cache)
    search.prepare()
    with transaction(database, readonly=True) as session:
        yield search, session
    search.engine.close()
    database.dispose()


def test_needs_are_met_better_than_by_searching_among_experts(demonstration: tuple[Search, Session]) -> None:
    search, session = demonstration
    needs = evaluate.read(Path(FIXTURES) / "finder_judgements.jsonl")
    assert len(needs) >= 20
    by_finder, by_search = evaluate.measure_finder(session, search, needs)
    print(f"finder {by_finder}\nsearch {by_search}")
    assert by_finder.ndcg > 0.85 > by_search.ndcg
    assert by_finder.mrr > by_search.mrr
    assert by_finder.refused_wrongly == 0
