"""kill -9 of a real import: what it said was saved is saved, and running it again completes it."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

COUNT, KILLS = 6_000, 8


def _import(data: Path, file: Path, url: str) -> "subprocess.Popen[str]":
    environment = os.environ | {"KB_DATA_DIR": str(data), "KB_DATABASE_URL": url, "PYTHONPATH": str(Path.cwd())}
    command = [sys.executable, "-m", "kb.cli", "import", str(file)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _kill_in_the_middle(process: "subprocess.Popen[str]", choice: random.Random) -> int:
    """Kill it shortly after one of its batches; how many records it had said were safe by then."""
    assert process.stdout is not None
    acknowledged, wanted = 0, choice.randrange(0, COUNT // 500 - 1)
    for batches, line in enumerate(process.stdout):
        acknowledged = int(line.split()[0])
        if batches >= wanted:
            break
    time.sleep(choice.random() * 0.2)
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read()
    process.wait()
    return max([acknowledged, *(int(line.split()[0]) for line in rest.splitlines() if line.endswith(" records"))])


@pytest.mark.parametrize("seed", range(KILLS))
def test_a_killed_import_keeps_what_it_acknowledged_and_completes_when_run_again(tmp_path: Path, seed: int) -> None:
    choice = random.Random(seed)
    file, data = tmp_path / "records.jsonl", tmp_path / "data"
    with file.open("w") as lines:
        for number in range(COUNT):
            record = {"type": "news", "id": f"x-{number:05}", "language": "en", "title": {"en": f"News {number}"}}
            lines.write(json.dumps(record | {"links": [{"rel": "related", "to": "x-00000"}]}) + "\n")

    acknowledged = _kill_in_the_middle(_import(data, file, ""), choice)
    database = data / "knowledge.db"
    with sqlite3.connect(database) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert not connection.execute("PRAGMA foreign_key_check").fetchall()
        saved = [row[0] for row in connection.execute("SELECT id FROM records ORDER BY id")]
    assert len(saved) >= acknowledged
    assert len(saved) % 500 == 0
    assert saved == [f"x-{number:05}" for number in range(len(saved))]

    again = _import(data, file, "")
    output, _ = again.communicate(timeout=120)
    assert again.returncode == 0
    assert f"{COUNT - len(saved)} created, 0 updated, {len(saved)} unchanged, 0 skipped" in output
    with sqlite3.connect(database) as connection:
        counts = [
            connection.execute(f"SELECT count(*), count(DISTINCT {column}) FROM {table}").fetchone()
            for table, column in (
                ("records", "id"),
                ("revisions", "record_id"),
                ("links", "source_id"),
                ("index_jobs", "record_id"),
            )
        ]
    assert counts == [(COUNT, COUNT)] * 4
