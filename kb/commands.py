"""What commands share."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from sqlalchemy import Engine

from kb.db import make_engine, migrate
from kb.errors import KnowledgeBaseError
from kb.settings import get_settings


@contextmanager
def open_database(*, up_to_date: bool = True) -> Iterator[Engine]:
    """The database, and errors as one line instead of a traceback."""
    engine = make_engine(get_settings())
    try:
        if up_to_date:
            migrate(engine)
        yield engine
    except KnowledgeBaseError as error:
        typer.echo(f"{error.title}: {str(error) % error.members if error.members else error}", err=True)
        raise typer.Exit(2) from error
    finally:
        engine.dispose()
