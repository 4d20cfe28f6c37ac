"""The site for pages of people: a database of its own, an empty index, no background threads."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import FastAPI

from indexer.search import open_search
from kb.db import make_engine, migrate, transaction
from kb.records import service as records
from kb.settings import Settings
from schemas.records import parse
from search_ui.app import create_app


@contextmanager
def people_site(settings: Settings) -> Iterator[FastAPI]:
    """The application on a fresh database. ``tests.people.browser_of`` opens browsers in it."""
    app = create_app(settings)
    app.state.engine = make_engine(settings)
    migrate(app.state.engine)
    app.state.search = open_search(settings, app.state.engine)
    yield app
    app.state.search.engine.close()
    app.state.engine.dispose()


def saved(app: FastAPI, *values: dict[str, Any], author: str = "import") -> None:
    """Save these records, one after the other."""
    for value in values:
        with transaction(app.state.engine) as session:
            records.save(session, parse(value), author)
