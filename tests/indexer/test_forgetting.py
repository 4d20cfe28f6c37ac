"""Somebody who is forgotten is in no file of the search index, and their words' vectors are gone."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine

from indexer import sync, upkeep
from indexer.document import build
from indexer.meaning import typical_keys
from indexer.search import Search
from kb.db import make_engine, migrate, transaction
from kb.editorial.tables import OwnerRow
from kb.privacy import erasing, sweeping
from kb.records import service as records
from kb.settings import Settings
from schemas.records import parse
from tests.indexer.library import RECORDS
from tests.people import person

TOKEN = "zqxplanted"
EXPERT = {
    "type": "expert", "id": f"expert-{TOKEN}", "language": "en", "status": "published",
    "title": {"en": f"Ana {TOKEN}"}, "summary": {"en": f"The word is {TOKEN}."},
}  # fmt: skip


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, _env_file=None)  # type: ignore[call-arg]


@pytest.fixture
def database(settings: Settings) -> Iterator[Engine]:
    database = make_engine(settings)
    migrate(database)
    yield database
    database.dispose()


def _files(folder: Path) -> list[str]:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return [str(path.relative_to(folder)) for path in paths if TOKEN.encode() in path.read_bytes().lower()]


def test_promise_24_no_file_of_the_index_and_no_vector_is_left(database: Engine, settings: Settings) -> None:
    ana = person(database, "ana@example.org")
    with transaction(database) as session:
        records.save_many(session, map(parse, [*RECORDS[:2], EXPERT]), "me")
        session.add(OwnerRow(record_id=EXPERT["id"], account_id=ana.id))
        keys = list(build(records.get(session, EXPERT["id"])).passage_keys())
    search = Search(settings)
    upkeep.take_in(database, search)
    with closing(search.open_cache()) as cache:
        others = [*sync.passage_keys(database), *typical_keys()]
        cache.put({key: search.meaning.remembering.embedder.passages(["a text"])[0] for key in [*keys, *others[:1]]})
        assert len(cache.get([*keys, others[0]])) > len(keys)
        assert any(name.startswith("index") for name in _files(settings.data_dir))
        assert not upkeep.forget(database, search), "nobody was forgotten yet"

        with transaction(database) as session:
            erasing.erase(session, "", ana.id)
        upkeep.take_in(database, search)
        assert upkeep.forget(database, search)
        sweeping.sweep(database, settings)
        assert cache.get(keys) == {}
        assert cache.get(others[:1])
    search.engine.close()
    database.dispose()
    assert _files(settings.data_dir) == []
