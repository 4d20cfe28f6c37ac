"""The database: engine, session, one transaction per request. The only module that asks which database it is."""

import datetime
import importlib
import pkgutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from alembic import command
from alembic.config import Config
from fastapi import Request
from pydantic_core import from_json, to_json
from sqlalchemy import (
    ARRAY,
    JSON,
    URL,
    Boolean,
    Connection,
    DateTime,
    Dialect,
    Engine,
    ExceptionContext,
    Float,
    MetaData,
    String,
    TypeDecorator,
    column,
    create_engine,
    event,
    make_url,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

import kb
from kb.errors import ReadOnly
from kb.settings import Settings

#: Connections that stay open; the others close when they are given back.
KEPT_CONNECTIONS = 5
#: Seconds that a request waits for a connection. All of them busy for longer is overload: better 503 now than a queue.
POOL_TIMEOUT = 5
#: Seconds to reach the server, so that one that is away is told, not waited for.
CONNECT_TIMEOUT = 5
#: Milliseconds that one statement of a web request may take on PostgreSQL: who asked has gone by then.
STATEMENT_TIMEOUT = 10_000
#: Values in one ``IN (...)``; below every database's limit of parameters.
CHUNK = 500
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_MIGRATIONS = Path(__file__).with_name("migrations")

T = TypeVar("T")

#: Any JSON value; binary and indexable on PostgreSQL.
Json = JSON().with_variant(JSONB(), "postgresql")
#: Many texts as one parameter, for ``one_of``.
Many = JSON().with_variant(ARRAY(String()), "postgresql")


class UtcDateTime(TypeDecorator[datetime.datetime]):
    """A moment, always with its time zone, always UTC: SQLite would forget the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime.datetime | None, dialect: Dialect) -> datetime.datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone; use kb.db.utcnow()")
        return value.astimezone(datetime.UTC)

    def process_result_value(self, value: datetime.datetime | None, dialect: Dialect) -> datetime.datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=datetime.UTC) if value.tzinfo is None else value.astimezone(datetime.UTC)


class Base(DeclarativeBase):
    """What every table inherits. Constraints have names, so that a migration can drop them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {datetime.datetime: UtcDateTime, dict[str, Any]: Json}


def utcnow() -> datetime.datetime:
    """The present moment."""
    return datetime.datetime.now(datetime.UTC)


class one_of(FunctionElement[bool]):  # noqa: N801  SQL functions are written so
    """``one_of(column, bindparam(name, type_=Many))``: whether it is one of these texts. However many they are, the statement
    is the same, and so is read once by all that read statements: with 70, PostgreSQL answers in half the time. It has no type:
    SQLAlchemy would compare a Boolean with 1 on SQLite, which would then look through the table instead of its index."""

    inherit_cache = True


@compiles(one_of, "sqlite")
def _one_of_in_sqlite(element: one_of, compiler: SQLCompiler, **options: Any) -> str:
    value, many = (compiler.process(part, **options) for part in element.clauses)
    return f"({value} IN (SELECT value FROM json_each({many})))"


@compiles(one_of, "postgresql")
def _one_of_in_postgresql(element: one_of, compiler: SQLCompiler, **options: Any) -> str:
    value, many = (compiler.process(part, **options) for part in element.clauses)
    return f"({value} = ANY({many}))"


class database_epoch(FunctionElement[float]):  # noqa: N801
    """Seconds since 1970 by the database's own clock: the one clock that all machines of a cluster share."""

    type = Float()
    inherit_cache = True


@compiles(database_epoch, "sqlite")
def _epoch_of_sqlite(element: object, compiler: object, **options: object) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(database_epoch, "postgresql")
def _epoch_of_postgresql(element: object, compiler: object, **options: object) -> str:
    return "extract(epoch from clock_timestamp())::double precision"


class holds(FunctionElement[bool]):  # noqa: N801
    """``holds(text, part)``: whether a text has this part, as it is written; no character in it is a wildcard.
    Measured on PostgreSQL, it takes half the time of LIKE."""

    type = Boolean()
    inherit_cache = True


@compiles(holds, "sqlite")
def _holds_in_sqlite(element: holds, compiler: SQLCompiler, **options: Any) -> str:
    return f"(instr({compiler.process(element.clauses, **options)}) > 0)"


@compiles(holds, "postgresql")
def _holds_in_postgresql(element: holds, compiler: SQLCompiler, **options: Any) -> str:
    return f"(strpos({compiler.process(element.clauses, **options)}) > 0)"


def make_engine(settings: Settings) -> Engine:
    """The engine for the database that the settings name. Raises ValueError for one that is not supported."""
    url = make_url(settings.resolved_database_url)
    match url.get_backend_name():
        case "sqlite":
            engine = _sqlite(url, settings)
        case "postgresql":
            engine = _postgresql(url, settings)
        case other:
            raise ValueError(f"KB_DATABASE_URL names '{other}'; use sqlite:///FILE or postgresql://HOST/NAME")
    event.listen(engine, "handle_error", _say_read_only)
    return engine


def _postgresql(url: URL, settings: Settings) -> Engine:
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    timeout = {} if "connect_timeout" in url.query else {"connect_timeout": CONNECT_TIMEOUT}
    # The ping finds connections that a restart of the server has cut, before a request meets them.
    return create_engine(url, pool_pre_ping=True, connect_args=timeout, **_common(settings))


def _sqlite(url: URL, settings: Settings) -> Engine:
    if not url.database or url.database == ":memory:":
        raise ValueError("KB_DATABASE_URL must name a file: each connection would have a memory database of its own")
    Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, **_common(settings))
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _write_json(value: object) -> str:
    return to_json(value).decode()


def _common(settings: Settings) -> dict[str, Any]:
    kept = min(KEPT_CONNECTIONS, settings.database_pool)
    return {
        "json_serializer": _write_json,
        "json_deserializer": from_json,
        "pool_size": kept,
        "max_overflow": settings.database_pool - kept,
        "pool_timeout": POOL_TIMEOUT,
    }


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the driver's own BEGIN comes too late to protect what a transaction reads
    for pragma in (
        "busy_timeout = 30000", "journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON",
        "secure_delete = ON",  # what is deleted is overwritten, not only forgotten
    ):  # fmt: skip
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes the lock at once: a reader that turns writer is refused when another wrote meanwhile."""
    reading = connection.get_execution_options().get("postgresql_readonly", False)
    connection.exec_driver_sql(f"PRAGMA query_only = {int(reading)}")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


@lru_cache(maxsize=16)
def is_shared(engine: Engine) -> bool:
    """Whether processes on several machines can use this database."""
    return engine.dialect.name != "sqlite"


def session_factory(engine: Engine, *, readonly: bool = False) -> sessionmaker[Session]:
    """Makes sessions. A read-only one refuses to write, and neither waits for writers nor keeps them waiting.

    Remembered, for each factory makes a class of its own, which takes longer than all that a search asks the database.
    """
    bind = engine.execution_options(postgresql_readonly=True) if readonly else engine
    return sessionmaker(bind, expire_on_commit=False)


@contextmanager
def transaction(engine: Engine, *, readonly: bool = False, always: bool = False) -> Iterator[Session]:
    """A session that commits at the end and rolls back on any error.

    While the site is read-only, a write raises ReadOnly; not so with ``always``, which is for signing in and out, for the
    switch itself, for notes of who looked, and for what can be made again from the rest (the index and its jobs).
    SQLite has one writer at a time: keep a writing transaction short, and open no second one within it.
    """
    with session_factory(engine, readonly=readonly).begin() as session:
        if not (readonly or always):
            event.listen(session, "after_begin", _heed_switch)
        yield session


def get_session(request: Request) -> Iterator[Session]:
    """The request's session, for ``Depends(get_session, scope="function")``: it commits before the response.

    The session of a GET cannot write. A page that must do so (last seen, audit) opens its own ``transaction``.
    Raises ReadOnly before a form is looked at while the site is read-only.
    """
    engine, reading = request.app.state.engine, request.method in SAFE_METHODS
    if not reading and is_read_only(engine):
        raise ReadOnly
    with transaction(engine, readonly=reading) as session:
        event.listen(session, "after_begin", _limit_time)
        yield session


def get_always_session(request: Request) -> Iterator[Session]:
    """The same, for the few forms that work while the site is read-only."""
    with transaction(request.app.state.engine, readonly=request.method in SAFE_METHODS, always=True) as session:
        event.listen(session, "after_begin", _limit_time)
        yield session


def _limit_time(_session: Session, _transaction: object, connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {STATEMENT_TIMEOUT}")


# The read-only switch. It is a setting of the site, and looked at in each writing transaction by the database itself.

_SWITCH = select(column("data", Json)).select_from(table("site")).where(column("name") == "read_only")
#: From here on the transaction can read only.
_CLOSE = {"sqlite": "PRAGMA query_only = 1", "postgresql": "SET TRANSACTION READ ONLY"}
#: Held by all writing transactions together, or by the switch alone.
_WRITING = 714026


def is_read_only(engine: Engine) -> bool:
    """Whether the switch is on."""
    with transaction(engine, readonly=True) as session:
        return _is_on(session.connection())


def wait_for_writers(session: Session) -> None:
    """Wait until all writing transactions that did not see the switch are over: after it no write commits. On SQLite there
    is one writer at a time, so there is nobody to wait for."""
    if session.connection().dialect.name == "postgresql":
        session.connection().exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITING})")


def _heed_switch(_session: Session, _transaction: object, connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock_shared({_WRITING})")
    if _is_on(connection):
        connection.exec_driver_sql(_CLOSE[connection.dialect.name])


def _is_on(connection: Connection) -> bool:
    data: Any = connection.execute(_SWITCH).scalar()
    return bool(data and data["value"])


def _say_read_only(context: ExceptionContext) -> None:
    """A transaction that was opened for writing and found to be read-only: the switch is the reason."""
    connection, error = context.connection, str(context.original_exception)
    reading = connection is None or connection.get_execution_options().get("postgresql_readonly", False)
    if not reading and ("readonly database" in error or "read-only transaction" in error):
        raise ReadOnly from context.original_exception


def chunks(values: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """The values in lists of at most ``size``, for ``IN (...)``."""
    remaining = iter(values)
    while chunk := list(islice(remaining, size)):
        yield chunk


def load_tables() -> MetaData:
    """All tables of all parts, for migrations."""
    for module in ("kb.outbox", "kb.rounds"):
        importlib.import_module(module)
    for part in pkgutil.iter_modules(kb.__path__, "kb."):
        if part.ispkg and find_spec(f"{part.name}.tables"):
            importlib.import_module(f"{part.name}.tables")
    return Base.metadata


def migration_config() -> Config:
    """Alembic's configuration, without an alembic.ini."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config


def migrate(engine: Engine, revision: str = "heads") -> None:
    """Bring the tables up to this revision (the newest), in one transaction. Several processes may call it at once."""
    _migrate(engine, revision, command.upgrade)


def downgrade(engine: Engine, revision: str) -> None:
    """Take the tables back to this revision; ``base`` removes them."""
    _migrate(engine, revision, command.downgrade)


def _migrate(engine: Engine, revision: str, step: Any) -> None:
    config = migration_config()
    with engine.connect() as connection, _foreign_keys_off(connection), connection.begin():
        _wait_for_other_migrations(connection)
        config.attributes["connection"] = connection
        step(config, revision)
        _refuse_broken_references(connection)


@contextmanager
def _foreign_keys_off(connection: Connection) -> Iterator[None]:
    """SQLite changes a table by copying and dropping it, and the drop would delete all rows that refer to it."""
    raw = connection.connection.dbapi_connection
    if not isinstance(raw, sqlite3.Connection):
        yield
        return
    raw.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        raw.execute("PRAGMA foreign_keys = ON")


def _wait_for_other_migrations(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(714025)")


def _refuse_broken_references(connection: Connection) -> None:
    if connection.dialect.name == "sqlite" and (broken := connection.exec_driver_sql("PRAGMA foreign_key_check").all()):
        raise RuntimeError(f"the migration would leave {len(broken)} rows that refer to nothing; it was rolled back")
