"""Which translations are out of date. Pure functions of what the revisions say, so it can always be recomputed.

A record's ``text_revision`` is the revision that last changed its original-language text. A translation knows
the revision it was made from; it is stale when that is older than the text revision.
"""

import datetime
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from schemas.language import LANGUAGES, Language

#: A value of an import line.
Value = Mapping[str, Any]


@dataclass(frozen=True)
class Translation:
    """How one language other than the original came about."""

    source_revision: int
    #: By a machine, and no person has accepted it yet.
    machine: bool
    translator: str | None
    updated_at: datetime.datetime


@dataclass(frozen=True)
class TextState:
    """Where a record's texts stand after a save."""

    text_revision: int
    translations: Mapping[Language, Translation]

    @property
    def stale(self) -> frozenset[Language]:
        """The languages that were made from an older text than the present one."""
        return frozenset(
            language for language, made in self.translations.items() if made.source_revision < self.text_revision
        )


def texts(value: Any) -> dict[Language, dict[str, str]]:
    """Every translated text in a value, by language, then by dotted path."""
    found: dict[Language, dict[str, str]] = {}
    for path, translated in _translated(value, ""):
        for language, text in translated.items():
            found.setdefault(language, {})[path] = text
    return found


def _translated(value: Any, path: str) -> Iterator[tuple[str, dict[Language, str]]]:
    if isinstance(value, dict):
        if value and all(key in LANGUAGES and isinstance(text, str) for key, text in value.items()):
            yield path, value
            return
        for key, part in value.items():
            yield from _translated(part, f"{path}.{key}")
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _translated(part, f"{path}.{index}")


def without(value: Any, languages: Collection[Language]) -> Any:
    """A copy of a value without its texts in these languages."""
    if isinstance(value, list):
        return [without(part, languages) for part in value]
    if not isinstance(value, dict):
        return value
    if value and all(key in LANGUAGES and isinstance(text, str) for key, text in value.items()):
        return {key: text for key, text in value.items() if key not in languages}
    return {key: without(part, languages) for key, part in value.items()}


def after_save(
    before: TextState | None, old: Value | None, new: Value, revision: int, at: datetime.datetime
) -> TextState:
    """The state after ``new`` was saved over ``old`` as this revision.

    A language whose own text did not change keeps its source revision, and so goes stale when the original's text
    changes. A language whose text changed is made from the present text. A changed ``translations.XX.revision``
    in the value says otherwise: a translator names the revision that was worked from or has been checked. (1 is what
    an import line says that says nothing, so it names none.)
    """
    old_texts, new_texts = texts(old), texts(new)
    original: Language = new["language"]
    unchanged = before is not None and old_texts.get(original) == new_texts.get(original)
    text_revision = before.text_revision if before and unchanged else revision
    made: dict[Language, Translation] = {}
    for language in new_texts:
        if language == original:
            continue
        earlier = before.translations.get(language) if before else None
        if old_texts.get(language) != new_texts[language]:
            earlier = None
        source = _named_source(language, old, new, revision) or (earlier.source_revision if earlier else text_revision)
        note = _note(new, language)
        made[language] = Translation(
            source_revision=source,
            machine=note.get("machine", False) and not note.get("checked"),
            translator=note.get("translator"),
            updated_at=earlier.updated_at if earlier else at,
        )
    return TextState(text_revision, made)


def _note(value: Value, language: Language) -> dict[str, Any]:
    note: dict[str, Any] = value.get("translations", {}).get(language, {})
    return note


def _named_source(language: Language, old: Value | None, new: Value, revision: int) -> int | None:
    """The revision that this save newly names as the translation's source; none that is yet to come."""
    if old is None:
        return None
    named: int = _note(new, language).get("revision", 1)
    return min(named, revision) if named != _note(old, language).get("revision", 1) else None


def with_sources(value: dict[str, Any], state: TextState, revision: int) -> dict[str, Any]:
    """The value with the revision that each translation was made from: where it was up to date, this new one."""
    notes: dict[str, Any] = dict(value.get("translations", {}))
    for language, made in state.translations.items():
        source = made.source_revision if language in state.stale else revision
        notes[language] = notes.get(language, {}) | {"revision": source}
    return value | ({"translations": notes} if notes else {})
