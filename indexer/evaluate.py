"""How good the search is, measured on judged queries: nDCG@10, MRR@10 and refusal, by kind and language.

A judgement is one JSON line: ``{"id", "q", "lang", "kind", "relevant": {record id: grade 1-3}}``; no relevant record means
that the right answer is nothing.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from indexer.search import Search
from kb.db import transaction
from schemas.base import Model
from schemas.language import Language, Text
from schemas.search import Mode, SearchQuery

DEPTH: Final = 10
MODES: Final[tuple[Mode, ...]] = ("hybrid", "keyword", "semantic")


class Judgement(Model):
    """A query and what answers it: 3 is the answer, 2 answers much of it, 1 is worth a look."""

    id: str
    q: Text
    lang: Language
    kind: str
    relevant: dict[str, Annotated[int, Field(ge=1, le=3)]] = {}


def read(path: Path) -> list[Judgement]:
    """The judgements of a file. Raises ValueError naming the line that is not one."""
    found = []
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                found.append(Judgement.model_validate(json.loads(line)))
            except ValueError as error:
                raise ValueError(f"{path}:{number}: {error}") from error
    return found


def ndcg(ranked: Sequence[str], relevant: Mapping[str, int]) -> float:
    """Normalised discounted cumulative gain at 10, with gain 2^grade - 1 (Burges et al. 2005)."""
    gains = [2 ** relevant.get(id, 0) - 1 for id in ranked[:DEPTH]]
    ideal = sorted((2**grade - 1 for grade in relevant.values()), reverse=True)[:DEPTH]
    return _discounted(gains) / _discounted(ideal)


def _discounted(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(place + 2) for place, gain in enumerate(gains))


def reciprocal_rank(ranked: Sequence[str], relevant: Mapping[str, int]) -> float:
    """1 / place of the first record with the best grade; 0 when it is not among the first 10."""
    best = max(relevant.values())
    return next((1 / place for place, id in enumerate(ranked[:DEPTH], 1) if relevant.get(id) == best), 0.0)


class Result(Model):
    """What one mode did with one judgement."""

    judgement: Judgement
    mode: Mode
    ranked: list[str]


def run(
    session: Session, search: Search, judgements: Iterable[Judgement], modes: Sequence[Mode] = MODES
) -> list[Result]:
    """Ask every query in every mode."""
    return [
        Result(judgement=judgement, mode=mode, ranked=[result.id for result in answer.results])
        for judgement in judgements
        for mode in modes
        for answer in [search.answer(session, SearchQuery(q=judgement.q, lang=judgement.lang, mode=mode, limit=DEPTH))]
    ]


def mean(values: Iterable[float]) -> float:
    """Their mean; nan of none."""
    found = list(values)
    return sum(found) / len(found) if found else math.nan


def report(database: Engine, search: Search, judgements: list[Judgement], misses: bool = False) -> str:
    """A table to print."""
    with transaction(database, readonly=True) as session:
        results = run(session, search, judgements)
    lines = [f"{len(judgements)} queries; nDCG@10, MRR@10 for " + ", ".join(MODES), ""]
    for title, key in (("language", lambda one: one.lang), ("kind", lambda one: one.kind), ("all", lambda one: "all")):
        lines += _table(title, results, key)
    lines += _refusals(results)
    return "\n".join(lines + (_misses(results) if misses else []))


def _table(title: str, results: list[Result], key: Callable[[Judgement], str]) -> list[str]:
    answerable = [result for result in results if result.judgement.relevant]
    lines = [f"{title:24}     n" + "".join(f"{mode:>18}" for mode in MODES)]
    for group in sorted({key(result.judgement) for result in answerable}):
        chosen = [result for result in answerable if key(result.judgement) == group]
        cells = [
            f"{mean(ndcg(one.ranked, one.judgement.relevant) for one in of_mode):9.3f}"
            f"{mean(reciprocal_rank(one.ranked, one.judgement.relevant) for one in of_mode):9.3f}"
            for of_mode in ([one for one in chosen if one.mode == mode] for mode in MODES)
        ]
        lines.append(f"{group:24}{len(chosen) // len(MODES):6}" + "".join(cells))
    return [*lines, ""]


def _refusals(results: list[Result]) -> list[str]:
    """How often nothing was found: right where nothing answers, wrong where something does."""
    lines = [f"{'refused (no result)':30}" + "".join(f"{mode:>18}" for mode in MODES)]
    for title, empty in (("rightly, of unanswerable", True), ("wrongly, of answerable", False)):
        chosen = [result for result in results if (not result.judgement.relevant) == empty]
        cells = [mean(not one.ranked for one in chosen if one.mode == mode) for mode in MODES]
        lines.append(f"{title:30}" + "".join(f"{cell:18.3f}" for cell in cells))
    return [*lines, ""]


def _misses(results: list[Result]) -> list[str]:
    return [
        f"{one.judgement.lang} {one.judgement.kind:16} {one.judgement.q!r}: wanted "
        f"{', '.join(one.judgement.relevant) or 'nothing'}; found {', '.join(one.ranked[:5]) or 'nothing'}"
        for one in results
        if one.mode == "hybrid"
        and (
            bool(one.ranked) if not one.judgement.relevant else reciprocal_rank(one.ranked, one.judgement.relevant) < 1
        )
    ]
