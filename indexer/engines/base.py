"""What every search engine does, in plain values; and the one place that chooses an engine by its URL."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from indexer.document import IndexDocument
from indexer.embedding import Model, Vectors
from schemas.language import LANGUAGES, Language
from schemas.search import Mode, Near, Sort

Tokens = tuple[str, ...]


@dataclass(frozen=True)
class Question:
    """What the ranking asks of an engine. Tokens are analysed already, per language."""

    mode: Mode = "hybrid"
    words: Mapping[Language, Tokens] = field(default_factory=dict)
    #: Each phrase as its tokens per language; a version must hold every phrase, in its language.
    phrases: Sequence[Mapping[Language, Tokens]] = ()
    #: Records that hold all of these come first.
    preferred: Sequence[Mapping[Language, Tokens]] = ()
    #: A record that holds one of these, in any language, is out.
    excluded: Sequence[Mapping[Language, Tokens]] = ()
    vector: Vectors | None = None
    #: The typical passage of each language for the model, shape (languages, dimension); None while it is not known.
    typical: Vectors | None = None
    #: The languages that the question may be in; empty when none of its words is known in any.
    languages: frozenset[Language] = frozenset(LANGUAGES)
    #: Facet values ``facet:id`` that the question names, each with the share of the question that it stands for.
    terms: Mapping[str, float] = field(default_factory=dict)
    #: The whole question as a name, folded: records of that name come first.
    name: str = ""
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    year_from: int | None = None
    year_to: int | None = None
    near: Near | None = None
    sort: Sort = "relevance"
    limit: int = 10
    offset: int = 0
    #: Not among the answers: the record whose similar ones are asked for.
    without: str | None = None

    @property
    def asks(self) -> bool:
        """Whether anything is asked, or all records are wanted."""
        return bool(self.vector is not None or self.phrases or any(self.words.values()) or self.terms or self.name)


@dataclass(frozen=True)
class Hit:
    """A record that was found, in its best version, with what spoke for it."""

    id: str
    language: Language
    score: float
    #: The best passage's place among the version's passages; -1 where meaning did not speak.
    passage: int
    closeness: float | None
    coverage: float
    exact: bool


@dataclass(frozen=True)
class Answer:
    """``facets``: facet name to counts by value, each facet counted without its own selection."""

    total: int
    hits: list[Hit]
    facets: dict[str, dict[str, int]]
    #: Whether some passages had no vector yet.
    incomplete: bool


@dataclass(frozen=True)
class EngineStatus:
    """Counts of what the engine holds."""

    records: int
    passages: int
    embedded: int
    bytes: int


class SearchEngine(Protocol):
    """An index of records, all with vectors of one model.

    Every change has a version: a write or deletion that is not newer than what the index has of a record, its deletion
    included, changes nothing, so that one that comes late or twice does no harm. Methods raise ``kb.errors.Unavailable``
    while the engine does not answer.
    """

    #: How the status page names it.
    name: str

    @property
    def model(self) -> Model:
        """The model whose vectors are in the index; it may be another than the one that this process was started with."""

    def write(
        self, documents: Sequence[IndexDocument], version: int, vectors: Mapping[bytes, Vectors] = ...
    ) -> dict[str, str]:
        """Put these documents in, each in the place of an older one with the same id; with those vectors of their
        passages that are known, by text key. Returns why, by id, for those that the engine does not take as they are;
        the others are in."""

    def delete(self, ids: Iterable[str], version: int) -> None:
        """Take these records out; ids that are not there are fine."""

    def missing_vectors(self, limit: int) -> dict[bytes, str]:
        """Passages without a vector: text key to the text to embed."""

    def attach(self, vectors: Mapping[bytes, Vectors]) -> None:
        """Give passages their vectors, by text key."""

    def prepare(self) -> None:
        """Do now what the first question would have to wait for."""

    def search(self, question: Question) -> Answer:
        """Find, rank and count."""

    def names_starting(self, prefix: str, limit: int) -> list[str]:
        """Ids of records with a name in which a word starts like this (folded), best first."""

    def spelled_like(self, word: str) -> str | None:
        """The word of the indexed texts nearest to one that they do not hold; None when it is there, or none is near."""

    def knows(self, word: str) -> bool:
        """Whether the indexed texts hold this word in any language."""

    def fingerprints(self) -> Iterator[tuple[str, str]]:
        """(record id, fingerprint of its document) for all that is in the index."""

    def deleted_since(self, version: int) -> list[str]:
        """Ids of the records that were taken out in a newer version, and are not back."""

    def vectors_of(self, record_id: str) -> Vectors | None:
        """The mean of a record's passage vectors; None where there are none yet."""

    def status(self) -> EngineStatus:
        """What the engine holds now."""

    def rebuild(self) -> "SearchEngine":
        """A new, empty index beside this one, for vectors of the model that this process was started with."""

    def settle(self, meanwhile: Callable[[], None]) -> None:
        """Merge the pieces that a filling left, so that questions find few; for an index that nobody reads yet. Takes
        minutes for a large one; ``meanwhile`` is called at least once a second."""

    def become(self, successor: "SearchEngine") -> None:
        """Swap: from now on this is what the successor holds. Readers never see an empty index."""

    def drop_former(self) -> None:
        """Remove what a swap keeps for those who are in the middle of reading it: all but the live index."""

    def close(self) -> None:
        """Let go of files and connections."""


def connect(url: str, model: Model, timeout: float = 1.0) -> SearchEngine:
    """The engine of that URL: ``tantivy:/folder``, or ``http://host:9200/name`` for Elasticsearch, with several hosts as
    ``http://one:9200,two:9200/name``. ``timeout``: seconds that a search may take there. It does not connect yet.

    Raises ValueError for an unknown kind.
    """
    kind, _, rest = url.partition(":")
    if kind == "tantivy":
        from indexer.engines.embedded import EmbeddedEngine

        return EmbeddedEngine(Path(rest), model)
    if kind in ("http", "https"):
        from indexer.engines.elasticsearch import ElasticsearchEngine

        return ElasticsearchEngine.at(url, model, timeout)
    raise ValueError(
        f"KB_SEARCH_URL={url!r} names no engine known here; write tantivy:/folder or http://host:9200/name"
    )
