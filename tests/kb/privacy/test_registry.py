"""Every column has its mark; what erasing does with it follows."""

from kb.db import load_tables
from kb.privacy.registry import REGISTRY


def test_promise_24_every_column_of_every_table_is_marked_exactly_once() -> None:
    """A new table? Add an entry to kb/privacy/registry.py: whose row is it, and what becomes of it?"""
    tables = load_tables().tables
    assert set(REGISTRY) == set(tables)
    for name, knows in REGISTRY.items():
        assert sorted(knows.columns()) == sorted(column.name for column in tables[name].columns), name


def test_promise_24_what_names_an_account_says_so() -> None:
    """A foreign key to accounts is a row of that person, or is emptied: it cannot be harmless."""
    for name, table in load_tables().tables.items():
        for key in table.foreign_keys:
            if key.column.table.name == "accounts":
                goes = key.ondelete == "CASCADE" or key.parent.name in REGISTRY[name].columns("row", "blank", "coded")
                assert goes, f"{name}.{key.parent.name}"


def test_promise_24_what_is_in_an_export_has_a_title() -> None:
    for name, knows in REGISTRY.items():
        naming = knows.columns("row", "blank", "coded", "signed", "mention")
        assert bool(naming) == bool(knows.title), name
