"""Commands: kb index sync|rebuild|check|status, kb evaluate, kb vectors."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from sqlalchemy import Engine

from indexer import demo_vectors, evaluate, sync
from indexer.search import Search, open_search
from kb.db import make_engine, migrate, transaction
from kb.settings import get_settings

index = typer.Typer(help="The search index: bring it up to date, build it anew, compare it with the database.")
THREADS = 2


def register(app: typer.Typer) -> None:
    """Add these commands to the ``kb`` command."""
    app.add_typer(index, name="index")
    app.command("evaluate")(evaluate_command)
    app.command("vectors")(vectors_command)


@contextmanager
def _opened() -> Iterator[tuple[Engine, Search]]:
    settings = get_settings()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    database = make_engine(settings)
    migrate(database)
    search = open_search(settings, database)
    try:
        yield database, search
    finally:
        search.engine.close()
        database.dispose()


@contextmanager
def _progress(what: str) -> Iterator[sync.Progress]:
    """A bar on a terminal; elsewhere a line at the end of each tenth."""
    bar = Progress(TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), transient=True)
    if not bar.console.is_terminal:
        yield _lines(what)
        return
    with bar:
        task = bar.add_task(what)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _lines(what: str) -> sync.Progress:
    said = -1

    def say(done: int, total: int) -> None:
        nonlocal said
        tenth = 10 * done // max(total, 1)
        if tenth != said:
            said = tenth
            typer.echo(f"{what}: {done} of {total}")

    return say


@index.command("sync")
def sync_command() -> None:
    """Take in all changes that wait, then compute the vectors that are missing."""
    with _opened() as (database, search):
        with _progress("records") as progress, closing(search.open_cache()) as cache:
            finished = sync.drain(database, search.engine, cache, progress)
        if finished is None:
            typer.echo("Another process is taking in the changes; they will be found there.")
        _embed(search)
        _say_status(database, search)


def _embed(search: Search) -> None:
    if not search.engine.missing_vectors(1):
        return
    with _progress("passages") as progress, closing(search.open_cache()) as cache:
        sync.embed(search.engine, search.meaning.remembering.embedder, cache, THREADS, progress)


@index.command("rebuild")
def rebuild_command() -> None:
    """Fill a new index beside the live one and swap. The site goes on answering meanwhile. For another model than that of
    the live index, all vectors are computed before the swap."""
    with _opened() as (database, search):
        changed = search.model.id != search.engine.model.id
        embedder = search.meaning_of(search.model).remembering.embedder if changed else None
        with _progress("rebuilding") as progress, closing(search.open_cache(search.model)) as cache:
            done = sync.rebuild(database, search.engine, cache, progress, embedder)
        if not done:
            typer.echo("Another process is rebuilding the index already; wait for it to end.", err=True)
            raise typer.Exit(1)
        _embed(search)
        _say_status(database, search)


@index.command("check")
def check_command() -> None:
    """Compare index and database; queue what differs. Exit code 1 when something did."""
    with _opened() as (database, search):
        found = sync.check(database, search.engine)
        for what, ids in (("missing", found.missing), ("stale", found.stale), ("orphaned", found.orphaned)):
            typer.echo(f"{what}: {len(ids)}" + (f" ({', '.join(ids[:5])} ...)" if ids else ""))
        if len(found):
            typer.echo("They are queued; run: kb index sync")
            raise typer.Exit(1)


@index.command("status")
def status_command() -> None:
    """Where the index stands."""
    with _opened() as (database, search):
        _say_status(database, search)


def _say_status(database: Engine, search: Search) -> None:
    with transaction(database, readonly=True) as session:
        now = search.status(session)
    typer.echo(
        f"{now.records} records, {now.embedded} of {now.passages} passages with vectors, {now.waiting} changes waiting, "
        f"{now.bytes / 1e6:.1f} MB, {now.engine}, {now.model}"
    )


def evaluate_command(
    judgements: Annotated[Path, typer.Option(help="Queries with graded relevance, one JSON object a line.")] = Path(
        "fixtures/judgements.jsonl"
    ),
    misses: Annotated[bool, typer.Option(help="List the queries whose best answer is not first.")] = False,
) -> None:
    """Measure search on judged queries: nDCG@10, MRR@10 and refusal, by kind and language, for the three modes."""
    with _opened() as (database, search):
        search.prepare()
        typer.echo(evaluate.report(database, search, evaluate.read(judgements), misses))


def vectors_command(
    check: Annotated[bool, typer.Option(help="Only say whether the shipped vectors are current.")] = False,
) -> None:
    """Bring fixtures/vectors.npz up to date: the vectors of the fixtures."""
    stale = demo_vectors.check() if check else demo_vectors.make()
    typer.echo(f"{stale} vectors were missing" + ("; run: kb vectors" if check and stale else ""))
    if check and stale:
        raise typer.Exit(1)
