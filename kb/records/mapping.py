"""A partner's rows into records, by rules in a YAML file. The format is documented in docs/import-mapping.md.

Nothing is lost in silence: every repair, every value that found no place and every row that cannot be used is told.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BeforeValidator, ConfigDict, Field, ValidationError

from kb.errors import Invalid
from kb.records import columns, repairs, shape
from kb.records.countries import country_code
from kb.records.reasons import reasons
from schemas.base import Model
from schemas.language import LANGUAGES, Language
from schemas.records import MAX_SUMMARY, RecordType
from schemas.vocabulary import load, names

#: Titles that are made from a text are at most this long.
MAX_TITLE = 120
#: A place's name that was a list of countries is cut to this length.
MAX_NAME = 200


class Unusable(Exception):
    """Why no record can be made of a row."""


@dataclass(frozen=True)
class Change:
    """What was done to a field (``done``), or was seen and left: a repair without its file and line."""

    field: str
    kind: str
    before: str
    after: str
    done: bool = True


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _as_rule(value: Any) -> Any:
    return {"from": value} if isinstance(value, str | list) else value


class Rule(Model):
    """Where the value of one field of the record comes from."""

    model_config = ConfigDict(populate_by_name=True)

    #: Fields of the row: the first that is not empty counts, or for a list all of them.
    sources: Annotated[list[str], BeforeValidator(_as_list)] = Field(default=[], alias="from")
    constant: Any = None
    #: Text with fields of the row in braces, as ``{source}, {id}``.
    template: str | None = None
    #: What a given value becomes; null where it is known and has no place here.
    values: dict[str, Any] = {}
    #: What the value is: a country's name, terms of this vocabulary.
    reads: Literal["country"] | None = Field(default=None, alias="as")
    terms: str | None = None
    #: The field that takes the text when it is no country's name.
    else_to: str | None = None
    #: Where the value is missing: the beginning, or the first sentence, of this field.
    or_beginning_of: str | None = None
    or_first_sentence_of: str | None = None
    #: Characters; a longer text is cut at the end of a sentence.
    limit: int | None = Field(default=None, ge=10)
    default: Any = None
    #: Leave it out where it says the same as this field of the record.
    unless_same_as: str | None = None

    @cached_property
    def table(self) -> dict[str, Any]:
        """``values``, with its keys folded."""
        return {folded(key): value for key, value in self.values.items()}

    def reads_fields(self) -> set[str]:
        """The row's fields that this rule uses."""
        named = re.findall(r"\{(\w+)\}", self.template or "")
        return {*self.sources, *named, *filter(None, (self.or_beginning_of, self.or_first_sentence_of))}


class Mapping(Model):
    """The whole file."""

    name: str
    type: RecordType
    #: The row's field with its language; or ``{constant: fr}``.
    language: Annotated[Rule, BeforeValidator(_as_rule)]
    #: Dotted path in the record -> rule; a text that is translated goes into the row's language.
    fields: dict[str, Annotated[Rule, BeforeValidator(_as_rule)]]
    #: Take ``:es`` off the id of a Spanish row, and join rows with one id that follow each other into one record.
    id_has_language: bool = False
    repairs: list[Literal["encoding", "escapes", "quotes", "semicolons", "markup", "invisible", "blanks"]] = []
    flaws: list[Literal["split words", "lost characters", "torn markup"]] = []
    #: Texts of exactly this length were cut by the partner; it is reported.
    cut_at: int | None = None
    #: Fields of the row that are left out knowingly.
    ignore: list[str] = []

    def apply(self, row: dict[str, Any]) -> tuple[dict[str, Any], list[Change]]:
        """An import line's value from a row, and what was changed. Raises Unusable."""
        work = _Work(self, row)
        return work.value(), work.changes

    @cached_property
    def known_fields(self) -> frozenset[str]:
        """The row's fields that some rule reads, or that are left out knowingly."""
        rules = [self.language, *self.fields.values()]
        return frozenset(self.ignore).union(*(rule.reads_fields() for rule in rules))


def load_mapping(path: Path) -> Mapping:
    """The mapping of a YAML file. Raises Invalid, which says what is wrong with it and where."""
    try:
        mapping = Mapping.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except OSError as error:
        raise Invalid(f"The mapping {path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Invalid(f"The mapping {path} is not YAML: {error}") from error
    except ValidationError as error:
        raise _wrong(path, [f"{name}: {reason}" for name, reason in reasons(error)]) from error
    if faults := list(_faults(mapping)):
        raise _wrong(path, faults)
    return mapping


def _wrong(path: Path, faults: list[str]) -> Invalid:
    return Invalid(f"The mapping {path} is wrong: {'; '.join(faults)}")


def _faults(mapping: Mapping) -> Iterator[str]:
    for needed in ("id", "title"):
        if needed not in mapping.fields:
            yield f"fields has no rule for {needed}"
    for path, rule in mapping.fields.items():
        if shape.kind_of(path.split("."), mapping.type) is None and not columns.is_link_column(path.split(".")):
            yield f"fields.{path}: a record of type {mapping.type} has no such field"
        if rule.terms is not None and rule.terms not in names():
            yield f"fields.{path}: there is no vocabulary {rule.terms}"
        elif rule.terms is not None:
            known = load(rule.terms)
            wrong = [term for value in rule.values.values() for term in _as_list(value) if term and term not in known]
            yield from (f"fields.{path}.values: '{term}' is not in the vocabulary {known.id}" for term in wrong)


def folded(text: str) -> str:
    """Text without capitals, accents and double blanks: how labels and table entries are compared."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(char for char in letters if not unicodedata.combining(char)).split())


@dataclass
class _Work:
    """One row on its way."""

    mapping: Mapping
    row: dict[str, Any]
    changes: list[Change] = field(default_factory=list)
    language: Language = "en"
    #: Texts that were no value for their own field, by the field that takes them instead.
    left_over: dict[str, str] = field(default_factory=dict)

    def value(self) -> dict[str, Any]:
        self.language = self._language()
        leaves: dict[str, Any] = {"type": self.mapping.type, "language": self.language}
        for path, rule in self.mapping.fields.items():
            found = self._id(rule) if path == "id" else self._found(path, rule)
            if found not in (None, "", []) and (found != leaves.get(self._column(rule.unless_same_as or ""))):
                leaves[self._column(path)] = found
        leaves |= {path: text for path, text in self.left_over.items() if path not in leaves}
        self._note_unknown_fields()
        if self._column("title") not in leaves:
            raise Unusable("has neither a title nor a text to take one from")
        return columns.build(leaves)

    def _column(self, path: str) -> str:
        """The path, with the row's language where the text there is translated."""
        translated = shape.names_below(self.mapping.type, path.split(".")) == list(LANGUAGES)
        return f"{path}.{self.language}" if translated else path

    def _language(self) -> Language:
        given = self._first(self.mapping.language)
        for language in LANGUAGES:
            if str(given).lower().split("-")[0] == language:
                return language
        raise Unusable(f"its language, '{given or ''}', is none of {', '.join(LANGUAGES)}")

    def _id(self, rule: Rule) -> str:
        given = str(self._first(rule) or "").strip()
        if not given:
            raise Unusable("has no id")
        made = given.removesuffix(f":{self.language}") if self.mapping.id_has_language else given
        self._change("id", "language taken off the id", given, made)
        plain = "".join(c for c in unicodedata.normalize("NFKD", made) if not unicodedata.combining(c))
        plain = re.sub(r"[^A-Za-z0-9._:~-]+", "-", plain).lstrip("-._:~")
        self._change("id", "characters of the id replaced", made, plain)
        return plain

    def _found(self, path: str, rule: Rule) -> Any:
        kind = shape.kind_of(path.split("."), self.mapping.type)
        if kind in ("list", "objects") or columns.is_link_column(path.split(".")):
            return self._list(path, rule)
        if rule.reads == "country":
            return self._country(path, rule)
        given = self._first(rule)
        if rule.values:
            given = self._looked_up(path, rule, given)
        if isinstance(given, str):
            given = self._text(path, given)
        if given in (None, ""):
            given = self._substitute(path, rule)
        elif rule.limit and isinstance(given, str):
            shorter = repairs.cut(given, rule.limit)
            self._change(path, "cut at the end of a sentence", given, shorter)
            given = shorter
        if given in (None, ""):
            given = rule.default
        return int(given) if kind == "number" and isinstance(given, str) and given.strip().isdecimal() else given

    def _first(self, rule: Rule) -> Any:
        """The constant, the filled template or the first field that is not empty."""
        if rule.constant is not None:
            return rule.constant
        if rule.template is not None:
            return re.sub(r"\{(\w+)\}", lambda match: str(self.row.get(match[1]) or ""), rule.template)
        return next((given for name in rule.sources if (given := self.row.get(name)) not in (None, "", [])), None)

    def _substitute(self, path: str, rule: Rule) -> str | None:
        if rule.or_first_sentence_of and (text := self._clean(rule.or_first_sentence_of)):
            made = repairs.first_sentence(text, rule.limit or MAX_TITLE)
            self._change(path, f"made from the first sentence of {rule.or_first_sentence_of}", "", made)
            return made
        if rule.or_beginning_of and (text := self._clean(rule.or_beginning_of)):
            made = repairs.cut(text, rule.limit or MAX_SUMMARY)
            self._change(path, f"made from the beginning of {rule.or_beginning_of}", "", made)
            return made
        return None

    def _clean(self, name: str) -> str:
        """A field's text, repaired; the repairs are told where the field itself is mapped."""
        text = str(self.row.get(name) or "")
        for repair in self.mapping.repairs:
            text = repairs.REPAIRS[repair](text)
        return text

    def _text(self, path: str, text: str) -> str:
        if self.mapping.cut_at == len(text):
            self._change(path, "cut off by the partner", text[-60:], "", done=False)
        for repair in self.mapping.repairs:
            mended = repairs.REPAIRS[repair](text)
            self._change(path, repair, text, mended)
            text = mended
        for flaw in self.mapping.flaws:
            if found := repairs.FLAWS[flaw](text, self.language):
                self._change(path, flaw, ", ".join(found), "", done=False)
        return text

    def _looked_up(self, path: str, rule: Rule, given: Any) -> Any:
        if given is None:
            return None
        key = folded(str(given))
        if rule.table.get(key) is None:
            kind = "value that has no place here" if key in rule.table else "value not in the table"
            self._change(path, kind, str(given), "", done=False)
        return rule.table.get(key)

    def _country(self, path: str, rule: Rule) -> str | None:
        given = self._first(rule)
        if not given:
            return None
        code: str | None = rule.table.get(folded(given)) or country_code(given)
        if code is None:
            kept = repairs.cut(given, MAX_NAME) if rule.else_to else ""
            kind = "not the name of one country" + (f"; kept as {rule.else_to}" if kept else "")
            self.changes.append(Change(path, kind, given, kept, done=False))
            self.left_over |= {rule.else_to: kept} if rule.else_to else {}
        return code

    def _list(self, path: str, rule: Rule) -> list[Any]:
        if rule.constant is not None:
            return _as_list(rule.constant)
        made: dict[str, None] = {}
        for item in (item for name in rule.sources for item in _items(self.row.get(name))):
            terms = self._terms(rule, item)
            if not terms:
                kind = f"not a term of {rule.terms}" if terms is None else "value that has no place here"
                self._change(path, kind, item, "", done=False)
            made |= dict.fromkeys(terms or [])
        return list(made) or _as_list(rule.default or [])

    def _terms(self, rule: Rule, item: str) -> list[str] | None:
        """The terms that an item means: none for one that has no place here, None for one that nobody knows."""
        if rule.terms is None:
            return [item]
        if folded(item) in rule.table:
            return [term for term in _as_list(rule.table[folded(item)]) if term]
        return spellings(rule.terms).get(folded(item))

    def _note_unknown_fields(self) -> None:
        for name, given in self.row.items():
            if name not in self.mapping.known_fields and given not in (None, "", [], {}):
                self._change(name, "field that the mapping does not name", str(given)[:200], "", done=False)

    def _change(self, path: str, kind: str, before: str, after: str, *, done: bool = True) -> None:
        if before != after:
            self.changes.append(Change(path, kind, before, after, done))


def _items(given: Any) -> list[str]:
    if isinstance(given, str):
        given = given.split("|")
    return [text for item in given or [] if (text := str(item).strip())]


@cache
def spellings(vocabulary: str) -> dict[str, list[str]]:
    """Every id, label and synonym of a vocabulary, folded, with the ids that it may mean."""
    found: dict[str, list[str]] = {}
    for term in load(vocabulary).terms:
        for text in {folded(term.id), *(folded(text) for _, text in term.spellings())}:
            found.setdefault(text, []).append(term.id)
    return {text: ids for text, ids in found.items() if len(ids) == 1}


def join_languages(value: dict[str, Any], other: dict[str, Any]) -> bool:
    """Add the texts of ``other``, the same record in another language, to ``value``. False where that does not fit."""
    if value["id"] != other["id"] or value["language"] == other["language"] or other["language"] in value["title"]:
        return False
    for name, part in other.items():
        if isinstance(part, dict) and set(part) == {other["language"]}:
            value.setdefault(name, {}).update(part)
    return True
