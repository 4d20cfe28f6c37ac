"""What a process remembers of the Elasticsearch index as a whole: its model, the mean of its vectors, how rare words are.

None of it is worth a request per question. It is asked for anew when this process has written, and else at most once in
``AGE`` seconds, beside the questions that go on; so are sums of many vectors, which take seconds.
"""

import logging
import math
import threading
import time
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from indexer.embedding import Model
from indexer.engines.base import Tokens
from indexer.engines.elastic_candidates import Statistics
from indexer.engines.elastic_client import Client
from indexer.engines.elastic_index import FORMAT
from indexer.ranking import BM25_CEILING
from kb.errors import Unavailable
from schemas.language import LANGUAGES, Language

log = logging.getLogger(__name__)

#: Seconds for which what is known is taken as true. Then it is asked for beside the questions,
AGE: Final = 1.0
#: and where nobody has asked for so many seconds, before the next one.
LATEST: Final = 5.0
#: Vectors that are summed while a question waits; of more, only the first question ever does.
FEW: Final = 20_000
#: Seconds between two sums of many vectors: their mean hardly moves.
PERIOD: Final = 60.0
#: Words whose rareness is remembered.
WORDS: Final = 20_000

_SUM: Final = {
    "init_script": "state.number = 0L; state.sum = new double[(int) params.dimension];",
    "map_script": """
        def found = doc[params.field];
        if (found.size() > 0) {
          def vector = found.vectorValue;
          double length = found.magnitude;
          double[] sum = state.sum;
          for (int place = 0; place < sum.length; place++) { sum[place] += vector[place] / length; }
          state.number += 1;
        }""",
    "combine_script": "return ['number': state.number, 'sum': state.sum];",
    "reduce_script": """
        double[] sum = new double[(int) params.dimension];
        long number = 0;
        for (one in states) {
          if (one == null) { continue; }
          number += one.number;
          def part = one.sum;
          for (int place = 0; place < sum.length; place++) { sum[place] += part[place]; }
        }
        return ['number': number, 'sum': sum];""",
}


class State:
    """See the module. Safe to use from many threads."""

    def __init__(self, client: Client, index: str) -> None:
        self._client = client
        self._index = index
        #: Whether this process has written since the state was asked for.
        self.stale = True
        self._lock = threading.Lock()
        self._looked = -math.inf
        self._seen: tuple[str, int] = ("", -1)
        self._model: Model | None = None
        self._summed: tuple[str, int] = ("", -1)
        self._summed_at = -math.inf
        self._statistics: Statistics | None = None
        self._rarity: dict[tuple[Language, str], float] = {}
        self._summing: threading.Thread | None = None
        self._looking: threading.Thread | None = None

    def model(self) -> Model:
        """The model whose vectors the index holds."""
        with self._lock:
            self._look()
            assert self._model is not None
            return self._model

    def statistics(self, patience: float | None = None) -> Statistics:
        """How the index is as a whole. Raises Unavailable where so many vectors have to be summed for the first time that a
        question cannot wait for it, or ``patience``, in seconds."""
        end = time.monotonic() + (self._client.timeout if patience is None else patience)
        while True:
            with self._lock:
                self._look()
                if self._summed != self._seen:
                    self._sum_anew()
                if self._statistics and not self._sum_is_awaited:
                    return self._statistics
                summing = self._summing
            left = end - time.monotonic()
            if left <= 0:
                raise Unavailable("The vectors of the search index are being summed; this takes seconds after a start.")
            if summing:
                summing.join(left)

    def information(self, words: Mapping[Language, Tokens]) -> dict[Language, float]:
        """The most that the words can score in each language by BM25 as Elasticsearch reckons it; 0 where no text is."""
        with self._lock:
            self._look()
            wanted = {
                language: [one for one in tokens if (language, one) not in self._rarity]
                for language, tokens in words.items()
            }
            if any(wanted.values()):
                self._learn({language: tokens for language, tokens in wanted.items() if tokens})
            return {
                language: BM25_CEILING * sum(self._rarity[language, one] for one in tokens)
                for language, tokens in words.items()
            }

    def _look(self) -> None:
        """See whether the index has changed, and forget what is no longer true; beside the questions, where they are many."""
        age = time.monotonic() - self._looked
        if self.stale or age > LATEST:
            self.stale = False
            try:
                self._take(self._asked())
            except BaseException:
                self.stale = True
                raise
        elif age > AGE and not (self._looking and self._looking.is_alive()):
            self._looking = threading.Thread(target=self._look_beside, name="state", daemon=True)
            self._looking.start()

    def _look_beside(self) -> None:
        try:
            found = self._asked()
        except Unavailable as error:
            log.warning("the state of the search index is not known: %s", error)
            return
        with self._lock:
            self._take(found)

    def _asked(self) -> tuple[str, Mapping[str, Any], Mapping[str, Any]]:
        """The name of the index, its mappings, and what is counted of it."""
        with self._client.asking() as client:
            ((index, about),) = client.indices.get(index=self._index, features=["mappings"]).body.items()
            found = client.search(
                index=self._index,
                size=0,
                track_total_hits=False,
                aggs={
                    "newest": {"max": {"field": "_seq_no"}},
                    "unknown": {"filter": {"exists": {"field": "unknown"}}},
                },
            )["aggregations"]
        return index, about["mappings"], found

    def _take(self, asked: tuple[str, Mapping[str, Any], Mapping[str, Any]]) -> None:
        index, mappings, found = asked
        self._model = _model_in(mappings)
        newest = found["newest"]["value"]
        self._looked = time.monotonic()
        seen = index, -1 if newest is None else int(newest)
        if seen == self._seen:
            return
        self._seen = seen
        self._rarity = {}
        self._incomplete = found["unknown"]["doc_count"] > 0
        if self._statistics:
            self._statistics = Statistics(self._statistics.sums, self._statistics.counts, self._incomplete)

    @property
    def _sum_is_awaited(self) -> bool:
        """Whether the sums that are known are too old for a question: of few vectors, or of another index."""
        known = self._statistics
        return self._summed != self._seen and (
            known is None or known.counts.sum() <= FEW or self._summed[0] != self._seen[0]
        )

    def _sum_anew(self) -> None:
        if self._summing and self._summing.is_alive():
            return
        if self._sum_is_awaited or time.monotonic() - self._summed_at > PERIOD:
            self._summing = threading.Thread(target=self._try_to_sum, args=(self._seen,), name="means", daemon=True)
            self._summing.start()

    def _try_to_sum(self, seen: tuple[str, int]) -> None:
        try:
            self._sum(seen)
        except Unavailable as error:
            log.warning("the vectors of the search index could not be summed: %s", error)

    def _sum(self, seen: tuple[str, int]) -> None:
        assert self._model is not None
        dimension = self._model.dimension
        with self._client.changing() as client:
            found = client.search(index=self._index, size=0, track_total_hits=False, aggs={
                language: {"nested": {"path": f"passages.{language}"}, "aggs": {"sum": {"scripted_metric": _SUM | {
                    "params": {"field": f"passages.{language}.vector", "dimension": dimension}
                }}}}
                for language in LANGUAGES
            })["aggregations"]  # fmt: skip
        parts = [found[language]["sum"]["value"] for language in LANGUAGES]
        self._statistics = Statistics(
            sums=np.array([part["sum"] for part in parts], dtype=np.float32),
            counts=np.array([part["number"] for part in parts], dtype=np.int64),
            incomplete=self._incomplete,
        )
        self._summed, self._summed_at = seen, time.monotonic()

    def _learn(self, words: Mapping[Language, list[str]]) -> None:
        if len(self._rarity) > WORDS:
            self._rarity = {}
        with self._client.asking() as client:
            found = client.termvectors(
                index=self._index,
                doc={"words": {language: " ".join(tokens) for language, tokens in words.items()}},
                fields=[f"words.{language}" for language in words],
                term_statistics=True,
                field_statistics=True,
                offsets=False,
                positions=False,
                payloads=False,
            )["term_vectors"]
        for language, tokens in words.items():
            about: dict[str, Any] = found.get(f"words.{language}", {})
            texts = about.get("field_statistics", {}).get("doc_count", 0)
            for token in tokens:
                holding = about.get("terms", {}).get(token, {}).get("doc_freq", 0)
                self._rarity[language, token] = (
                    math.log1p((texts - holding + 0.5) / (holding + 0.5)) if texts > 0 else 0.0
                )

    def close(self) -> None:
        """Wait for what is being asked."""
        for thread in (self._summing, self._looking):
            if thread:
                thread.join(10)


def _model_in(mappings: Mapping[str, Any]) -> Model:
    """The model that an index was made for; an index of another format counts as one of no model that there is."""
    about = mappings.get("_meta", {})
    model = Model(**about["model"])
    return (
        model if about.get("format") == FORMAT else Model(model.name, f"{model.id} of another format", model.dimension)
    )
