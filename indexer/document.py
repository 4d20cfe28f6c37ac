"""Record to index document: the one place that says what is searchable, what filters and what counts more."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any, Final, NamedTuple

from sqlalchemy.orm import Session

from indexer.analysis import tokens
from indexer.embedding import text_key
from indexer.passages import passages
from kb.records import service as records
from kb.records.facets import city_id as city_id  # who builds a document asks for its city
from kb.records.facets import dated, facets_of, place_of, year_of
from kb.records.privacy import public_record, without_unchecked
from kb.records.service import Stored
from schemas.language import Language
from schemas.records import City, Expert, RecordBase, RecordType
from schemas.text import fold

_SPELLING = re.compile(r"[^\W\d_]{4,}")


class Field(NamedTuple):
    """A searchable text. ``path`` goes through parts; ``inner`` names the texts of each part of a list, which are read
    together; ``boost`` is how often its words count."""

    path: str
    inner: tuple[str, ...] = ()
    boost: int = 1


#: Texts by language, in the order in which a reader meets them: they become passages and words.
FIELDS: Final[tuple[Field, ...]] = (
    Field("title", boost=3),
    Field("summary", boost=2),
    Field("position"),
    Field("organiser"),
    Field("context"),
    Field("problem"),
    Field("objectives"),
    Field("solution"),
    Field("building_blocks", ("title", "text", "enabling_factors", "lessons")),
    Field("actors"),
    Field("beneficiaries"),
    Field("participation"),
    Field("costs.covers"),
    Field("costs.funding", ("source",)),
    Field("results"),
    Field("indicators", ("name", "value")),
    Field("evidence_note"),
    Field("what_did_not_work"),
    Field("lessons"),
    Field("transfer.conditions"),
    Field("transfer.core"),
    Field("transfer.adaptable"),
    Field("transfer.do_not_copy_if"),
    Field("changes"),
    Field("outcome"),
    Field("contents"),
    Field("programme", ("title", "text")),
    Field("audience"),
    Field("phases", ("title", "text")),
    Field("criteria"),
    Field("womens_network_antenna"),
    Field("steps", ("note",)),
    Field("body"),
)

#: Texts that are the same in every language: names mostly. They are words of each version, not passages.
PLAIN_FIELDS: Final[tuple[str, ...]] = (
    "acronym", "organisation", "other_names", "authors", "publisher", "series", "isbn", "doi", "orcid",
    "programme.speakers.name", "programme.speakers.organisation", "place.name", "contact.organisation", "origin",
)  # fmt: skip

#: Fields by which a record is called: asked for in full, the record comes first.
NAME_FIELDS: Final[tuple[str, ...]] = ("title", "acronym", "other_names", "isbn", "doi", "orcid", "id")


@dataclass(frozen=True)
class Passage:
    """A piece of a version: what the model reads, and what is shown."""

    text: str

    @property
    def key(self) -> bytes:
        """The key of its vector."""
        return text_key(self.text)


@dataclass(frozen=True)
class Version:
    """A record in one of its languages: its tokens, and its passages in order."""

    language: Language
    title: str
    tokens: str
    passages: tuple[Passage, ...]


@dataclass(frozen=True)
class IndexDocument:
    """What the index knows of a record. ``facets`` holds term ids with what is above them."""

    id: str
    type: RecordType
    versions: tuple[Version, ...]
    names: tuple[str, ...]
    facets: Mapping[str, tuple[str, ...]]
    year: int | None
    #: A date as text, for sorting; empty where there is none.
    dated: str
    coordinates: tuple[float, float] | None

    @property
    def fingerprint(self) -> str:
        """Changes exactly when the document does."""
        return hashlib.blake2b(json.dumps(asdict(self), sort_keys=True).encode(), digest_size=12).hexdigest()

    def passage_keys(self) -> Iterator[bytes]:
        """The keys of the vectors of its passages."""
        return (passage.key for version in self.versions for passage in version.passages)

    def spellings(self) -> set[tuple[str, str]]:
        """Words of titles and first passages, folded and as they are written: what "did you mean" can propose."""
        texts = [text for version in self.versions for text in (version.title, version.passages[0].text)]
        return {(fold(word), word.lower()) for text in texts for word in _SPELLING.findall(text)}


def published(session: Session, ids: Iterable[str]) -> dict[str, Stored]:
    """The published ones of these records, in the given order. Like ``records.load_public``, but asked for by id alone:
    given four ids and a status, SQLite looks through all records of that status (7 ms more with 10,000 records)."""
    found = records.load(session, ids).items()
    return {
        id: replace(stored, record=without_unchecked(stored.record))
        for id, stored in found
        if stored.record.status == "published"
    }


def as_readers_see(found: Mapping[str, Stored]) -> dict[str, Stored]:
    """Records without what experts keep to themselves: it is neither searched, nor filtered by, nor shown."""
    return {
        record_id: replace(stored, record=public_record(stored.record)) if isinstance(stored.record, Expert) else stored
        for record_id, stored in found.items()
    }


def build(stored: Stored, city: Stored | None = None) -> IndexDocument:
    """The document of a record. ``city`` is the city record that it is linked to: it lends place and names."""
    record = stored.record
    lender = city.record if city else None
    home = lender if isinstance(lender, City) else None
    place = place_of(record, lender)
    return IndexDocument(
        id=record.id,
        type=record.type,
        versions=tuple(_version(record, language, home) for language in record.languages()),
        names=tuple(dict.fromkeys(name_key(name) for name in _names(record))),
        facets=facets_of(record, lender),
        year=year_of(record),
        dated=dated(record),
        coordinates=(place.coordinates.lat, place.coordinates.lon) if place and place.coordinates else None,
    )


def name_key(name: str) -> str:
    """A name for comparing: folded, single blanks, no punctuation around it."""
    return " ".join(fold(name).split()).strip(" .,;:!?¿¡\"'«»“”")


def passages_of(record: RecordBase, language: Language) -> tuple[Passage, ...]:
    """The passages of a record in that language, the same at indexing and when a result is shown.

    The title opens the summary's passage and no other: measured, a title on every passage makes a record's passages alike
    and costs 0.007 MRR; a title as a passage of its own costs 0.02 to 0.05.
    """
    return _packed(record, language, _said(record, language))


def _packed(record: RecordBase, language: Language, said: Mapping[Field, list[str]]) -> tuple[Passage, ...]:
    title = record.title.get(language, "")
    texts = [text for field, texts in said.items() if field.path != "title" for text in texts]
    if texts and language in record.summary:
        texts[0] = f"{title} {texts[0]}"
    return tuple(Passage(text) for text in passages(texts or [title]))


def texts_of(record: RecordBase, language: Language) -> list[tuple[str, str]]:
    """(path, text) of everything that the record says in a language, in the order in which a reader meets it."""
    return [(field.path, text) for field, texts in _said(record, language).items() for text in texts]


def _version(record: RecordBase, language: Language, home: City | None) -> Version:
    said = _said(record, language)
    counted = [text for field, texts in said.items() for text in texts for _ in range(field.boost)]
    plain = [text for path in PLAIN_FIELDS for text in _plain(record, path)]
    places = [*home.title.values(), *home.other_names] if home else []
    words = " ".join(tokens("\n".join([*counted, *plain, *places]), language))
    return Version(language, record.title[language], words, _packed(record, language, said))


def _names(record: RecordBase) -> Iterator[str]:
    yield from record.title.values()
    for path in NAME_FIELDS[1:]:
        yield from _plain(record, path)


@cache
def _fields_of(kind: type[RecordBase]) -> tuple[Field, ...]:
    """The fields that records of a type can have."""
    return tuple(field for field in FIELDS if field.path.split(".")[0] in kind.model_fields)


def _said(record: RecordBase, language: Language) -> dict[Field, list[str]]:
    """The texts of each field in a language."""
    return {field: _texts(record, field, language) for field in _fields_of(type(record))}


def _texts(record: RecordBase, field: Field, language: Language) -> list[str]:
    """The texts of a field in a language: one for each part of a list of parts, one for a whole list of texts."""
    values = _walk(record, field.path)
    if not values:
        return []
    groups = [[getattr(part, name) for name in field.inner] for part in values] if field.inner else [values]
    return [text for group in groups if (text := _joined(group, language))]


def _joined(values: Iterable[Any], language: Language) -> str:
    """Values as one text. Words that are the same in all languages, as figures are, count only beside some in this one."""
    said = [
        value[language] if isinstance(value, dict) else value for value in values if value and _is_in(value, language)
    ]
    if not any(isinstance(value, dict) and language in value for value in values):
        return ""
    *firsts, last = said
    return " ".join([*(text if text[-1] in ".:;!?…" else f"{text}." for text in firsts), last])


def _is_in(value: Any, language: Language) -> bool:
    return isinstance(value, str) or language in value


def _plain(record: RecordBase, path: str) -> Iterator[str]:
    yield from (value for value in _walk(record, path) if isinstance(value, str))


def _walk(record: RecordBase, path: str) -> list[Any]:
    first, *rest = path.split(".")
    if first not in type(record).model_fields:
        return []
    if isinstance(record, Expert) and record.visibility.get(first, "public") != "public":
        return []
    values = [getattr(record, first)]
    for name in ["", *rest]:
        values = [getattr(value, name, None) if name else value for value in values]
        values = [one for value in values for one in (value if isinstance(value, list) else [value])]
    return [value for value in values if value]


def title_in(record: RecordBase, language: Language) -> str:
    """The title in that language, else the original one."""
    return record.title.get(language) or record.title[record.language]
