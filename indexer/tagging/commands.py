"""Commands: kb tagging suggest|learn; train and evaluate are in ``cli.py``."""

from typing import Annotated

import typer
from sqlalchemy import Engine

from indexer.cli import opened, progress_bar
from indexer.tagging import cli as training
from indexer.tagging import job
from indexer.tagging.opening import tagger_of
from indexer.tagging.service import Tagger, Taggers
from kb.db import transaction
from kb.errors import KnowledgeBaseError, NotFound
from kb.settings import get_settings
from kb.tagging import learnt, suggestions
from kb.tagging.tables import SuggestionRow

tagging = typer.Typer(
    help="Tags that a machine suggests: train it, measure it, have records read, learn from what people decided.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add these commands to the ``kb`` command."""
    training.register(tagging, progress_bar)
    app.add_typer(tagging, name="tagging")


@tagging.command("suggest")
def suggest_command(
    ids: Annotated[list[str] | None, typer.Argument(help="Records by their ids.", show_default=False)] = None,
    every: Annotated[bool, typer.Option("--all", help="All records whose text was not read yet as it is now.")] = False,
) -> None:
    """Read records and keep what the machine suggests for them; people decide at the desk. What was read before is not read
    again. Interrupted, it goes on where it was the next time."""
    if bool(ids) == every:
        raise typer.BadParameter("name records by their ids, or give --all")
    with opened() as (database, search):
        try:
            tagger = tagger_of(Taggers(get_settings()), search)
            _all(database, tagger) if every else _these(database, tagger, ids or [])
        except KnowledgeBaseError as error:
            typer.echo(str(error) % error.members if error.members else str(error), err=True)
            raise typer.Exit(2) from error


def _all(database: Engine, tagger: Tagger) -> None:
    with progress_bar("records") as progress:
        left = job.run(database, tagger, report=progress)
    if left is None:
        typer.echo("Another process is reading them; `kb index status` says how far it is.")
    else:
        typer.echo(f"{left} records are left" if left else "Every record is read.")


def _these(database: Engine, tagger: Tagger, ids: list[str]) -> None:
    missing = 0
    for record_id in ids:
        try:
            with progress_bar(record_id) as progress:
                row = job.suggest_record(database, tagger, record_id, progress)
            typer.echo(f"{record_id}: {_said(row) if row else 'changed meanwhile; run the command again'}")
        except NotFound:
            missing += 1
            typer.echo(f"{record_id}: there is no such record", err=True)
    if missing:
        raise typer.Exit(1)


def _said(row: SuggestionRow) -> str:
    said = suggestions.read(row)
    tags = [f"{each.target or each.goal} {each.confidence:.2f}" for each in said.sdgs if each.suggested]
    tags += [f"{each.theme} {each.confidence:.2f}" for each in said.gender.themes if each.suggested]
    return ", ".join(tags) or "nothing suggested"


@tagging.command("learn")
def learn_command() -> None:
    """Make a new version of what people's decisions teach, if there are enough new ones; an administrator looks at it at the
    desk and switches it on."""
    with opened() as (database, search):
        tagger = tagger_of(Taggers(get_settings()), search)
        version = job.learn(database, tagger)
        with transaction(database, readonly=True) as session:
            last = learnt.newest(session, tagger.version)
            new = learnt.fresh(session, last.last_decision_id if last else 0)
    if version is None:
        typer.echo(f"No new version: there are {new} new decisions, and the last version may be from just now.")
    else:
        typer.echo(f"Version {version} is made; it is switched off.")
