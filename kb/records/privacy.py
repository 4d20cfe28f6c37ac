"""What of a record may leave the house: the one place that knows which fields are private."""

from typing import Any, Final

from pydantic import BaseModel

from kb.records import translations
from kb.records.values import read
from schemas.accounts import is_account_id
from schemas.parts import Link
from schemas.records import Expert, Record, parse, to_value
from schemas.tags import Gender, Tag

#: Never public and never exported, whatever their visibility says.
_NEVER: Final = ("email", "phone")
#: What no visibility setting can hide: without them it would be no record.
_ALWAYS: Final = frozenset({"id", "type", "language", "status", "title", "visibility"})


#: What goes with a hidden field, because it tells the same. ``city`` is the link to the expert's city, ``proof`` all others.
_WITH: Final[dict[str, tuple[str, ...]]] = {
    "expertise": ("topics", "instruments", "sdgs", "gender"),
    "city": ("place",),
}
#: Texts that a tag may quote.
_QUOTED: Final = ("position", "summary", "body")
_EVERYBODY: Final = frozenset({"public"})
#: What people with an account see.
_MEMBERS: Final = frozenset({"public", "members"})


def exportable_value(record: Record) -> dict[str, Any]:
    """The import line's value without e-mail addresses, phone numbers and what an expert does not make public."""
    return _value_for(record, _EVERYBODY)


def _value_for(record: Record, seen: frozenset[str]) -> dict[str, Any]:
    value = to_value(record)
    if isinstance(record, Expert):
        hidden = _hidden(record, seen)
        value = {name: part for name, part in value.items() if name not in hidden}
        _set_or_drop(value, "links", [link for link in value.get("links", []) if _part(link["rel"]) not in hidden])
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
        hidden = _hidden(stored, _EVERYBODY)
        changes = _unspoken(new, stored, hidden)
        links: list[Link] = changes.get("links", new.links)
        silent = hidden - {_part(link.rel) for link in links}
        if kept := [link for link in stored.links if _part(link.rel) in silent]:
            changes["links"] = [*kept, *links]
    mine, theirs = getattr(new, "contact", None), getattr(stored, "contact", None)
    if mine and theirs:
        changes["contact"] = mine.model_copy(update=_unspoken(mine, theirs, set(_NEVER)))
    return new.model_copy(update=changes)


def _part(relation: str) -> str:
    """The name by which an expert hides links of this relation."""
    return "city" if relation == "city" else "proof"


def _unspoken(new: BaseModel, stored: BaseModel, names: set[str]) -> dict[str, Any]:
    kept = names & type(stored).model_fields.keys() & stored.model_fields_set
    return {name: getattr(stored, name) for name in kept - new.model_fields_set}


def _hidden(expert: Expert, seen: frozenset[str]) -> set[str]:
    """The fields that those who see ``seen`` do not."""
    named = {name for name, visibility in expert.visibility.items() if visibility not in seen}
    named |= {name for name in _NEVER if seen == _EVERYBODY or name not in expert.visibility}
    named |= {other for name in named for other in _WITH.get(name, ())}
    return (named | _quoting(expert, named)) - _ALWAYS


def _quoting(expert: Expert, hidden: set[str]) -> set[str]:
    """Tags that quote a text which is hidden."""
    if hidden.isdisjoint(_QUOTED):
        return set()
    shown = [text for name in _QUOTED if name not in hidden for text in getattr(expert, name).values()]
    tags: dict[str, list[Tag | Gender]] = {
        "sdgs": [*expert.sdgs],
        "gender": [*expert.gender.themes, expert.gender],
    }
    quoted = {name: [tag.passage for tag in found if tag.passage] for name, found in tags.items()}
    quoted["gender"] += expert.gender.passages.values()
    return {
        name
        for name, passages in quoted.items()
        if any(not any(passage in text for text in shown) for passage in passages)
    }


def public_value(record: Record) -> dict[str, Any]:
    """What every reader may see: the exportable value without consent, settings, translators' accounts and unchecked
    translations, and with public tags only."""
    seen = without_unchecked(record)
    return _for_readers(exportable_value(seen), seen)


def _for_readers(value: dict[str, Any], record: Record) -> dict[str, Any]:
    for name in ("consent", "visibility"):
        value.pop(name, None)
    for language, note in value.get("translations", {}).items():
        if is_account_id(note.get("translator", "")):
            value["translations"][language] = {name: part for name, part in note.items() if name != "translator"}
    if "sdgs" in value:
        _set_or_drop(value, "sdgs", _public(value["sdgs"], record.sdgs))
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


def members_record(record: Record) -> Record:
    """The record as people with an account may see it."""
    return parse(_for_readers(_value_for(record, _MEMBERS), record))


def for_members_only(record: Record) -> list[str]:
    """The fields of a record that members see and other readers do not."""
    return sorted(_value_for(record, _MEMBERS).keys() - exportable_value(record).keys())


def _public(values: list[Any], tags: list[Any]) -> list[Any]:
    shown: list[Tag] = tags
    return [value for value, tag in zip(values, shown, strict=True) if tag.public]


def _set_or_drop(value: dict[str, Any], name: str, part: list[Any]) -> None:
    if part:
        value[name] = part
    else:
        value.pop(name, None)
