"""Runs migrations: over the connection that kb.db hands in, or, from Alembic's own command, over a new one."""

from alembic import context
from sqlalchemy import Connection

from kb.db import load_tables, make_engine
from kb.settings import get_settings


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=load_tables(),
        render_as_batch=True,  # SQLite cannot alter most of a table in place
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if isinstance(given, Connection):
    run(given)
else:
    with make_engine(get_settings()).begin() as opened:
        run(opened)
