"""Hypothesis strategies for import lines, made from the models themselves: a new field is covered by itself."""

import datetime
import inspect
import types
from collections.abc import Callable
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from annotated_types import Ge, Le, MaxLen, MinLen
from hypothesis import strategies as st
from pydantic import AfterValidator, BaseModel, StringConstraints, ValidationError
from pydantic.fields import FieldInfo

from schemas.records import RECORD_TYPES, Record, parse
from schemas.vocabulary import load

_MODELS: Final[dict[str, type[BaseModel]]] = {
    model.model_fields["type"].default: model for model in get_args(get_args(Record)[0])
}
_characters = st.characters(exclude_categories=["Cc", "Cs"]) | st.sampled_from("=+-@|;,'\"\n\t<&{[＝")
#: Texts that people write: all scripts, quotes, formulas, separators; no control characters, no blanks at the ends.
texts = st.text(_characters, min_size=1, max_size=40).map(str.strip).filter(bool)
_ids = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._:~-]{0,20}\Z")
_dates = st.dates(datetime.date(1900, 1, 1), datetime.date(2090, 1, 1)).map(lambda day: day.isoformat())
_urls = st.from_regex(r"\Ahttps://[a-z]{1,10}\.org/[A-Za-z0-9_~-]{0,20}\Z")

#: Values for the validators that are functions, by the function's name.
_CHECKED: Final[dict[str, st.SearchStrategy[Any]]] = {
    "_partial_date": st.one_of(_dates, _dates.map(lambda day: day[:7]), _dates.map(lambda day: day[:4])),
    "_country": st.sampled_from(["CO", "FR", "KE", "PS", "XK"]),
    "_time_zone": st.sampled_from(["Europe/Madrid", "America/Bogota", "UTC"]),
    "_url": _urls,
    "_media_url": st.from_regex(r"/uploads/[0-9a-f]{32}", fullmatch=True),
    "without_controls": texts,
}


def values(record_type: str | None = None) -> st.SearchStrategy[dict[str, Any]]:
    """Import lines that parse, of this type or of any."""
    kinds = st.sampled_from([record_type] if record_type else list(RECORD_TYPES))
    return kinds.flatmap(lambda kind: _model(_MODELS[kind]).map(_repaired)).filter(_parses)


def records(record_type: str | None = None) -> st.SearchStrategy[Record]:
    """Records of this type or of any."""
    return values(record_type).map(parse)


def _repaired(value: dict[str, Any]) -> dict[str, Any]:
    """What a rule between two fields demands."""
    value["title"].setdefault(value["language"], "Title")
    for holder in (value, *value.get("phases", [])):
        (holder.get("period") or {}).pop("end", None)
    if "amount" in (value.get("costs") or {}):
        value["costs"]["currency"] = "EUR"
    for medium in value.get("media", []):
        medium["alt"] = medium.get("alt") or {"en": "A tram"}
    return value


def _parses(value: dict[str, Any]) -> bool:
    try:
        parse(value)
    except ValidationError:
        return False
    return True


def _model(model: type[BaseModel]) -> st.SearchStrategy[dict[str, Any]]:
    needed: dict[str, st.SearchStrategy[Any]] = {}
    optional: dict[str, st.SearchStrategy[Any]] = {}
    hints = get_type_hints(model, include_extras=True)
    for name, field in model.model_fields.items():
        target = needed if field.is_required() or name in ("type", "status") else optional
        target[name] = _annotated(hints[name], list(field.metadata))
    if not optional:
        return st.fixed_dictionaries(needed)
    # Few optional fields at a time: a record with all of them says no more, and takes long to draw.
    some = st.lists(st.sampled_from(sorted(optional)), max_size=5, unique=True)
    return some.flatmap(lambda names: st.fixed_dictionaries(needed | {name: optional[name] for name in names}))


def _annotated(annotation: Any, limits: list[Any]) -> st.SearchStrategy[Any]:
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        return _annotated(inner, [*limits, *_flat(more)])
    if get_origin(annotation) in (Union, types.UnionType):
        return _annotated(next(part for part in get_args(annotation) if part is not type(None)), limits)
    if get_origin(annotation) is Literal:
        return st.sampled_from(get_args(annotation))
    if get_origin(annotation) is list:
        return st.lists(_annotated(get_args(annotation)[0], []), max_size=3)
    if get_origin(annotation) is dict:
        key, value = get_args(annotation)
        least = max((limit.min_length for limit in limits if isinstance(limit, MinLen)), default=0)
        return st.dictionaries(_annotated(key, []), _annotated(value, []), min_size=least, max_size=3)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _model(annotation)
    return _scalar(annotation, limits)


def _flat(metadata: list[Any]) -> list[Any]:
    """Metadata with the parts of ``Field(ge=1)`` one by one."""
    return [part for entry in metadata for part in (entry.metadata if isinstance(entry, FieldInfo) else [entry])]


def _scalar(annotation: Any, limits: list[Any]) -> st.SearchStrategy[Any]:
    for limit in limits:
        if isinstance(limit, AfterValidator):
            return _checked(limit.func)
        if isinstance(limit, StringConstraints) and limit.pattern:
            return _ids if "._:~-" in str(limit.pattern) else st.from_regex(str(limit.pattern), fullmatch=True)
    low = next((limit.ge for limit in limits if isinstance(limit, Ge)), 0)
    high = next((limit.le for limit in limits if isinstance(limit, Le)), 10**9)
    if annotation is int:
        return st.integers(low, high)  # type: ignore[arg-type]
    if annotation is float:
        return st.floats(low, high, allow_nan=False)  # type: ignore[arg-type]
    simple = {bool: st.booleans(), datetime.date: _dates, str: texts.filter(lambda t: len(t) <= _longest(limits))}
    return simple[annotation]


def _longest(limits: list[Any]) -> int:
    return min((limit.max_length for limit in limits if isinstance(limit, MaxLen)), default=1000)


def _checked(check: Callable[..., Any]) -> st.SearchStrategy[Any]:
    vocabularies = inspect.getclosurevars(check).nonlocals.get("vocabularies", ())
    if vocabularies:
        return st.sampled_from([term.id for name in vocabularies for term in load(name).terms])
    return _CHECKED[check.__name__]
