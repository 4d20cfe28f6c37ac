"""What of a record may leave the house: the one place that knows which fields are private."""

from typing import Any, Final

from pydantic import BaseModel

from kb.records import translations
from kb.records.values import read
from schemas.accounts import is_account_id
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
        hidden = {*_NEVER, *_hidden(record)}
        value = {name: part for name, part in value.items() if name not in hidden}
    if "contact" in value:
        value["contact"] = {name: part for name, part in value["contact"].items() if name not in _NEVER}
    return value


def has_private(value: dict[str, Any]) -> bool:
    """Whether a stored value has something that no export holds."""
    holders = (value, value.get("contact", {}))
    hides = any(visibility != "public" for visibility in value.get("visibility", {}).values())
    return hides or any(name in holder for name in _NEVER for holder in holders)


def keep_private(new: Record, stored: Record) -> Record:
    """``new`` with the private fields of ``stored`` that it does not speak of, because no export has them.

    To remove one, an import line says ``"email": null``.
    """
    changes: dict[str, Any] = {}
    if isinstance(new, Expert) and isinstance(stored, Expert):
        changes = _unspoken(new, stored, {*_NEVER, *_hidden(stored)})
    mine, theirs = getattr(new, "contact", None), getattr(stored, "contact", None)
    if mine and theirs:
        changes["contact"] = mine.model_copy(update=_unspoken(mine, theirs, set(_NEVER)))
    return new.model_copy(update=changes)


def _unspoken(new: BaseModel, stored: BaseModel, names: set[str]) -> dict[str, Any]:
    kept = names & type(stored).model_fields.keys() & stored.model_fields_set
    return {name: getattr(stored, name) for name in kept - new.model_fields_set}


def _hidden(expert: Expert) -> set[str]:
    return {name for name, visibility in expert.visibility.items() if visibility != "public"} - _ALWAYS


def public_value(record: Record) -> dict[str, Any]:
    """What every reader may see: the exportable value without consent, settings, translators' accounts and unchecked
    translations, and with public tags only."""
    value = exportable_value(record := without_unchecked(record))
    for name in ("consent", "visibility"):
        value.pop(name, None)
    for language, note in value.get("translations", {}).items():
        if is_account_id(note.get("translator", "")):
            value["translations"][language] = {name: part for name, part in note.items() if name != "translator"}
    _set_or_drop(value, "sdgs", _public(value.get("sdgs", []), record.sdgs))
    if "gender" in value:
        _set_or_drop(value["gender"], "themes", _public(value["gender"].get("themes", []), record.gender.themes))
    return value


def without_unchecked(record: Record) -> Record:
    """The record without texts that a machine translated and no person has accepted yet. What was in no other language is
    left out; how the translation was made is still told."""
    waiting = record.unchecked()
    return read(translations.without(to_value(record), waiting)) if waiting else record


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
