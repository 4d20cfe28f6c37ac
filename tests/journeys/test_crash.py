"""Real processes, killed at moments that nobody chose; then everything is started again and must come out right."""

import json
import os
import random
import re
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import Engine, text

from indexer import sync
from indexer.analysis import content_tokens
from indexer.embedding import describe
from indexer.engines.base import Question, connect
from kb.db import make_engine, migrate, transaction
from kb.records import service
from kb.settings import Settings
from schemas.language import LANGUAGES
from schemas.records import parse

ROOT: Final = Path(__file__).parents[2]
#: Kills of each kind. All in all there are three times as many.
KILLS: Final = 4
#: Records of a corpus: several batches of import and of sync.
MANY: Final = 600


def record(number: int, word: str = "first") -> dict[str, Any]:
    """Records that differ in words but hardly in passages, so that few vectors have to be computed."""
    return {
        "type": "initiative", "id": f"r-{number:04}", "language": "en", "status": "published",
        "title": {"en": f"Trams {number % 5}"}, "acronym": f"{word} unit{number}",
    }  # fmt: skip


class Profile:
    """A data folder, and processes that work on it."""

    def __init__(self, folder: Path, search_url: str = "") -> None:
        self.settings = Settings(data_dir=folder, search_url=search_url, _env_file=None)  # type: ignore[call-arg]
        self.database: Engine = make_engine(self.settings)
        migrate(self.database)
        self.random = random.Random()
        started = time.monotonic()
        self.run("index", "status")
        self.startup = time.monotonic() - started

    def _command(self, *arguments: str) -> dict[str, Any]:
        environment = os.environ | {
            "KB_DATA_DIR": str(self.settings.data_dir),
            "KB_SEARCH_URL": self.settings.search_url,
            "PYTHONUNBUFFERED": "1",
        }
        return {"args": [sys.executable, "-m", "search_ui.cli", *arguments], "cwd": ROOT, "env": environment}

    def run(self, *arguments: str) -> str:
        """Let a command run to its end; it must end well."""
        done = subprocess.run(**self._command(*arguments), capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def killed(self, *arguments: str) -> tuple[bool, str]:
        """Start a command and kill it soon after it has begun to work. Returns whether it was still running, and what it
        had said until then."""
        said = self.settings.data_dir / "said.txt"
        with said.open("w") as out, subprocess.Popen(**self._command(*arguments), stdout=out, stderr=out) as process:
            time.sleep(self.startup * 0.8 + self.random.expovariate(1 / 0.4))
            process.kill()
        self._let_leases_run_out()
        return process.returncode == -signal.SIGKILL, said.read_text("utf-8")

    def _let_leases_run_out(self) -> None:
        """What two minutes do by themselves: a process that was killed gives nothing back."""
        with transaction(self.database) as session:
            session.execute(text("UPDATE leases SET held_until = 0"))

    def edit(self, word: str) -> None:
        """Every third record gets a new word, some are withdrawn, some deleted."""
        with transaction(self.database) as session:
            values = [record(number, word) for number in range(0, MANY, 3)]
            for value in values[: self.random.randrange(20)]:
                value["status"] = "withdrawn"
            service.save_many(session, map(parse, values), "me")
            for number in self.random.sample(range(MANY), 5):
                if service.load(session, [f"r-{number:04}"]):
                    service.delete(session, f"r-{number:04}")

    def found(self, word: str) -> set[str]:
        """The ids of all records that have this word, by the index."""
        engine = connect(self.settings.resolved_search_url, describe(self.settings))
        tokens = {language: tuple(content_tokens(word, language)) for language in LANGUAGES}
        hits = [
            hit.id
            for offset in range(0, MANY, 500)
            for hit in engine.search(Question(mode="keyword", words=tokens, limit=500, offset=offset)).hits
        ]
        engine.close()
        assert len(hits) == len(set(hits)), "a record is there twice"
        return set(hits)

    def having(self, word: str) -> set[str]:
        """The same, by the database."""
        with transaction(self.database, readonly=True) as session:
            return {
                one.record.id for one in service.iterate(session) if word in getattr(one.record, "acronym", "").split()
            }


@pytest.fixture
def profile(tmp_path: Path) -> Iterator[Profile]:
    profile = Profile(tmp_path / "data")
    yield profile
    profile.database.dispose()


def _acknowledged(said: str) -> int:
    return max([0, *(int(number) for number in re.findall(r"^(\d+) records$", said, re.MULTILINE))])


def test_an_import_that_is_killed_again_and_again_loses_nothing_that_it_acknowledged(profile: Profile) -> None:
    killed, generation = 0, 0
    while killed < KILLS:
        generation += 1
        assert generation < 5 * KILLS, "the imports end too soon to be killed"
        file = profile.settings.data_dir / f"{generation}.jsonl"
        file.write_text("".join(f"{json.dumps(record(n, f'edition{generation}'))}\n" for n in range(MANY)), "utf-8")
        was_killed, said = profile.killed("import", str(file))
        killed += was_killed
        written = profile.having(f"edition{generation}")
        assert len(written) >= _acknowledged(said)
        assert len(written) % 500 in (0, MANY % 500), "a batch is there whole or not at all"
    profile.run("import", str(file))
    with transaction(profile.database, readonly=True) as session:
        assert {len(service.revisions(session, f"r-{n:04}")) for n in range(0, MANY, 50)} <= set(
            range(1, generation + 1)
        )
    assert profile.having(f"edition{generation}") == {f"r-{n:04}" for n in range(MANY)}
    profile.run("index", "sync")
    profile.run("index", "check")
    assert profile.found(f"edition{generation}") == {f"r-{n:04}" for n in range(MANY)}


@pytest.mark.parametrize("command", ["sync", "rebuild"])
def test_an_index_whose_writer_is_killed_again_and_again_says_what_the_database_says(
    profile: Profile, command: str
) -> None:
    kill_writers(profile, command, KILLS)


@pytest.mark.cluster
@pytest.mark.parametrize("command", ["sync", "rebuild"])
def test_an_index_in_elasticsearch_whose_writer_is_killed_says_what_the_database_says(
    tmp_path: Path, elasticsearch: str, command: str
) -> None:
    url = f"{elasticsearch}/kb-test-{secrets.token_hex(6)}"
    profile = Profile(tmp_path / "data", url)
    try:
        kill_writers(profile, command, kills=2)
    finally:
        profile.database.dispose()
        urllib.request.urlopen(urllib.request.Request(f"{url}-*", method="DELETE")).close()


def kill_writers(profile: Profile, command: str, kills: int) -> None:
    with transaction(profile.database) as session:
        service.save_many(session, (parse(record(number)) for number in range(MANY)), "me")
    profile.run("index", "sync")
    killed, round_number = 0, 0
    while killed < kills:
        round_number += 1
        assert round_number < 5 * kills, "the work ends too soon to be killed"
        profile.edit(f"round{round_number}")
        was_killed, _ = profile.killed("index", command)
        killed += was_killed
        assert profile.found("first") >= profile.having("first"), "what did not change is always found"
    profile.run("index", "sync")
    profile.run("index", "check")
    for word in ("first", *(f"round{number}" for number in range(1, round_number + 1))):
        assert profile.found(word) == profile.having(word)
    engine = connect(profile.settings.resolved_search_url, describe(profile.settings))
    assert len(sync.differences(profile.database, engine)) == 0
    engine.close()
