"""The tagger of a process, and what it says with the version that is switched on."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from indexer.embedding import Embedder, Vectors
from indexer.meaning import Meaning
from indexer.search import Search
from indexer.tagging.learning import Offsets
from indexer.tagging.reading import Progress
from indexer.tagging.remembered import again
from indexer.tagging.service import Tagger, Taggers
from kb.db import transaction
from kb.tagging import learnt
from schemas.language import Language
from schemas.tagging import Suggestions

#: Parts of texts whose vectors are remembered, 1.5 kB each: a text that was left in the middle is not begun anew.
PARTS: Final = 2_000


class Asleep:
    """The embedding model of a search, loaded when the first text is read: to know its name is not to need it."""

    batch = 1

    def __init__(self, meaning: Meaning) -> None:
        self._meaning = meaning
        self.id, self.dimension = meaning.model.id, meaning.model.dimension
        self.query = lru_cache(maxsize=PARTS)(self._query)

    def _query(self, text: str) -> Vectors:
        return self._awake().query(text)

    def passages(self, texts: Sequence[str]) -> Vectors:
        """The vectors of passages."""
        return self._awake().passages(texts)

    def _awake(self) -> Embedder:
        embedder = self._meaning.remembering.embedder
        if embedder.id != self.id:
            raise ValueError(f"the index was built with {self.id}, and KB_EMBEDDING_MODEL is {embedder.id}")
        return embedder


def tagger_of(taggers: Taggers, search: Search) -> Tagger:
    """The tagger for the embedding model that the search uses, which is not loaded yet. Raises Unavailable."""
    return taggers.get(Asleep(search.meaning))


class InUse(NamedTuple):
    """The version that suggestions are made by; ``offsets`` are None for the base."""

    version: int
    offsets: Offsets | None
    #: What suggestions carry.
    model: str


def in_use(session: Session, base: str) -> InUse:
    """The version that is switched on over this base, else the base itself."""
    row = learnt.active(session, base)
    if row is None:
        return InUse(learnt.BASE, None, base)
    return InUse(row.version, Offsets.from_bytes(row.offsets), learnt.name_of(base, row.version))


def suggest(
    database: Engine, tagger: Tagger, text: str, language: Language, progress: Progress | None = None
) -> Suggestions:
    """What the version in use says of a text that belongs to no record. No transaction is open while it is read."""
    with transaction(database, readonly=True) as session:
        used = in_use(session, tagger.version)
    said = tagger.suggest(text, language, progress)
    return again(said, tagger.document(text, language), used.offsets, used.model)
