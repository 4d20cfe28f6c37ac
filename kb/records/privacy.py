"""What of a record may leave the house: the one place that knows which fields are private."""

from typing import Any, Final

from schemas.records import Expert, Record, parse, to_value
from schemas.tags import Tag

#: Never public and never exported, whatever their visibility says.
_NEVER: Final = ("email", "phone")
#: What no visibility setting can hide: without them it would be no record.
_ALWAYS: Final = frozenset({"id", "type", "language", "status", "title", "visibility"})


def exportable_value(record: Record) -> dict[str, Any]:
    """The import line's value without e-mail addresses, phone numbers and what an expert does not make public."""
    value = to_value(record)
    if isinstance(record, Expert):
        hidden = {name for name, visibility in record.visibility.items() if visibility != "public"} - _ALWAYS
        value = {name: part for name, part in value.items() if name not in hidden and name not in _NEVER}
    if "contact" in value:
        value["contact"] = {name: part for name, part in value["contact"].items() if name not in _NEVER}
    return value


def public_value(record: Record) -> dict[str, Any]:
    """What every reader may see: the exportable value without consent, without settings, and with public tags only."""
    value = exportable_value(record)
    for name in ("consent", "visibility"):
        value.pop(name, None)
    _set_or_drop(value, "sdgs", _public(value.get("sdgs", []), record.sdgs))
    if "gender" in value:
        _set_or_drop(value["gender"], "themes", _public(value["gender"].get("themes", []), record.gender.themes))
    return value


def public_record(record: Record) -> Record:
    """The record as every reader may see it."""
    return parse(public_value(record))


def _public(values: list[Any], tags: list[Any]) -> list[Any]:
    shown: list[Tag] = tags
    return [value for value, tag in zip(values, shown, strict=True) if tag.public]


def _set_or_drop(value: dict[str, Any], name: str, part: list[Any]) -> None:
    if part:
        value[name] = part
    else:
        value.pop(name, None)
