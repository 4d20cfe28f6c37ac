"""The commands: their exit codes, what they print, and what their report holds."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from kb.cli import register
from kb.settings import get_settings

GOOD = {"type": "news", "id": "x-1", "language": "en", "title": {"en": "News"}, "status": "published"}
LONG = "a harbour full of red boats"
runner = CliRunner()


@pytest.fixture
def kb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Runs a command on an empty data folder."""
    monkeypatch.setenv("KB_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("KB_DATABASE_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    get_settings.cache_clear()
    app = typer.Typer()
    register(app)

    def run(*arguments: str) -> Any:
        return runner.invoke(app, list(arguments))

    run.app = app  # type: ignore[attr-defined]
    yield run
    get_settings.cache_clear()


def _file(name: str, *rows: dict[str, Any] | str) -> str:
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    Path(name).write_text("\n".join(lines))
    return name


def test_a_good_import_ends_with_zero_and_says_what_became_of_it(kb: Any) -> None:
    done = kb("import", _file("a.jsonl", GOOD, GOOD | {"id": "x-2"}))
    assert (done.exit_code, done.stdout) == (
        0,
        "2 records\n2 rows read: 2 created, 0 updated, 0 unchanged, 0 skipped\n",
    )


def test_skipped_rows_end_with_one_and_are_named(kb: Any) -> None:
    done = kb("import", _file("a.jsonl", GOOD, "{", GOOD | {"id": "x-2", "topics": ["mobilty"]}))
    assert done.exit_code == 1
    assert "a.jsonl:3: topics.0: 'mobilty' is not in the vocabulary topics; did you mean mobility?" in done.stderr
    assert "3 rows read: 1 created, 0 updated, 0 unchanged, 2 skipped" in done.stdout
    assert "skipped: '…' is not in the vocabulary topics; did you mean mobility? (1)" in done.stdout


def test_warnings_alone_are_no_failure(kb: Any) -> None:
    done = kb("import", _file("a.jsonl", GOOD | {"links": [{"rel": "city", "to": "nowhere"}]}))
    assert done.exit_code == 0
    assert "warning: a.jsonl:1: links.city: links to 'nowhere'" in done.stderr


def test_a_dry_run_and_a_strict_failure_say_that_nothing_was_written(kb: Any) -> None:
    path = _file("a.jsonl", GOOD, "{")
    assert "This was a dry run: nothing was written." in kb("import", path, "--dry-run").stdout
    strict = kb("import", path, "--strict")
    assert (strict.exit_code, "Nothing was written, because --strict" in strict.stdout) == (1, True)
    assert "1 created" in kb("import", path).stdout


@pytest.mark.parametrize(
    "arguments",
    [["import"], ["import", "a.jsonl", "--mapping", "nowhere.yaml"], ["import", "a.jsonl", "--wrong"],
     ["export", "a.jsonl", "--type", "story"], ["export", "a.pdf"], ["restore", "nowhere"]],
)  # fmt: skip
def test_a_wrong_command_ends_with_two(kb: Any, arguments: list[str]) -> None:
    _file("a.jsonl", GOOD)
    done = kb(*arguments)
    assert done.exit_code == 2
    assert "Traceback" not in done.output


def test_the_report_holds_everything_and_the_screen_the_first_fifty(kb: Any) -> None:
    rows = [GOOD | {"id": f"x-{n}", "topics": ["x"], "stage": "y"} for n in range(40)]
    done = kb("import", _file("a.jsonl", *rows), "--report", "report.jsonl")
    assert "... and 30 more; --report FILE writes all of them" in done.stderr
    report = [json.loads(line) for line in Path("report.jsonl").read_text().splitlines()]
    assert len(report) == 80
    assert report[0]["what"] == "problem"
    assert (report[0]["file"], report[0]["line"], report[0]["field"]) == ("a.jsonl", 1, "topics.0")


def test_repairs_of_a_mapping_are_summed_up_and_reported_one_by_one(kb: Any) -> None:
    Path("m.yaml").write_text(
        "name: Test\ntype: news\nlanguage: {constant: en}\nrepairs: [semicolons]\nflaws: [lost characters]\n"
        "fields: {id: id, title: title, status: {constant: published}}\n"
    )
    rows = [{"id": "a", "title": "One< two"}, {"id": "b", "title": "The city#s plan"}, {"id": "", "title": "No id"}]
    done = kb("import", _file("a.jsonl", *rows), "--mapping", "m.yaml", "--report", "report.jsonl")
    assert done.exit_code == 1
    assert "repaired: semicolons (1)" in done.stdout
    assert "seen and left: lost characters (1)" in done.stdout
    assert "skipped: has no id (1)" in done.stdout
    report = [json.loads(line) for line in Path("report.jsonl").read_text().splitlines()]
    assert [(entry["what"], entry["line"], entry.get("kind")) for entry in report] == [
        ("problem", 3, None),
        ("repair", 1, "semicolons"),
        ("repair", 2, "lost characters"),
    ]
    assert (report[1]["before"], report[1]["after"]) == ("One< two", "One; two")


def test_an_export_a_backup_and_a_restore_bring_everything_back(kb: Any) -> None:
    kb("import", _file("a.jsonl", GOOD, GOOD | {"id": "x-2", "status": "draft"}))
    assert kb("export", "out.csv").stdout == "1 records written to out.csv\n"
    assert kb("export", "all.jsonl", "--unpublished", "--type", "news").stdout == "2 records written to all.jsonl\n"
    assert "2 unchanged" in kb("import", "all.jsonl").stdout
    assert "bytes written to b.tar.gz" in kb("backup", "b.tar.gz").stdout
    assert kb("restore", "b.tar.gz").exit_code == 2
    assert kb("restore", "b.tar.gz", "--overwrite").stdout == "Restored. Now run: kb index rebuild\n"
    assert "2 unchanged" in kb("import", "all.jsonl").stdout


def test_migrating_is_a_command_and_may_be_repeated(kb: Any) -> None:
    for _ in range(2):
        assert kb("migrate").stdout == "The database is up to date.\n"


def test_the_first_administrator_is_made_on_the_command_line(kb: Any) -> None:
    made = kb("user", "add", "Boss@Example.org", "--role", "administrator", "--language", "fr")
    assert made.exit_code == 0
    assert "http://localhost:8000/fr/password/" in made.stdout
    asked = runner.invoke(
        kb.app, ["user", "add", "eve@example.org", "--role", "editor", "--password"], input=f"{LONG}\n" * 2
    )
    assert "eve@example.org can sign in." in asked.stdout
    kb("user", "role", "eve@example.org", "translator", "contributor", "--organisation", "org-x")
    kb("user", "close", "boss@example.org")
    assert kb("user", "list").stdout.splitlines() == [
        "boss@example.org  closed  administrator",
        "eve@example.org  active  contributor of org-x, translator",
    ]
    kb("user", "open", "boss@example.org")
    assert "boss@example.org  active" in kb("user", "list").stdout
    assert "/en/password/" in kb("user", "link", "eve@example.org").stdout


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["add", "nobody"], "is no e-mail address"),
        (["add", "ana@example.org", "--role", "boss"], "is not a role"),
        (["add", "ana@example.org", "--language", "de"], "is not a language"),
        (["role", "nobody@example.org", "editor"], "there is no account"),
        (["close", "nobody@example.org"], "there is no account"),
    ],
)
def test_a_wrong_user_command_says_what_is_wrong(kb: Any, arguments: list[str], reason: str) -> None:
    done = kb("user", *arguments)
    assert done.exit_code == 2
    assert reason in " ".join(done.stderr.replace("│", " ").split())


def test_a_password_from_the_command_line_is_held_to_the_rules_too(kb: Any) -> None:
    short = runner.invoke(kb.app, ["user", "add", "eve@example.org", "--password"], input="short\nshort\n")
    assert "at least 12 characters" in short.stderr
    kb("user", "add", "eve@example.org")
    again = kb("user", "add", "eve@example.org")
    assert "There is an account with this e-mail address already." in again.stderr
