"""Two people at one draft. A page carries a mark of each field as it was when it was made; from it one sees who changed what.

Fields that only one of them changed are no conflict: both changes are kept. The others are shown side by side.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from kb.editorial.history import Mark, Piece, marked
from schemas.fields import Field, Step
from schemas.language import Language
from search_ui.drafting.paths import items_of, put, texts_of, value_at
from search_ui.drafting.read import is_city

_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True)
class Clash:
    """A field that both changed. ``theirs`` and ``mine`` have the words marked that the other one lacks."""

    field: Field
    theirs: Markup
    mine: Markup


def value_of(field: Field, data: dict[str, Any]) -> Any:
    """What a field holds; the city's link apart from the other links."""
    links = items_of(data.get("links"))
    if field.kind == "city":
        return [link for link in links if is_city(link)]
    if field.name == "links":
        return [link for link in links if not is_city(link)]
    return value_at(data, field.name)


def put_value(field: Field, data: dict[str, Any], value: Any) -> None:
    """Set what ``value_of`` gave."""
    if field.kind == "city" or field.name == "links":
        others = [link for link in items_of(data.get("links")) if is_city(link) != (field.kind == "city")]
        value = others + items_of(value) if field.kind == "city" else items_of(value) + others
        put(data, "links", value)
    else:
        put(data, field.name, value)


def marks(step: Step, data: dict[str, Any]) -> str:
    """A mark of each field of a step, to go along with the form."""
    return ".".join(_mark(value_of(field, data)) for field in step.fields)


def _mark(value: Any) -> str:
    written = "" if value in (None, "", [], {}) else json.dumps(value, sort_keys=True)
    return hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()[:10]


def joined(step: Step, base: str, theirs: dict[str, Any], mine: dict[str, Any]) -> tuple[dict[str, Any], list[Field]]:
    """(data, fields): theirs with what only I changed, and the fields that we both changed, as they have them."""
    before = base.split(".")
    before += [""] * (len(step.fields) - len(before))
    data, both = json.loads(json.dumps(theirs)), []
    for field, mark in zip(step.fields, before, strict=False):
        my_mark, their_mark = _mark(value_of(field, mine)), _mark(value_of(field, theirs))
        if my_mark in (their_mark, mark):
            continue
        if their_mark == mark:
            put_value(field, data, value_of(field, mine))
        else:
            both.append(field)
    return data, both


def clash(field: Field, theirs: dict[str, Any], mine: dict[str, Any], language: Language) -> Clash:
    """Both texts of a field, for reading."""
    left, right = (written(value_of(field, data), language) for data in (theirs, mine))
    return Clash(field, *_marked(left, right))


def written(value: Any, language: Language) -> str:
    """A field's value as text: a line for each part of a list."""
    if isinstance(value, dict):
        if language in texts_of(value):
            return str(value[language])
        return "; ".join(text for part in value.values() if (text := written(part, language)))
    if isinstance(value, list):
        return "\n".join(f"– {written(part, language)}" for part in value)
    return "" if value is None else str(value)


def _marked(left: str, right: str) -> tuple[Markup, Markup]:
    pieces = marked(_TOKEN.findall(left), _TOKEN.findall(right))
    return _side(pieces, "removed"), _side(pieces, "added")


def _side(pieces: list[Piece], own: Mark) -> Markup:
    shown = (piece for piece in pieces if piece.mark in ("same", own))
    return Markup("").join(
        Markup("<mark>{}</mark>").format(piece.text) if piece.mark == own else escape(piece.text) for piece in shown
    )
