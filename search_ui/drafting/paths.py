"""Values of a draft by dotted path. A draft may hold anything, so nothing here ever fails."""

from typing import Any


def value_at(data: Any, path: str) -> Any:
    """What stands at a path; None where nothing does. The empty path is the whole."""
    for part in path.split(".") if path else ():
        if isinstance(data, dict):
            data = data.get(part)
        elif isinstance(data, list) and part.isdecimal() and int(part) < len(data):
            data = data[int(part)]
        else:
            return None
    return data


def put(data: dict[str, Any], path: str, value: Any) -> None:
    """Set what stands at a path through objects; None or something empty takes it away, with what is empty above it."""
    first, _, rest = path.partition(".")
    if rest:
        below = data.get(first)
        below = below if isinstance(below, dict) else {}
        put(below, rest, value)
        value = below
    if value is None or value in ("", [], {}):
        data.pop(first, None)
    else:
        data[first] = value


def joined(*parts: str) -> str:
    """A path from its parts, of which any may be empty."""
    return ".".join(part for part in parts if part)


def items_of(data: Any) -> list[Any]:
    """The items of a list; none of anything else."""
    return data if isinstance(data, list) else []


def texts_of(data: Any) -> dict[str, Any]:
    """A text by language; nothing of anything else."""
    return data if isinstance(data, dict) else {}


def is_authors(tag: Any) -> bool:
    """Whether a tag is the author's to change: those of staff and machines stay as they are."""
    return isinstance(tag, dict) and tag.get("source", "author") == "author"
