"""The commands about data: import, export, migrate, backup, restore, user. search_ui.cli joins them to ``kb``."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from kb.accounts.cli import users
from kb.backup import backup, restore
from kb.commands import open_database
from kb.db import transaction
from kb.errors import KnowledgeBaseError
from kb.records.exporting import export_file
from kb.records.importing import Progress as Step
from kb.records.importing import import_files
from kb.records.mapping import Mapping, load_mapping
from kb.records.report import ImportReport
from kb.settings import get_settings
from kb.site import service as sites
from schemas.records import RECORD_TYPES, RecordType

#: Problems and warnings that are printed; --report has them all.
SHOWN = 50


class Switch(StrEnum):
    """On or off."""

    ON = "on"
    OFF = "off"


def register(app: typer.Typer) -> None:
    """Add the commands of this part to an app."""
    app.command("import")(import_command)
    app.command("export")(export_command)
    app.command("migrate")(migrate_command)
    app.command("backup")(backup_command)
    app.command("restore")(restore_command)
    app.command("read-only")(read_only_command)
    app.add_typer(users, name="user")


def import_command(
    files: Annotated[list[Path], typer.Argument(help="Files of records: .jsonl, .csv or .xlsx.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen; write nothing.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="One bad row, and nothing at all is written.")] = False,
    strict_quality: Annotated[
        bool, typer.Option("--strict-quality", help="Hold published records to the rules for publishing.")
    ] = False,
    mapping: Annotated[Path | None, typer.Option(help="A YAML file that turns a partner's rows into records.")] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write every problem, warning and repair here, as JSON lines.")
    ] = None,
    author: Annotated[str, typer.Option(help="Who stands in the records' history.")] = "import",
) -> None:
    """Import records. A record whose id is known is replaced; running it again changes nothing.

    Ends with 0 when every row was taken, 1 when rows were skipped, 2 when the command itself is wrong.
    """
    rules = _mapping(mapping)
    with open_database() as engine, _progress("Importing", _count) as step:
        result = import_files(
            engine,
            files,
            dry_run=dry_run,
            strict=strict,
            strict_quality=strict_quality,
            mapping=rules,
            author=author,
            progress=step,
        )
    if report:
        _write_report(result, report)
    _print_report(result, dry_run=dry_run)
    raise typer.Exit(1 if result.problems else 0)


def export_command(
    file: Annotated[Path, typer.Argument(help="Where to: a name that ends in .jsonl, .csv or .xlsx.")],
    type: Annotated[str | None, typer.Option(help=f"Only this type: {', '.join(RECORD_TYPES)}.")] = None,
    unpublished: Annotated[bool, typer.Option("--unpublished", help="Also drafts and withdrawn records.")] = False,
) -> None:
    """Export records. E-mail addresses, phone numbers and what experts keep to themselves are left out."""
    with open_database() as engine:
        count = export_file(engine, file, type=_type(type), public=not unpublished)
    typer.echo(f"{count} records written to {file}")


def migrate_command() -> None:
    """Bring the database's tables up to date."""
    with open_database():
        typer.echo("The database is up to date.")


def backup_command(file: Annotated[Path, typer.Argument(help="Where to, as backup.tar.gz.")]) -> None:
    """Write the database and the uploads to one file; the site may go on running."""
    with open_database() as engine:
        size = backup(engine, get_settings(), file)
    typer.echo(f"{size:,} bytes written to {file}")


def restore_command(
    file: Annotated[Path, typer.Argument(help="A file that `kb backup` wrote.", exists=True, dir_okay=False)],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the records that are here.")] = False,
) -> None:
    """Put a backup in place of the database and the uploads."""
    with open_database(up_to_date=False) as engine:
        restore(engine, get_settings(), file, overwrite=overwrite)
    typer.echo("Restored. Now run: kb index rebuild")


def read_only_command(state: Annotated[Switch, typer.Argument(help="on: nothing is written; off: as always.")]) -> None:
    """Switch the whole site to reading, or back: for maintenance, or while a backup is compared."""
    with open_database() as engine, transaction(engine, always=True) as session:
        sites.change(session, "", read_only=state == Switch.ON)
    typer.echo(f"Read-only is {state.value}.")


def _mapping(path: Path | None) -> Mapping | None:
    try:
        return load_mapping(path) if path else None
    except KnowledgeBaseError as error:
        raise typer.BadParameter(str(error)) from error


def _type(given: str | None) -> RecordType | None:
    found = next((name for name in RECORD_TYPES if name == given), None)
    if given is not None and found is None:
        raise typer.BadParameter(f"'{given}' is not a type of record; it may be {', '.join(RECORD_TYPES)}")
    return found


@contextmanager
def _progress(title: str, line: Callable[[ImportReport], str]) -> Iterator[Step]:
    """A bar on a terminal; elsewhere a line after each batch, which says what is safely in the database."""
    if not sys.stdout.isatty():
        yield lambda report, _share: print(line(report), flush=True)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns) as bar:
        task = bar.add_task(title, total=1.0)
        yield lambda report, share: bar.update(task, completed=share, description=f"{title}: {line(report)}")


def _count(report: ImportReport) -> str:
    return f"{report.outcomes.total()} records"


def _print_report(report: ImportReport, *, dry_run: bool) -> None:
    for problem in report.problems[:SHOWN]:
        typer.echo(str(problem), err=True)
    for warning in report.warnings[:SHOWN]:
        typer.echo(f"warning: {warning}", err=True)
    hidden = len(report.problems[SHOWN:]) + len(report.warnings[SHOWN:])
    if hidden:
        typer.echo(f"... and {hidden} more; --report FILE writes all of them", err=True)
    for line in summary(report, dry_run=dry_run):
        typer.echo(line)


def summary(report: ImportReport, *, dry_run: bool) -> Iterator[str]:
    """The report in sum, line by line."""
    counts = ", ".join(f"{report.count(outcome)} {outcome}" for outcome in ("created", "updated", "unchanged"))
    joined = f", {report.merged} joined to another language" if report.merged else ""
    yield f"{report.read} rows read: {counts}{joined}, {report.skipped} skipped"
    for title, kinds in (
        ("repaired", report.repaired()),
        ("seen and left", report.unrepaired()),
        ("skipped", report.reasons()),
        ("warned", report.warned()),
    ):
        yield from (f"  {title}: {kind} ({count})" for kind, count in kinds.most_common())
    if dry_run:
        yield "This was a dry run: nothing was written."
    elif not report.written:
        yield "Nothing was written, because --strict allows no problem."


def _write_report(report: ImportReport, path: Path) -> None:
    groups = (("problem", report.problems), ("warning", report.warnings), ("repair", report.repairs))
    with path.open("w", encoding="utf-8") as file:
        for kind, items in groups:
            for item in items:
                file.write(json.dumps({"what": kind} | vars(item), ensure_ascii=False) + "\n")


if __name__ == "__main__":
    commands = typer.Typer(no_args_is_help=True)
    register(commands)
    commands()
