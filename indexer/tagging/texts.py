"""What the tagger is trained on: the project's own definitions of targets, goals and themes, and its own examples."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from indexer.embedding import Embedder, Vectors, text_key
from indexer.tagging.cutting import sentences, windows
from indexer.vector_cache import VectorCache
from schemas.language import LANGUAGES, Language
from schemas.lexicon import GOALS
from schemas.vocabulary import load

FOLDER: Final = Path(__file__).parents[2] / "fixtures" / "tagging"
#: One framework text against an example of how people write.
FRAMEWORK_WEIGHT: Final = 1 / 3
#: The code of a text that serves no goal.
NONE: Final = "0"
#: Calls to the model side by side; a second thread within a call does not help.
THREADS: Final = 2

Progress = Callable[[int, int], None]


class Screening(NamedTuple):
    """What a reader found in a text on gender: the marker, the themes, and to each criterion that the text answers, how."""

    marker: int
    themes: frozenset[str]
    criteria: dict[str, bool]


class Example(NamedTuple):
    """A text with the codes of targets and goals that it serves, none for a text of no goal. Texts of one ``group`` are kept
    together when some are held out; ``author`` is empty but for texts with a ``screening``."""

    text: str
    language: Language
    codes: tuple[str, ...]
    group: str
    weight: float = 1.0
    author: str = ""
    screening: Screening | None = None

    @property
    def goals(self) -> frozenset[str]:
        """The goals of the codes."""
        return frozenset(goal_of(code) for code in self.codes)


def goal_of(code: str) -> str:
    """``11.2`` is of ``11``."""
    return code.partition(".")[0]


def all_texts() -> list[Example]:
    """Everything, in an order that is always the same."""
    return [*framework(), *examples(), *screened()]


def framework() -> list[Example]:
    """Label and definition of every goal and target, in three languages."""
    return [
        Example(f"{term.label[language]}. {term.definition[language]}", language, (term.id,), term.id, FRAMEWORK_WEIGHT)
        for term in load("sdgs").terms
        for language in LANGUAGES
    ]


def examples(path: Path = FOLDER / "examples.tsv") -> list[Example]:
    """Short texts with the targets that they serve. Raises ValueError, which names file and line."""
    found = []
    for place, row in rows(path, ("targets", "lang", "text")):
        codes = _codes(row["targets"], place)
        group = row["targets"] if codes else place
        found.append(Example(row["text"], _language(row["lang"], place), codes, group))
    return found


def screened(folder: Path = FOLDER / "gender") -> list[Example]:
    """Texts that were read for gender. Raises ValueError as ``examples`` does."""
    return [
        Example(
            row["text"], _language(row["language"], place), _codes(row["targets"], place), row["id"], 1.0, path.stem,
            _screening(row, place),
        )
        for path in sorted(folder.glob("*.tsv"))
        for place, row in rows(path, ("id", "source", "language", "marker", "themes", "criteria", "targets", "text"))
    ]  # fmt: skip


def rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """The lines of a table as (where it stands, cells by column). Raises ValueError, which names file and line."""
    header, *lines = path.read_text("utf-8").splitlines()
    if header.split("\t") != list(columns):
        raise ValueError(f"{path.name}, line 1: the columns are {', '.join(columns)}")
    for number, line in enumerate(lines, 2):
        place, cells = f"{path.name}, line {number}", line.split("\t")
        if len(cells) != len(columns):
            raise ValueError(f"{place}: {len(columns)} columns are expected, here are {len(cells)}")
        yield place, dict(zip(columns, cells, strict=True))


def _codes(cell: str, place: str) -> tuple[str, ...]:
    codes = tuple(code for code in re.split("[,|]", cell) if code != NONE)
    if unknown := [code for code in codes if code not in load("sdgs")]:
        raise ValueError(f"{place}: '{unknown[0]}' is no goal or target")
    return codes


def _language(cell: str, place: str) -> Language:
    for language in LANGUAGES:
        if cell == language:
            return language
    raise ValueError(f"{place}: '{cell}' is none of the languages")


def _screening(row: dict[str, str], place: str) -> Screening:
    themes = frozenset(filter(None, row["themes"].split(",")))
    criteria = {answer[:-1]: answer[-1] == "+" for answer in filter(None, row["criteria"].split(","))}
    known, asked = load("gender_themes"), load("gender_criteria")
    if row["marker"] not in ("0", "1", "2") or any(theme not in known for theme in themes):
        raise ValueError(f"{place}: the marker is 0, 1 or 2, and the themes are those of gender_themes.yaml")
    if any(criterion not in asked for criterion in criteria):
        raise ValueError(f"{place}: the criteria are those of gender_criteria.yaml")
    return Screening(int(row["marker"]), themes, criteria)


def digest(texts: Iterable[Example]) -> str:
    """What these texts and their labels are, in 16 characters."""
    whole = hashlib.sha256()
    for one in texts:
        marks = (one.text, one.language, ",".join(one.codes), one.group, f"{one.weight:.4f}", one.author)
        read = one.screening
        said = (str(read.marker), *sorted(read.themes), *(f"{key}{value}" for key, value in sorted(read.criteria.items()))
                ) if read else ()  # fmt: skip
        whole.update("\t".join((*marks, *said)).encode() + b"\n")
    return whole.hexdigest()[:16]


def goal_labels(texts: Sequence[Example]) -> Vectors:
    """1 where a text serves the goal, shape (texts, 17)."""
    return np.array([[goal in one.goals for goal in GOALS] for one in texts], dtype=np.float32)


def pieces(texts: Iterable[Example]) -> list[str]:
    """Everything that the training needs a vector of, each once: the texts; and of those that were read for gender the
    windows and sentences."""
    found: dict[str, None] = {}
    for one in texts:
        found[one.text] = None
        if one.screening:
            found |= dict.fromkeys(part for parts in parts_of(one.text) for part in parts)
    return list(found)


def parts_of(text: str) -> tuple[list[str], list[str]]:
    """Its windows and its sentences."""
    spans = sentences(text)
    whole = [text[spans[group[0]].start : spans[group[-1]].end] for group in windows(spans)]
    return whole, [text[span.start : span.end] for span in spans]


class Caching:
    """An embedder that remembers questions in a cache, so that nothing is computed twice."""

    def __init__(self, embedder: Embedder, cache: VectorCache) -> None:
        self.id, self.dimension, self.batch = embedder.id, embedder.dimension, embedder.batch
        self.passages = embedder.passages
        self._embedder, self._cache = embedder, cache

    def query(self, text: str) -> Vectors:
        """The vector of a question."""
        key = _key(text)
        known = self._cache.get([key])
        if key not in known:
            known = {key: rounded(self._embedder.query(text))}
            self._cache.put(known)
        return known[key]


def vectors_of(
    texts: Sequence[str], embedder: Embedder, cache: VectorCache | None, progress: Progress | None = None
) -> dict[str, Vectors]:
    """The vectors of these texts as questions, rounded as the cache keeps them, by text. What is in the cache is not
    computed, and what is computed is kept at once, so that an interrupted run goes on where it was."""
    keys = {_key(text): text for text in texts}
    known = cache.get(keys) if cache else {}
    missing = [key for key in keys if key not in known]
    with ThreadPoolExecutor(THREADS) as pool:
        computed = pool.map(lambda key: rounded(embedder.query(keys[key])), missing)
        for done, (key, vector) in enumerate(zip(missing, computed, strict=True), 1):
            known[key] = vector
            if cache:
                cache.put({key: vector})
            if progress:
                progress(done, len(missing))
    return {text: known[key] for key, text in keys.items()}


def rounded(vector: Vectors) -> Vectors:
    """The vector with 16 bits a number."""
    return vector.astype(np.float16).astype(np.float32)


def _key(text: str) -> bytes:
    return text_key(f"query: {text}")
