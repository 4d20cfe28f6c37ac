"""The schema of records as paths: which fields there are, and what each holds. For table columns and for hints."""

import types
from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from schemas.records import Record, RecordBase, RecordType

Kind = Literal["text", "number", "flag", "list", "objects", "object"]

MODELS: Final[dict[RecordType, type[RecordBase]]] = {
    model.model_fields["type"].default: model for model in get_args(get_args(Record)[0])
}


def names_below(record_type: str | None, path: Sequence[str]) -> list[str]:
    """The field names, or keys, below a path; of all types where the type is not known. Empty where any key goes."""
    found: dict[str, None] = {}
    for annotation in _resolve(record_type, tuple(path)):
        found |= dict.fromkeys(_names(annotation))
    return list(found)


def kind_of(path: Sequence[str], record_type: str | None = None) -> Kind | None:
    """What stands at a path: text, a number, a list of texts, a list of objects ...; None for no such field."""
    return next((_kind(annotation) for annotation in _resolve(record_type, tuple(path))), None)


@cache
def _resolve(record_type: str | None, path: tuple[str, ...]) -> list[Any]:
    models = [model for name, model in MODELS.items() if record_type in (None, name)]
    found: list[Any] = list(models)
    for segment in path:
        found = [below for annotation in found if (below := _below(annotation, segment)) is not None]
    return found


def _bare(annotation: Any) -> Any:
    """The type without its constraints and without ``| None``."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return _bare(next(part for part in get_args(annotation) if part is not type(None)))
    return annotation


def _below(annotation: Any, segment: str) -> Any | None:
    annotation = _bare(annotation)
    if _is_model(annotation):
        return _hints(annotation).get(segment) if segment in annotation.model_fields else None
    if get_origin(annotation) is list:
        return get_args(annotation)[0] if segment.isdecimal() else None
    if get_origin(annotation) is dict:
        return get_args(annotation)[1] if segment in (_names(annotation) or [segment]) else None
    return None


@cache
def _hints(model: type[BaseModel]) -> dict[str, Any]:
    return get_type_hints(model, include_extras=True)  # resolves a class that is named before it is defined


def _names(annotation: Any) -> list[str]:
    annotation = _bare(annotation)
    if _is_model(annotation):
        return list(annotation.model_fields)
    if get_origin(annotation) is dict and get_origin(get_args(annotation)[0]) is Literal:
        return list(get_args(get_args(annotation)[0]))
    return []


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _kind(annotation: Any) -> Kind:
    annotation = _bare(annotation)
    if _is_model(annotation) or get_origin(annotation) is dict:
        return "object"
    if get_origin(annotation) is list:
        return "objects" if _kind(get_args(annotation)[0]) == "object" else "list"
    values = get_args(annotation) if get_origin(annotation) is Literal else ()
    if annotation is bool:
        return "flag"
    return "number" if annotation in (int, float) or (values and isinstance(values[0], int)) else "text"
