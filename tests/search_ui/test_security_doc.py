"""docs/security.md names files and tests that are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "security.md").read_text("utf-8")


def test_every_file_that_the_document_names_exists() -> None:
    named = set(re.findall(r"`((?:tests|kb|search_ui|schemas|deploy)/[\w./]*)[`:]", TEXT))
    assert len(named) > 40
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_every_test_that_the_document_names_exists() -> None:
    named = set(re.findall(r"`(tests/[\w./]+)::(\w+)`", TEXT))
    assert len(named) > 100
    assert TEXT.count("::") == len(re.findall(r"`tests/[\w./]+::\w+`", TEXT)), "a name is written in another way"
    sources = {file: (ROOT / file).read_text("utf-8") for file, _ in named}
    assert [f"{file}::{name}" for file, name in sorted(named) if f"def {name}(" not in sources[file]] == []


def test_every_promise_has_its_row() -> None:
    section = TEXT.partition("## The promises")[2]
    assert re.findall(r"^\| (\d+) \| .+`tests/", section, re.MULTILINE) == [str(number) for number in range(1, 26)]
