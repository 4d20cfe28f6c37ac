"""``Tagger``: a text to suggestions, each with the passage that it rests on."""

from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Final, NamedTuple

import numpy as np

from indexer.embedding import Embedder, Vectors, text_key
from indexer.tagging import gender
from indexer.tagging import model as models
from indexer.tagging import thresholds as limits
from indexer.tagging.learning import Offsets
from indexer.tagging.logistic import Numbers, sigmoid
from indexer.tagging.model import TARGETS, TaggingModel
from indexer.tagging.passages import evidence, probability
from indexer.tagging.reading import NOTHING, Progress, Understood, goal_words, of_all, read
from indexer.tagging.texts import THREADS, goal_of
from kb.errors import Unavailable
from kb.settings import Settings, get_settings
from schemas.language import Language
from schemas.lexicon import GOALS
from schemas.messages import N_
from schemas.tagging import GoalSuggestion, Suggestions, TargetSuggestion

#: Texts that are remembered; each is some hundred kB at most.
REMEMBERED: Final = 200

_OF_GOAL: Final = [[at for at, code in enumerate(TARGETS) if goal_of(code) == goal] for goal in GOALS]


class Document(NamedTuple):
    """A text as the learning sees it: x' (d,), what the lexicon says of each goal (17,), the logits without offsets (17,)."""

    vector: Vectors
    words: Numbers
    base: Numbers


class Tagger:
    """Suggests tags for texts. Safe to use from many threads."""

    def __init__(self, embedder: Embedder, model: TaggingModel) -> None:
        self.model = model
        self.version = model.version
        self._embedder = embedder
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="tagger")
        self._lock = Lock()
        self._known: OrderedDict[tuple[bytes, Language], Understood] = OrderedDict()

    def suggest(
        self, text: str, language: Language, progress: Progress | None = None, offsets: Offsets | None = None
    ) -> Suggestions:
        """What the model says of a text, corrected by the offsets where there are some. ``progress`` is told how many parts
        of the text are read, of how many; a text that was read before is not read again."""
        reading = self._reading(text, language, progress)
        document = self._document(reading)
        logits = document.base + (offsets.apply(document.vector, document.words) if offsets else 0)
        goals = [self._goal(reading, number, float(logits[number])) for number in np.argsort(-logits, kind="stable")]
        return Suggestions(
            model=self.version, language=language, sdgs=goals, gender=gender.suggest(reading, self.model)
        )

    def document(self, text: str, language: Language) -> Document:
        """The text as the learning sees it."""
        return self._document(self._reading(text, language, None))

    def ranked_targets(self, text: str, language: Language) -> list[str]:
        """All targets, the most probable first: by how near the text is to each, in standard deviations, and by ln of the
        goal's probability."""
        reading = self._reading(text, language, None)
        scores: dict[str, float] = {}
        for number, logit in enumerate(self._document(reading).base):
            near = target_scores(self.model, reading, number)
            if near is not None:
                sure = float(np.log(sigmoid(logit)))
                scores |= {TARGETS[at]: float(one) + sure for at, one in zip(_OF_GOAL[number], near, strict=True)}
        return sorted(scores, key=lambda code: -scores[code])

    def document_vector(self, text: str, language: Language) -> Vectors:
        """x' of the text, (d,): the mean of its windows, as the heads see them."""
        return self.document(text, language).vector

    def aim(self, text: str, language: Language) -> float:
        """The logit that equality is an aim of the text."""
        logits, _ = self._reading(text, language, None).gender(self.model)
        return float(logits[gender.OBJECTIVE])

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()

    def _reading(self, text: str, language: Language, progress: Progress | None) -> Understood:
        key = text_key(text), language
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        reading = read(text, language, self.model, self._embedder, self._pool, progress)
        with self._lock:
            self._known[key] = reading
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return reading

    def _document(self, reading: Understood) -> Document:
        windows = reading.windows
        if not windows.spans:
            return Document(
                np.zeros(self._embedder.dimension, dtype=np.float32), np.zeros(len(GOALS)), np.full(len(GOALS), NOTHING)
            )
        vector = self.model.standardised(windows.vectors).mean(axis=0)
        return Document(vector, windows.goal_words.mean(axis=0), of_all(windows.goals))

    def _goal(self, reading: Understood, number: int, logit: float) -> GoalSuggestion:
        targets = self._targets(reading, number)
        best = int(reading.windows.goals[:, number].argmax()) if reading.windows.spans else None
        said = evidence(reading, reading.sentences.goals[:, number], goal_words(), number)
        return GoalSuggestion(
            goal=GOALS[number],
            target=targets[0].code if targets else None,
            targets=targets,
            confidence=probability(logit),
            suggested=logit > limits.SUGGESTED,
            strong=logit > limits.STRONG,
            head=0.0 if best is None else round(float(reading.windows.goal_heads[best, number]), 3),
            words=0.0 if best is None else round(float(reading.windows.goal_words[best, number]), 3),
            evidence=said,
        )

    def _targets(self, reading: Understood, number: int) -> list[TargetSuggestion]:
        """The targets of a goal that the text is nearest to, where it speaks of the goal."""
        near = target_scores(self.model, reading, number)
        if near is None:
            return []
        sure = _softmax(near)
        best = np.argsort(-near, kind="stable")[: limits.TARGETS]
        return [
            TargetSuggestion(code=TARGETS[_OF_GOAL[number][at]], confidence=round(float(sure[at]), 4)) for at in best
        ]


def target_scores(model: TaggingModel, reading: Understood, number: int) -> Numbers | None:
    """How near the text is to each target of a goal, in their order: windows that speak of the goal count more. None for an
    empty text."""
    if not reading.windows.spans:
        return None
    weights = _softmax(reading.windows.goals[:, number])
    centred = reading.windows.vectors - model.passage_mean
    passage = weights @ (centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9))
    passage /= max(float(np.linalg.norm(passage)), 1e-9)
    cosines = model.target_vectors[_OF_GOAL[number]] @ passage
    return np.asarray(cosines / model.target_deviation, dtype=np.float64)


def _softmax(logits: Numbers) -> Numbers:
    raised = np.exp(logits - logits.max())
    return np.asarray(raised / raised.sum())


def open_tagger(embedder: Embedder, data_dir: Path | None = None) -> Tagger:
    """The tagger for this embedding model, by the model that was trained for it. Raises Unavailable where none was."""
    model = models.read(data_dir or get_settings().data_dir, embedder.id)
    if model is None:
        raise Unavailable(
            N_(
                "No tagging model was trained for the embedding model %(model)s yet. Whoever runs this site trains it with:"
                " kb tagging train"
            ),
            model=embedder.id,
        )
    return Tagger(embedder, model)


class Taggers:
    """The tagger of a process, opened at first use: for the embedder that its search uses by then."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = Lock()
        self._tagger: Tagger | None = None
        self._embedding = ""

    def get(self, embedder: Embedder) -> Tagger:
        """The tagger for this embedder. Raises Unavailable as ``open_tagger`` does."""
        with self._lock:
            if self._tagger is None or self._embedding != embedder.id:
                tagger, self._embedding = open_tagger(embedder, self._settings.data_dir), embedder.id
                self._tagger = tagger
            return self._tagger
