"""The Elasticsearch engine keeps the contract of all engines, and what is its own."""

import secrets
import time
from collections.abc import Callable, Iterator

import pytest
from elasticsearch import BadRequestError, Elasticsearch

from indexer.engines import elastic_merge
from indexer.engines.base import connect
from indexer.engines.elastic_client import Address, read
from indexer.engines.elasticsearch import ElasticsearchEngine
from kb.errors import Unavailable
from tests.indexer.engines.contract import EngineContract
from tests.indexer.samples import MODEL, ask, document, ids, opened

pytestmark = pytest.mark.cluster


class TestElasticsearchEngine(EngineContract):
    @pytest.fixture(scope="class")
    @classmethod
    def new_url(cls, elasticsearch: str) -> Iterator[Callable[[], str]]:
        prefix = f"kb-test-{secrets.token_hex(4)}"
        yield lambda: f"{elasticsearch}/{prefix}-{secrets.token_hex(4)}"
        with Elasticsearch(elasticsearch) as client:
            for index in client.indices.get(index=f"{prefix}-*", features=["aliases"]):
                client.indices.delete(index=index)


@pytest.fixture
def url(elasticsearch: str) -> Iterator[str]:
    name = f"kb-test-{secrets.token_hex(6)}"
    yield f"{elasticsearch}/{name}"
    with Elasticsearch(elasticsearch) as client:
        for index in client.indices.get(index=f"{name}-*", features=["aliases"]):
            client.indices.delete(index=index)


@pytest.fixture
def client(elasticsearch: str) -> Iterator[Elasticsearch]:
    with Elasticsearch(elasticsearch) as client:
        yield client


def _indexes(client: Elasticsearch, url: str) -> dict[str, set[str]]:
    """The aliases of each index of that name."""
    found = client.indices.get(index=f"{url.rpartition('/')[2]}-*", features=["aliases"])
    return {index: set(about["aliases"]) for index, about in found.items()}


def test_a_deletion_is_remembered_longer_than_elasticsearch_remembers_it(client: Elasticsearch, url: str) -> None:
    """It forgets versions of deleted documents after index.gc_deletes, a minute; here, at once."""
    engine = opened(url).engine
    engine.write([document("x", en="tram")], 5)
    client.indices.put_settings(index=url.rpartition("/")[2], settings={"index.gc_deletes": "0s"})
    engine.delete(["x"], 7)
    client.indices.forcemerge(index=url.rpartition("/")[2], max_num_segments=1)
    engine.write([document("x", en="tram")], 6)
    assert engine.search(ask("tram")).total == 0
    assert engine.status().records == 0
    engine.close()


def test_a_vector_that_was_computed_from_an_older_text_does_not_bring_it_back(url: str) -> None:
    """An embedder read the document, slept, and writes it again with its vectors after an edit."""
    engine = opened(url).engine
    assert isinstance(engine, ElasticsearchEngine)
    engine.write([document("x", en="tram")], 5)
    (read_before,) = engine._waiting_for([key.hex() for key in engine.missing_vectors(10)], None)
    engine.write([document("x", en="roof")], 6)
    engine._put([(read_before["_source"], read_before["_version"], "external_gte")])
    assert ids(engine, ask("roof")) == ["x"]
    assert ids(engine, ask("tram")) == []
    engine.close()


def test_only_the_index_in_use_and_the_one_before_it_are_kept(client: Elasticsearch, url: str) -> None:
    engine, name = opened(url), url.rpartition("/")[2]
    engine.write([document("x", en="tram")])
    engine.rebuild()  # given up
    for _ in range(3):
        successor = engine.rebuild()
        successor.write([document("x", en="tram")])
        engine.become(successor)
    assert _indexes(client, url) == {f"{name}-4": set(), f"{name}-5": {name}}
    assert client.indices.get_settings(index=f"{name}-5", flat_settings=True)[f"{name}-5"]["settings"].get(
        "index.refresh_interval"
    ) in (None, "1s")
    engine.close()


def _segments(client: Elasticsearch, url: str) -> int:
    """So many in all shards of the live index."""
    (found,) = client.indices.segments(index=url.rpartition("/")[2])["indices"].values()
    return sum(len(copy["segments"]) for shard in found["shards"].values() for copy in shard)


@pytest.mark.parametrize("shards", [1, 2])
def test_an_index_that_was_filled_is_one_segment_a_shard_when_it_is_put_in_place(
    client: Elasticsearch, url: str, shards: int
) -> None:
    engine = opened(f"{url}?shards={shards}")
    successor = engine.rebuild()
    for number in range(8):
        successor.write([document(f"{number}-{one}", en="tram") for one in range(10)])
        client.indices.refresh(index=successor.engine._index)  # type: ignore[attr-defined]
    successor.settle(lambda: None)
    engine.become(successor)
    assert _segments(client, url) == shards
    assert engine.status().records == 80
    engine.close()


def test_an_index_of_many_gigabytes_keeps_segments_that_can_be_merged_again(
    client: Elasticsearch, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(elastic_merge, "SEGMENT", 4_000)
    engine = opened(url)
    for number in range(8):
        engine.write([document(f"{number}-{one}", en="tram") for one in range(10)])
    engine.settle(lambda: None)
    assert 1 < _segments(client, url) <= 8
    engine.close()


def test_a_document_with_a_field_that_is_not_in_the_mapping_is_refused(client: Elasticsearch, url: str) -> None:
    engine = opened(url)
    engine.write([document("x", en="tram")])
    with pytest.raises(BadRequestError, match="strict_dynamic_mapping"):
        client.index(index=url.rpartition("/")[2], document={"id": "y", "unheard_of": 1})
    engine.close()


def test_of_a_batch_all_but_the_refused_documents_are_taken_and_those_are_named(url: str) -> None:
    engine = opened(url)
    wrong = document("wrong", en="tram", coordinates=(1_000.0, 0.0))
    refused = engine.write([document("a", en="tram"), wrong, document("b", en="tram")])
    assert list(refused) == ["wrong"]
    assert "latitude" in refused["wrong"]
    assert sorted(ids(engine, ask("tram"))) == ["a", "b"]
    engine.close()


def test_while_nothing_answers_the_first_question_waits_and_the_others_do_not() -> None:
    engine = connect("http://127.0.0.1:9/kb", MODEL, timeout=0.5)
    for _ in range(3):
        with pytest.raises(Unavailable):
            engine.search(ask("tram"))
    start = time.monotonic()
    for _ in range(100):
        with pytest.raises(Unavailable, match="is away"):
            engine.search(ask("tram"))
    assert time.monotonic() - start < 0.5
    engine.close()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://es:9200/kb", Address(("http://es:9200",), "kb", None, 1, None)),
        ("https://es/kb", Address(("https://es:9200",), "kb", None, 1, None)),
        ("http://me:p%40ss@a:1,b:2/kb?shards=3&replicas=0", Address(("http://a:1", "http://b:2"), "kb", ("me", "p@ss"), 3, 0)),
        ("http://[::1]:9200/kb", Address(("http://[::1]:9200",), "kb", None, 1, None)),
    ],
)  # fmt: skip
def test_the_address_says_hosts_name_login_shards_and_copies(url: str, expected: Address) -> None:
    assert read(url) == expected


@pytest.mark.parametrize("url", ["http://es:9200", "http://es:9200/KB", "http://es:9200/a/b", "http://es/kb?shard=2"])
def test_an_address_that_cannot_be_one_is_refused_with_what_to_write(url: str) -> None:
    with pytest.raises(ValueError, match="KB_SEARCH_URL"):
        connect(url, MODEL)
