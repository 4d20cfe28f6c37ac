"""The embedded engine: tantivy for words, numpy for vectors, filters and counts, SQLite for the truth of both.

A folder holds generations (``1``, ``2`` ...) and a file CURRENT that names the one in use; a rebuild fills the next one and
then replaces CURRENT, which is atomic. Other processes notice by themselves.
"""

import json
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType

import numpy as np
import tantivy

from indexer.analysis import content_tokens, fold
from indexer.document import IndexDocument, name_key
from indexer.embedding import Model, Vectors
from indexer.engines.base import Answer, EngineStatus, Question, SearchEngine
from indexer.engines.columns import Columns, Snapshot
from indexer.engines.scan import Scan, WordIndex, holds_any, word_schema
from indexer.engines.spellings import Spellings
from indexer.engines.store import Store
from schemas.language import LANGUAGES, Language

#: Bytes that tantivy gathers before it writes a segment.
HEAP = 50_000_000
#: Known words near to a misspelt one that are looked at.
NEAR = 5


class Generation:
    """One folder of index files: a store and a word index for each language."""

    def __init__(self, folder: Path, model: Model) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        #: Whose vectors are in it; where it is not the model in use, only words are searched.
        self.model = _model_of(folder / "MODEL", model)
        self.store = Store(folder / "records.db")
        self.words = {language: _word_index(folder / f"words-{language}") for language in LANGUAGES}
        self._columns = Columns(self.model.dimension, len(LANGUAGES))
        self._lock = threading.Lock()
        self._seen = 0
        self._state: tuple[Snapshot, dict[Language, WordIndex]] | None = None

    def state(self) -> tuple[Snapshot, dict[Language, WordIndex]]:
        """The columns and the word searchers as they are now; what has changed since the last call is taken in first."""
        if self._state is None or self.store.version() != self._seen:
            with self._lock:
                # Words of what was replaced go once the file has changed: then it is read again, to match them.
                while self._state is None or self.store.version() != self._seen:
                    self._take_in()
        assert self._state is not None
        return self._state

    def _take_in(self) -> None:
        if self._columns.dead > max(1_000, len(self._columns) // 2):
            self._columns, self._seen = Columns(self.model.dimension, len(LANGUAGES)), 0
        newest, gone, came, vectors = self.store.changes(self._seen)
        for number in gone:
            self._columns.remove(number)
        self._columns.add(came)
        for number, vector, scale in vectors:
            self._columns.attach(number, vector, scale)
        self._state = self._columns.snapshot(), {language: self._word_state(language) for language in LANGUAGES}
        self._seen = newest

    def _word_state(self, language: Language) -> WordIndex:
        index = self.words[language]
        index.reload()
        meta = json.loads((self.folder / f"words-{language}" / "meta.json").read_text("utf-8"))
        return WordIndex(index.searcher(), sum(segment["max_doc"] for segment in meta["segments"]))

    def add_words(self, documents: Sequence[IndexDocument], numbers: Sequence[int]) -> None:
        """Put the words of these documents in, under their numbers."""
        for language in LANGUAGES:
            versions = [
                (number, version.tokens)
                for number, document in zip(numbers, documents, strict=True)
                for version in document.versions
                if version.language == language
            ]
            # A number may have been given out before, to a write that was cut short.
            self._change_words(language, [number for number, _ in versions], versions)

    def remove_words(self, numbers: Sequence[int]) -> None:
        """Take out the words that stand under these numbers."""
        for language in LANGUAGES:
            self._change_words(language, numbers, [])

    def _change_words(self, language: Language, gone: Sequence[int], came: Sequence[tuple[int, str]]) -> None:
        if not gone and not came:
            return
        writer = self.words[language].writer(HEAP, 1)
        for number in gone:
            writer.delete_documents_by_term("number", number)
        for number, words in came:
            document = tantivy.Document()
            document.add_integer("number", number)
            document.add_text("text", words)
            writer.add_document(document)
        writer.commit()
        writer.wait_merging_threads()

    def close(self) -> None:
        """Let go of the files."""
        self.store.close()


def _model_of(path: Path, model: Model) -> Model:
    """The model whose vectors a generation holds; a new one is for this model."""
    if not path.exists():
        path.write_text(json.dumps(asdict(model)), "utf-8")
    written = path.read_text("utf-8")
    # Up to version 1.0 only the id was written, of a model of the dimension that all had.
    return Model(**json.loads(written)) if written.startswith("{") else Model(written, written, 384)


def _size(path: Path) -> int:
    """Bytes of a file; none of a folder, or of a file that was merged away this moment."""
    try:
        return path.stat().st_size if path.is_file() else 0
    except FileNotFoundError:
        return 0


def _word_index(folder: Path) -> tantivy.Index:
    folder.mkdir(exist_ok=True)
    return tantivy.Index(word_schema(), path=str(folder))


class EmbeddedEngine:
    """See the module."""

    name = "embedded (tantivy, numpy, SQLite)"

    def __init__(self, folder: Path, model: Model, pinned: str | None = None) -> None:
        self.folder = folder
        self._model = model
        self._pinned = pinned
        folder.mkdir(parents=True, exist_ok=True)
        self._generation = Generation(folder / self._current(), model)
        self._lock = threading.Lock()
        #: Spellings, and the file and version that they were read from.
        self._words: tuple[tuple[Path, int], dict[str, str], Spellings] = ((folder, -1), {}, Spellings([]))

    def _current(self) -> str:
        if self._pinned:
            return self._pinned
        try:
            return (self.folder / "CURRENT").read_text("ascii").strip()
        except FileNotFoundError:
            return "1"

    @property
    def generation(self) -> Generation:
        """The generation in use; another process may have put a new one in its place."""
        current = self._current()
        if current != self._generation.folder.name:
            with self._lock:
                if current != self._generation.folder.name:
                    self._generation = Generation(self.folder / current, self._model)
        return self._generation

    @property
    def model(self) -> Model:
        return self.generation.model

    # Writing

    def write(
        self, documents: Sequence[IndexDocument], version: int, vectors: Mapping[bytes, Vectors] = MappingProxyType({})
    ) -> dict[str, str]:
        """It takes everything."""
        if not documents:
            return {}
        generation = self.generation
        latest = list({document.id: document for document in documents}.values())
        # New words come before the file changes and old ones go after: whatever a reader sees, each record is there once.
        with generation.store.replacing(latest, version, vectors) as (new, gone, came):
            generation.add_words(new, came)
        generation.remove_words(gone)
        return {}

    def delete(self, ids: Iterable[str], version: int) -> None:
        if wanted := list(ids):
            generation = self.generation
            generation.remove_words(generation.store.remove(wanted, version))

    def missing_vectors(self, limit: int) -> dict[bytes, str]:
        return self.generation.store.missing_vectors(limit)

    def attach(self, vectors: Mapping[bytes, Vectors]) -> None:
        if vectors:
            self.generation.store.attach(vectors)

    # Searching

    def prepare(self) -> None:
        self.generation.state()

    def search(self, question: Question) -> Answer:
        generation = self.generation
        snapshot, words = generation.state()
        return Scan(question, snapshot, words, generation.store.named(question.name)).answer()

    def names_starting(self, prefix: str, limit: int) -> list[str]:
        return self.generation.store.names_starting(name_key(prefix), limit)

    def knows(self, word: str) -> bool:
        _, words = self.generation.state()
        return any(holds_any(words[language], content_tokens(word, language)) for language in LANGUAGES)

    def spelled_like(self, word: str) -> str | None:
        if self.knows(word):
            return None
        folded, (shown, spellings) = fold(word), self._spellings()
        near = spellings.near(folded, 1 if len(folded) < 10 else 2, NEAR)
        # Spellings stay when the last text that has them goes.
        return next((shown[one] for one in near if self.knows(shown[one])), None)

    def _spellings(self) -> tuple[dict[str, str], Spellings]:
        """How each known word is written, and the words to look through."""
        store = self.generation.store
        state = store.path, store.version()
        if self._words[0] != state:
            shown = dict(store.spellings())
            self._words = state, shown, Spellings([word for word in shown if word])
        return self._words[1:]

    def vectors_of(self, record_id: str) -> Vectors | None:
        snapshot, _ = self.generation.state()
        rows = [row for row in np.flatnonzero(snapshot.alive) if snapshot.ids[row] == record_id]
        if not rows:
            return None
        versions = np.flatnonzero(snapshot.version_record == rows[-1])
        first, last = snapshot.passage_start[versions[0]], snapshot.passage_start[versions[-1] + 1]
        known = np.arange(first, last)[snapshot.has_vector[first:last]]
        if not len(known):
            return None
        mean = (snapshot.vector[known] * snapshot.scale[known, None]).mean(axis=0)
        return np.asarray(mean / np.linalg.norm(mean), dtype=np.float32)

    # Keeping

    def fingerprints(self) -> Iterator[tuple[str, str]]:
        yield from self.generation.store.fingerprints()

    def deleted_since(self, version: int) -> list[str]:
        return self.generation.store.deleted_since(version)

    def status(self) -> EngineStatus:
        generation = self.generation
        return EngineStatus(*generation.store.counts(), sum(map(_size, generation.folder.rglob("*"))))

    def rebuild(self) -> "EmbeddedEngine":
        number = 1 + max((int(path.name) for path in self.folder.iterdir() if path.name.isdigit()), default=0)
        return EmbeddedEngine(self.folder, self._model, str(number))

    def settle(self, meanwhile: Callable[[], None]) -> None:
        """Nothing: tantivy has merged while it was written, and the vectors are one array in any case."""

    def become(self, successor: SearchEngine) -> None:
        """Keeps the generation that was in use until the next rebuild: a reader may be in the middle of it."""
        assert isinstance(successor, EmbeddedEngine)
        kept = {self._current(), successor.generation.folder.name}
        temporary = self.folder / "CURRENT.new"
        temporary.write_text(successor.generation.folder.name, "ascii")
        temporary.replace(self.folder / "CURRENT")
        self._keep_only(kept)

    def drop_former(self) -> None:
        self._keep_only({self._current()})

    def _keep_only(self, kept: set[str]) -> None:
        for path in self.folder.iterdir():
            if path.name.isdigit() and path.name not in kept:
                shutil.rmtree(path, ignore_errors=True)

    def close(self) -> None:
        self._generation.close()
