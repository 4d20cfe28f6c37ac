"""docs/import-mapping.md describes the mapping that the code reads."""

import re
from pathlib import Path

from kb.records.mapping import Mapping, Rule, load_mapping
from kb.records.repairs import FLAWS, REPAIRS

DOC = (Path(__file__).parents[2] / "docs" / "import-mapping.md").read_text("utf-8")


def test_the_example_is_a_mapping_and_does_what_it_shows(tmp_path: Path) -> None:
    match = re.search(r"```yaml\n(.*?)```", DOC, re.DOTALL)
    assert match
    (tmp_path / "m.yaml").write_text(match[1])
    row = {
        "id": "a",
        "lang": "es",
        "name": "N",
        "country": "Perú",
        "sector": "roads",
        "tags": ["Agua"],
        "description": "D",
    }
    value, changes = load_mapping(tmp_path / "m.yaml").apply(row)
    assert value["title"] == {"es": "N"}
    assert value["place"] == {"country": "PE"}
    assert value["topics"][0] == "mobility"
    assert all(change.field == "topics" for change in changes)


def test_every_entry_repair_and_flaw_is_described() -> None:
    entries = {field.alias or name for name, field in (Rule.model_fields | Mapping.model_fields).items()}
    for entry in entries | set(REPAIRS) | set(FLAWS):
        assert f"`{entry}" in DOC or f"{entry}:" in DOC, entry
