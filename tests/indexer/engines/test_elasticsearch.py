"""The Elasticsearch engine keeps the contract of all engines, and what is its own."""

import secrets
from collections.abc import Callable, Iterator

import pytest
from elasticsearch import Elasticsearch

from tests.indexer.engines.contract import EngineContract

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
