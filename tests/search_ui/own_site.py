"""A site of its own for a test: the real application on a fresh database and a real index, without vectors."""

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.testclient import TestClient

from indexer import sync
from indexer.search import open_search
from kb.db import make_engine, migrate, transaction
from kb.records import service as records
from kb.settings import Settings
from schemas.records import parse
from search_ui.app import create_app


class OwnSite(TestClient):
    """The site, and a way to change its records behind it."""

    def save(self, *values: dict[str, Any]) -> None:
        """Save these records and bring the index up to date."""
        engine = self.app.state.engine  # type: ignore[attr-defined]
        with transaction(engine) as session:
            for value in values:
                records.save(session, parse(value), author="tests")
        search = self.app.state.search  # type: ignore[attr-defined]
        with closing(search.open_cache()) as cache:
            sync.drain(engine, search.engine, cache)


def prepared(settings: Settings, *values: dict[str, Any]) -> FastAPI:
    """The application, not started yet, on a database with exactly these records."""
    engine = make_engine(settings)
    migrate(engine)
    with transaction(engine) as session:
        records.save_many(session, map(parse, values), author="tests")
    engine.dispose()
    return create_app(settings)


def prepared_in(folder: Path, *values: dict[str, Any]) -> FastAPI:
    """The same, with everything in that folder."""
    return prepared(Settings(data_dir=folder, _env_file=None), *values)  # type: ignore[call-arg]


@contextmanager
def own_site(folder: Path, values: Iterable[dict[str, Any]]) -> Iterator[OwnSite]:
    """The site with exactly these records. Its background thread does not run, so nothing computes vectors."""
    settings = Settings(data_dir=folder, _env_file=None)  # type: ignore[call-arg]
    app = create_app(settings)
    app.state.engine = make_engine(settings)
    migrate(app.state.engine)
    app.state.search = open_search(settings, app.state.engine)
    site = OwnSite(app, follow_redirects=False, raise_server_exceptions=False)
    site.save(*values)
    yield site
    app.state.search.engine.close()
    app.state.engine.dispose()
