"""Commands: kb index sync|rebuild|check|status, kb worker, kb beat, kb evaluate, kb vectors."""

import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from sqlalchemy import Engine

from indexer import demo_vectors, evaluate, sync, upkeep
from indexer.search import Search, open_search
from kb import outbox
from kb.db import make_engine, migrate, transaction
from kb.settings import Settings, get_settings
from kb.work import service as work
from schemas.search import JobStatus

index = typer.Typer(help="The search index: bring it up to date, build it anew, compare it with the database.")
THREADS = 2
#: Refused records that are named.
SHOWN: Final = 20
#: For a command that would rather fail than wait for the broker.
IMPATIENT: Final = {"socket_connect_timeout": 3, "socket_timeout": 3, "max_retries": 0}
#: Seconds before a worker that ended by an error starts again.
PAUSE: Final = 1.0
MOMENT = "%Y-%m-%d %H:%M UTC"


def register(app: typer.Typer) -> None:
    """Add these commands to the ``kb`` command."""
    app.add_typer(index, name="index")
    app.command("worker")(worker_command)
    app.command("beat")(beat_command)
    app.command("evaluate")(evaluate_command)
    app.command("vectors")(vectors_command)


@contextmanager
def opened() -> Iterator[tuple[Engine, Search]]:
    """Database and search of the settings, for a command."""
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
def progress_bar(what: str) -> Iterator[sync.Progress]:
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
    with opened() as (database, search):
        with progress_bar("records") as progress:
            finished = upkeep.take_in(database, search, progress)
        if finished is None:
            typer.echo("Another process is taking in the changes; they will be found there.")
        _embed(database, search)
        _say_status(database, search)


def _embed(database: Engine, search: Search) -> None:
    more: bool | None = True
    with progress_bar("passages") as progress:
        while more:
            more = upkeep.embed(database, search, progress, threads=THREADS)
    if more is None:
        typer.echo("Another process is computing the vectors; search by meaning is complete when it is done.")


@index.command("rebuild")
def rebuild_command(
    by_worker: Annotated[
        bool,
        typer.Option("--by-worker", help="Leave it to a worker (kb worker); `kb index status` says how far it is."),
    ] = False,
) -> None:
    """Fill a new index beside the live one and swap. The site goes on answering meanwhile. For another model than that of
    the live index (KB_EMBEDDING_MODEL), all vectors are computed before the swap."""
    if by_worker:
        _send("rebuild")
        return
    with opened() as (database, search):
        with progress_bar("records") as progress:
            done = upkeep.rebuild(database, search, progress)
        if not done:
            typer.echo("Another process is rebuilding the index already; wait for it to end.", err=True)
            raise typer.Exit(1)
        _embed(database, search)
        _say_status(database, search)


@index.command("check")
def check_command() -> None:
    """Compare index and database; queue what differs. Exit code 1 when something did."""
    with opened() as (database, search):
        with progress_bar("records") as progress:
            found = upkeep.check(database, search, progress)
        for what, ids in (("missing", found.missing), ("stale", found.stale), ("orphaned", found.orphaned)):
            typer.echo(f"{what}: {len(ids)}" + (f" ({', '.join(ids[:5])} ...)" if ids else ""))
        if len(found):
            typer.echo("They are queued; run: kb index sync")
            raise typer.Exit(1)


@index.command("status")
def status_command() -> None:
    """Where the index stands."""
    with opened() as (database, search):
        _say_status(database, search)


def _say_status(database: Engine, search: Search) -> None:
    with transaction(database, readonly=True) as session:
        now = search.status(session)
        errors = work.errors(session)
        refused = outbox.refusals(session)
    typer.echo(
        f"{now.records} records, {now.embedded} of {now.passages} passages with vectors, {now.waiting} changes waiting, "
        f"{now.bytes / 1e6:.1f} MB, {now.engine}, {now.model}"
    )
    for record_id, reason in list(refused.items())[:SHOWN]:
        typer.echo(f"refused by the engine: {record_id}: {reason}")
    if len(refused) > SHOWN:
        typer.echo(f"refused by the engine: {len(refused) - SHOWN} more")
    for job in now.jobs:
        typer.echo(
            f"{job.name}: {_say_job(job)}, by {job.holder}" + (f": {errors[job.name]}" if job.name in errors else "")
        )


def _say_job(job: JobStatus) -> str:
    count = f" {job.done:,} of {job.total:,}" if job.total else ""
    match job.state:
        case "running":
            return f"running,{count} since {job.started_at:{MOMENT}}"
        case "interrupted":
            return f"interrupted,{count} from {job.started_at:{MOMENT}} until {job.seen_at:{MOMENT}}"
        case _:
            return f"{job.state} {job.seen_at:{MOMENT}},{count}".rstrip(",")


Queues = Annotated[str, typer.Option(help="What it takes: index, embedding, or both with a comma.")]
Check = Annotated[
    bool, typer.Option("--check", help="Only ask the one that runs here whether it is well: 0 if so, else 1.")
]


def worker_command(
    queues: Queues = "index,embedding",
    concurrency: Annotated[
        int,
        typer.Option(min=1, help="Tasks side by side; a rebuild, a comparison and the taking in of changes are three."),
    ] = 3,
    check: Check = False,
) -> None:
    """Do what the site leaves to its workers: keep the index true, compute vectors. Needs KB_BROKER_URL."""
    names = _queues(queues)
    settings = _with_broker()
    node = f"{'+'.join(names)}@{socket.gethostname()}"
    if check:
        _ping(settings, node)
    # Asked to end, it gives tasks 35 seconds, and the rest back to the broker. Celery reads this when it is imported.
    os.environ.setdefault("REMAP_SIGTERM", "SIGQUIT")
    from celery import signals

    from indexer import tasks

    worker = tasks.make_app(settings).Worker(
        queues=names,
        concurrency=concurrency,
        hostname=node,
        loglevel="WARNING",
        without_gossip=True,
        without_mingle=True,
    )
    was_ready: list[object] = []
    signals.worker_ready.connect(lambda sender, **_: was_ready.append(sender), weak=False)
    worker.start()
    if worker.exitcode and was_ready:
        _begin_again()
    raise typer.Exit(worker.exitcode)


def _begin_again() -> NoReturn:
    """Celery's worker ends when it loses Redis in the middle of a task: it cannot put the message back."""
    typer.echo("The worker ended by an error; it starts again.", err=True)
    time.sleep(PAUSE)
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606  this very command


def beat_command(check: Check = False) -> None:
    """Ask the workers for work all the time: one of these runs beside any number of workers. Needs KB_BROKER_URL."""
    settings = _with_broker()
    if check:
        _ping(settings, f"celerybeat@{socket.gethostname()}")
    from indexer import tasks

    tasks.make_app(settings).Beat(loglevel="WARNING").run()


def _queues(given: str) -> list[str]:
    from indexer.tasks import QUEUES

    names = sorted({name.strip() for name in given.split(",")})
    if unknown := set(names) - set(QUEUES):
        raise typer.BadParameter(f"there is no queue {', '.join(unknown)}; there are {' and '.join(QUEUES)}")
    return names


def _with_broker() -> Settings:
    settings = get_settings()
    if not settings.broker_url:
        typer.echo(
            "Set KB_BROKER_URL, as redis://host:6379/0; without a broker the site does this work itself.", err=True
        )
        raise typer.Exit(2)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    return settings


def _send(task: str) -> None:
    from indexer import tasks

    with tasks.make_app(_with_broker(), **IMPATIENT) as app:
        try:
            app.send_task(task, retry=False)
        except Exception as error:
            typer.echo(f"The broker does not answer, so no worker was told: {error}", err=True)
            raise typer.Exit(1) from error
    typer.echo("A worker does it as soon as one is free; `kb index status` says how far it is.")


def _ping(settings: Settings, node: str) -> NoReturn:
    """End with 0 when the node answers within some seconds, with 1 when it does not."""
    from indexer import tasks

    app = tasks.make_app(settings, **IMPATIENT)
    try:
        answers = app.control.inspect([node], timeout=3).ping()
    except Exception as error:
        typer.echo(f"The broker does not answer: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"{node} {'is well' if answers else 'does not answer'}")
    raise typer.Exit(0 if answers else 1)


def evaluate_command(
    judgements: Annotated[Path, typer.Option(help="Queries with graded relevance, one JSON object a line.")] = Path(
        "fixtures/judgements.jsonl"
    ),
    needs: Annotated[Path, typer.Option(help="Needs with the experts who can meet them, in the same shape.")] = Path(
        "fixtures/finder_judgements.jsonl"
    ),
    misses: Annotated[bool, typer.Option(help="List the queries whose best answer is not first.")] = False,
) -> None:
    """Measure search on judged queries: nDCG@10, MRR@10 and refusal, by kind and language, for the three modes; and the
    expert finder beside the search among experts."""
    with opened() as (database, search):
        search.prepare()
        typer.echo(evaluate.report(database, search, evaluate.read(judgements), misses))
        typer.echo(evaluate.report_finder(database, search, evaluate.read(needs)))


def vectors_command(
    check: Annotated[bool, typer.Option(help="Only say whether the shipped vectors are current.")] = False,
) -> None:
    """Bring fixtures/vectors.npz up to date: the vectors of the fixtures."""
    stale = demo_vectors.check() if check else demo_vectors.make()
    typer.echo(f"{stale} vectors were missing" + ("; run: kb vectors" if check and stale else ""))
    if check and stale:
        raise typer.Exit(1)
