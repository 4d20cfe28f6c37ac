"""The records that readers looked at last, each parsed and taken apart once, however often it is found.

The database stays the truth: every look asks it which of the records are published, and in which edition; only what an
edition says is remembered.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from functools import cached_property

from sqlalchemy.orm import Session

from indexer.analysis import token_set
from indexer.document import Passage, as_readers_see, passages_of, published
from kb.records import service as records
from kb.records.facets import facets_of, year_of
from kb.records.service import Edition, Stored
from schemas.language import Language
from schemas.records import Record

#: Records that are remembered. One of the size of the fixtures' takes 10 to 30 kB.
SIZE = 2_000


class Readable:
    """A record as readers see it, and what results show of it, worked out when first asked for."""

    def __init__(self, stored: Stored) -> None:
        self.stored = stored
        self.record: Record = stored.record
        self._passages: dict[Language, tuple[Passage, ...]] = {}
        self._tokens: dict[Language, frozenset[str]] = {}
        self._facets: tuple[Readable | None, Mapping[str, tuple[str, ...]]] | None = None

    def passages(self, language: Language) -> tuple[Passage, ...]:
        """Its passages in that language."""
        found = self._passages.get(language)
        if found is None:
            found = self._passages[language] = passages_of(self.record, language)
        return found

    def tokens(self, language: Language) -> frozenset[str]:
        """The tokens of those passages."""
        found = self._tokens.get(language)
        if found is None:
            found = self._tokens[language] = frozenset[str]().union(
                *(token_set(passage.text, language) for passage in self.passages(language))
            )
        return found

    @cached_property
    def year(self) -> int | None:
        """The year that it is of."""
        return year_of(self.record)

    def facets(self, city: "Readable | None") -> Mapping[str, tuple[str, ...]]:
        """What it is found under, in that city as it is now."""
        if self._facets is None or self._facets[0] is not city:
            self._facets = city, facets_of(self.record, city.record if city else None)
        return self._facets[1]


class Shelf:
    """See the module. Safe to use from many threads."""

    def __init__(self, size: int = SIZE) -> None:
        self._size = size
        self._kept: OrderedDict[str, Readable] = OrderedDict()
        self._lock = threading.Lock()

    def published(self, session: Session, ids: Iterable[str]) -> dict[str, Readable]:
        """The published ones of these records, in the given order."""
        editions = records.public_editions(session, ids)
        found = self._known(editions)
        if missing := [id for id in editions if id not in found]:
            found |= self._loaded(session, missing)
        return {id: found[id] for id in editions if id in found}

    def _known(self, editions: Mapping[str, Edition]) -> dict[str, Readable]:
        with self._lock:
            found = {
                id: kept
                for id, edition in editions.items()
                if (kept := self._kept.get(id)) and kept.stored.edition == edition
            }
            for id in found:
                self._kept.move_to_end(id)
        return found

    def _loaded(self, session: Session, ids: Iterable[str]) -> dict[str, Readable]:
        loaded = {id: Readable(stored) for id, stored in as_readers_see(published(session, ids)).items()}
        with self._lock:
            for id, readable in loaded.items():
                self._kept[id] = readable
                self._kept.move_to_end(id)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
        return loaded
