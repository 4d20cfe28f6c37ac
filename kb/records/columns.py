"""Records as rows of a table: columns are dotted paths, and no cell can act in a spreadsheet.

``title.en`` and ``place.country`` hold one value; lists of words stand in one cell with ``|`` between them;
``links.city`` holds the ids of linked cities; a list of objects is one cell of JSON, or columns such as
``sources.0.title``. ``{}`` is an object that is there and empty. ``nest(flatten(value)) == value``.
"""

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from kb.records import shape
from schemas import parts
from schemas.language import LANGUAGES

RELATIONS: Final[tuple[str, ...]] = parts.Relation.__args__  # type: ignore[attr-defined]

#: Lists of objects that may be written as words, and the field that each word is.
_SHORT: Final[dict[str, str]] = {"sdgs": "code", "gender.themes": "theme", "steps": "record", "sources": "title"}

#: A spreadsheet takes what starts with one of these for a formula; the full-width ones in some languages.
_ACTIVE: Final = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")


def inert(text: str) -> str:
    """Text as a cell that a spreadsheet shows and never runs: with an apostrophe before what would be a formula."""
    return f"'{text}" if _ACTIVE.match(text) else text


def plain(cell: str) -> str:
    """The text of a cell that ``inert`` made."""
    return cell[1:] if cell.startswith("'") and _ACTIVE.match(cell) else cell


# The header


def header_faults(names: list[str], *, flat: bool = False) -> list[tuple[str, str]]:
    """(column, reason) for each column that no record has, that is there twice, or that is missing."""
    faults = [(name, "stands twice in the header") for name in sorted({n for n in names if names.count(n) > 1})]
    faults += [("", f"column {position} has no name") for position, name in enumerate(names, 1) if not name]
    if flat:
        return faults
    faults += [(name, reason) for name in names if name and (reason := _column_fault(name))]
    faults += [(name, "is missing from the header") for name in ("type", "id", "language") if name not in names]
    if not any(name.startswith("title.") for name in names):
        faults.append(("title", "is missing from the header; name it by language, as title.en"))
    return faults


def _column_fault(name: str) -> str | None:
    path = name.split(".")
    if is_link_column(path):
        return None
    kind = shape.kind_of(path)
    if kind is None:
        known = [".".join([*path[:-1], below]) for below in shape.names_below(None, path[:-1])]
        near = difflib.get_close_matches(name, [*known, *_top_columns()], n=2)
        return "no record has such a column" + (f"; did you mean {' or '.join(near)}?" if near else "")
    if shape.names_below(None, path) == list(LANGUAGES):
        return f"needs its language, as {name}.{LANGUAGES[0]}"
    return None


def _top_columns() -> list[str]:
    names = shape.names_below(None, [])
    translated = {name for name in names if shape.names_below(None, [name]) == list(LANGUAGES)}
    return [column for n in names for column in ([f"{n}.{lang}" for lang in LANGUAGES] if n in translated else [n])]


# From cells to a value


def nest(cells: Mapping[str, str]) -> dict[str, Any]:
    """An import line's value from cells by column. Empty cells should be left out. Raises ValueError for bad JSON."""
    return build({name: _cell_value(name, cell) for name, cell in cells.items()})


def build(leaves: Mapping[str, Any]) -> dict[str, Any]:
    """A value from its leaves by column; words are good enough for objects that may be written so.

    Raises ValueError where two columns say the same.
    """
    value = _Branch()
    for name, leaf in leaves.items():
        path = name.split(".")
        if is_link_column(path):
            value.setdefault("links", []).extend({"rel": path[1], "to": to} for to in leaf)
        elif name == "links":
            value.setdefault("links", []).extend(leaf)
        else:
            short = _SHORT.get(name)
            _put(value, path, [{short: x} if isinstance(x, str) else x for x in leaf] if short else leaf)
    result: dict[str, Any] = _with_lists(value)
    return result


class _Branch(dict[str, Any]):
    """What columns make, in contrast to objects that stood in a cell."""


def is_link_column(path: list[str]) -> bool:
    """Whether it is ``links.city`` or the like, which holds ids."""
    return len(path) == 2 and path[0] == "links" and path[1] in RELATIONS


def _cell_value(name: str, cell: str) -> Any:
    path = name.split(".")
    kind = shape.kind_of(path)
    if kind == "object":
        return _json(name, cell, dict)
    if kind in ("list", "objects") and cell.lstrip().startswith("["):
        return _json(name, cell)
    if kind == "list" or name in _SHORT or is_link_column(path):
        return _words(cell)
    if kind == "objects":
        return _json(name, cell)
    if kind == "number" and re.fullmatch(r"\s*[-+]?\d+\s*", cell):
        return int(cell)
    return cell


def _words(cell: str) -> list[str]:
    return [word for part in cell.split("|") if (word := part.strip())]


def _json(name: str, cell: str, wanted: type[list[Any]] | type[dict[str, Any]] = list) -> Any:
    try:
        value = json.loads(cell)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, wanted):
        form = "list, as [{...}]" if wanted is list else f"object; use columns such as {name}.{_first_below(name)}"
        raise ValueError(f"the cell of {name} is not a JSON {form}")
    return value


def _first_below(name: str) -> str:
    return next(iter(shape.names_below(None, name.split("."))), "...")


def _put(value: dict[str, Any], path: list[str], leaf: Any) -> None:
    for segment in path[:-1]:
        value = value.setdefault(segment, _Branch())
        if not isinstance(value, dict):
            raise ValueError(f"the columns {'.'.join(path)} and {segment} say the same thing in two ways; keep one")
    if path[-1] in value:
        raise ValueError(f"the column {'.'.join(path)} stands beside columns below it; keep one of them")
    value[path[-1]] = leaf


def _with_lists(value: Any) -> Any:
    """``{"0": a, "2": b}`` is a list of a and b: from columns such as ``sources.0.title``."""
    if not isinstance(value, _Branch):
        return value
    if value and all(key.isdecimal() for key in value):
        return [_with_lists(value[key]) for key in sorted(value, key=int)]
    return {key: _with_lists(part) for key, part in value.items()}


# From a value to cells


def flatten(value: Mapping[str, Any]) -> dict[str, str | int | float]:
    """The cells of a value, by column. Numbers stay numbers; every text is inert."""
    cells: dict[str, str | int | float] = {}
    for name, part in value.items():
        cells |= _links(part) if name == "links" else _flatten(name, part)
    return cells


def _flatten(name: str, part: Any) -> dict[str, str | int | float]:
    if isinstance(part, dict) and (not part or any("." in key or key.isdecimal() for key in part)):
        return {name: json.dumps(part, ensure_ascii=False)}
    if isinstance(part, dict):
        below = [_flatten(f"{name}.{key}", value) for key, value in part.items()]
        return {column: cell for cells in below for column, cell in cells.items()}
    if isinstance(part, list):
        return {name: inert(_list_cell(name, part))}
    if isinstance(part, bool):
        return {name: str(part).lower()}
    return {name: inert(part) if isinstance(part, str) else part}


def _list_cell(name: str, items: list[Any]) -> str:
    short = _SHORT.get(name)
    if short and all(isinstance(item, dict) and set(item) == {short} for item in items):
        items = [item[short] for item in items]
    if all(isinstance(item, str) and _words(item) == [item] for item in items) and not str(items[0]).startswith("["):
        return "|".join(items)
    return json.dumps(items, ensure_ascii=False)


def _links(links: list[dict[str, Any]]) -> dict[str, str | int | float]:
    grouped = {rel: [link["to"] for link in links if link["rel"] == rel] for rel in RELATIONS}
    ungrouped = [{"rel": rel, "to": to} for rel, targets in grouped.items() for to in targets]
    if ungrouped != links:  # notes, or an order of their own
        return {"links": json.dumps(links, ensure_ascii=False)}
    return {f"links.{rel}": "|".join(targets) for rel, targets in grouped.items() if targets}


def ordered(names: Iterable[str]) -> list[str]:
    """Columns in the schema's order, links by relation: the same columns are always in the same order."""
    top = list(dict.fromkeys(["type", "id", "language", "status", "title", *shape.names_below(None, [])]))

    def key(name: str) -> tuple[int, int, str]:
        path = name.split(".")
        relation = RELATIONS.index(path[1]) if path[0] == "links" and len(path) == 2 else -1
        return top.index(path[0]), relation, name

    return sorted(names, key=key)
