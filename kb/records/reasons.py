"""Why a value was refused, in plain words: for import reports and forms, without a validator's jargon."""

import difflib
from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from kb.records.shape import names_below
from schemas.records import RECORD_TYPES

#: What a field with a fixed form looks like.
_FORMS: Final[dict[str, str]] = {
    "id": "has characters other than letters without accents, digits and . _ : ~ - (the last ones not in front)",
    "to": "is not the id of a record",
    "record": "is not the id of a record",
    "case_study": "is not the id of a record",
    "city": "is not the id of a record",
    "expert": "is not the id of a record",
    "currency": "is not a currency; write its code of three capital letters, as EUR or COP",
    "orcid": "is not an ORCID; write it as 0000-0002-1825-0097",
    "start": "is not a time of day; write it as 09:30",
    "languages_spoken": "is not a language; write its ISO 639 code, as en or pt",
    "languages_held": "is not a language; write its ISO 639 code, as en or pt",
    "published_in": "is not a language; write its ISO 639 code, as en or pt",
    "language": "is not a language; write its ISO 639 code, as en or pt",
}  # fmt: skip


def reasons(error: ValidationError) -> list[tuple[str, str]]:
    """(field, reason) of each fault of a record: ``("topics.0", "'mobilty' is not in the vocabulary topics; ...")``."""
    return [_explain(details) for details in error.errors(include_url=False)]


def _explain(details: ErrorDetails) -> tuple[str, str]:
    record_type, path = _place(details["loc"])
    kind, given, context = details["type"], details.get("input"), details.get("ctx", {})
    if kind in ("union_tag_not_found", "union_tag_invalid"):
        return "type", _type_reason(context.get("tag"))
    if kind == "extra_forbidden":
        return ".".join(path), _no_such_field(record_type, path)
    return ".".join(path), printable(_reason(kind, given, context, path))


def _place(loc: tuple[int | str, ...]) -> tuple[str | None, list[str]]:
    """The record's type and the field's path. pydantic puts the union's branch first, and marks dictionary keys."""
    parts = [printable(str(part)) for part in loc if part != "[key]"]
    return (parts[0], parts[1:]) if parts and parts[0] in RECORD_TYPES else (None, parts)


def _type_reason(given: str | None) -> str:
    if given is None:
        return f"is missing; write one of {', '.join(RECORD_TYPES)}"
    return f"'{printable(given)}' is not a type of record{_hint(given, list(RECORD_TYPES))}"


def _no_such_field(record_type: str | None, path: list[str]) -> str:
    owner = "this kind of record" if len(path) == 1 else path[-2] if not path[-2].isdecimal() else path[-3]
    return f"{owner} has no such field{_hint(path[-1], names_below(record_type, path[:-1]))}"


def _hint(given: str, known: list[str]) -> str:
    near = difflib.get_close_matches(given, known, n=2)
    if near:
        return f"; did you mean {' or '.join(near)}?"
    return f"; it may be {', '.join(known)}" if 0 < len(known) <= 15 else ""


def _reason(kind: str, given: Any, context: Mapping[str, Any], path: list[str]) -> str:
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        known = context["expected"].replace(" or ", ", ").replace("'", "").split(", ")
        return f"{_shown(given)} is none of {', '.join(known)}{_hint(given, known) if _close(given, known) else ''}"
    if kind == "string_pattern_mismatch":
        form = next((_FORMS[name] for name in reversed(path) if name in _FORMS), "is not written as it must be")
        return f"{_shown(given)} {form}"
    template = _TEMPLATES.get(kind)
    return template(given, context) if template else f"{_shown(given)} cannot be taken here"


def _close(given: Any, known: list[str]) -> bool:
    return isinstance(given, str) and bool(difflib.get_close_matches(given, known))


def _must_be(what: str) -> Callable[[Any, Mapping[str, Any]], str]:
    return lambda given, _context: f"must be {what}, not {_shown(given)}"


def _bound(words: str, key: str) -> Callable[[Any, Mapping[str, Any]], str]:
    return lambda given, context: f"must be {words} {context[key]}, not {_shown(given)}"


_OBJECT = _must_be('an object, such as {"en": "..."} for a text')
_WHOLE = _must_be("a whole number")
_NUMBER = _must_be("a number")
_DATE = _must_be("a date such as 2024-04-30")
_ADDRESS = _must_be("a web address such as https://example.org")

_TEMPLATES: Final[dict[str, Callable[[Any, Mapping[str, Any]], str]]] = {
    "missing": lambda _given, _context: "is missing",
    "string_type": _must_be("text"),
    "string_unicode": lambda _given, _context: "has half a character (a lone surrogate); write the character again",
    "string_too_short": lambda _given, _context: "is empty; leave the field out instead",
    "string_too_long": lambda given, context: f"has {len(given):,} characters; at most {context['max_length']:,} fit",
    "too_short": lambda _given, _context: "is empty",
    "dict_type": _OBJECT,
    "model_type": _must_be("an object"),
    "model_attributes_type": _must_be("an object"),
    "list_type": _must_be("a list"),
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": _NUMBER,
    "bool_type": _must_be("true or false"),
    "bool_parsing": _must_be("true or false"),
    "date_type": _DATE,
    "date_parsing": _DATE,
    "date_from_datetime_parsing": _DATE,
    "date_from_datetime_inexact": _DATE,
    "url_type": _ADDRESS,
    "url_parsing": _ADDRESS,
    "url_scheme": _ADDRESS,
    "url_syntax_violation": _ADDRESS,
    "url_too_long": lambda _given, _context: "is too long for a web address",
    "greater_than_equal": _bound("at least", "ge"),
    "less_than_equal": _bound("at most", "le"),
    "greater_than": _bound("more than", "gt"),
    "less_than": _bound("less than", "lt"),
}


def _shown(given: Any) -> str:
    """A value as its author would recognise it, cut short."""
    match given:
        case None:
            return "nothing"
        case bool():
            return str(given).lower()
        case int() | float():
            return _cut(str(given)) if abs(given) < 10**40 else "so large a number"
        case str():
            return f"'{_cut(given)}'"
        case dict():
            return "an object"
        case list():
            return "a list"
        case _:
            return type(given).__name__


def _cut(text: str, length: int = 60) -> str:
    return text if len(text) <= length else f"{text[:length]}…"


def printable(text: str) -> str:
    """Text that any terminal and file can take: without control characters and halves of characters."""
    whole = text.encode("utf-8", "backslashreplace").decode()
    return "".join(char if char.isprintable() or char == " " else f"\\u{ord(char):04x}" for char in whole)
