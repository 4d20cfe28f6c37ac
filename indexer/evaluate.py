"""How good the search is, measured on judged queries: nDCG@10, MRR@10 and refusal, by kind and language.

A judgement is one JSON line: ``{"id", "q", "lang", "kind", "relevant": {record id: grade 1-3}}``; no relevant record means
that the right answer is nothing.
"""

import json
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Annotated, Final

from pydantic import Field
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from indexer import finder
from indexer.search import Search
from kb.db import transaction
from schemas.base import Model
from schemas.finder import FinderQuery
from schemas.language import Language, Text
from schemas.search import Mode, SearchQuery

DEPTH: Final = 10
#: Places that count among experts: nobody writes to ten.
FINDER_DEPTH: Final = 5
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


def ndcg(ranked: Sequence[str], relevant: Mapping[str, int], depth: int = DEPTH) -> float:
    """Normalised discounted cumulative gain at ``depth``, with gain 2^grade - 1 (Burges et al. 2005)."""
    gains = [2 ** relevant.get(id, 0) - 1 for id in ranked[:depth]]
    ideal = sorted((2**grade - 1 for grade in relevant.values()), reverse=True)[:depth]
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


# The expert finder


@dataclass(frozen=True)
class FinderFigures:
    """How a way to find experts did: means over the needs that somebody can meet; refusals of both kinds; and milliseconds."""

    ndcg: float
    mrr: float
    refused_rightly: float
    refused_wrongly: float
    median_ms: float


def measure_finder(
    session: Session, search: Search, judgements: Sequence[Judgement]
) -> tuple[FinderFigures, FinderFigures]:
    """(the finder, the plain search among experts) on judged needs; each asked once before, so that both are warm."""

    def by_finder(one: Judgement) -> list[str]:
        found = finder.find(search, session, FinderQuery(q=one.q, lang=one.lang))
        return [each.expert.id for each in found.results]

    def by_search(one: Judgement) -> list[str]:
        found = search.answer(session, SearchQuery(q=one.q, lang=one.lang, type=["expert"]))
        return [each.id for each in found.results]

    return _figures(by_finder, judgements), _figures(by_search, judgements)


def _figures(ask: Callable[[Judgement], list[str]], judgements: Sequence[Judgement]) -> FinderFigures:
    ranked, took = {one.id: ask(one) for one in judgements}, []
    for one in judgements:
        started = time.perf_counter()
        ask(one)
        took.append((time.perf_counter() - started) * 1000)
    good = [one for one in judgements if one.relevant]
    return FinderFigures(
        ndcg=mean(ndcg(ranked[one.id], one.relevant, FINDER_DEPTH) for one in good),
        mrr=mean(reciprocal_rank(ranked[one.id], one.relevant) for one in good),
        refused_rightly=mean(not ranked[one.id] for one in judgements if not one.relevant),
        refused_wrongly=mean(not ranked[one.id] for one in good),
        median_ms=median(took),
    )


def report_finder(database: Engine, search: Search, judgements: Sequence[Judgement]) -> str:
    """A table to print: the finder beside the plain search among experts."""
    groups = {"all": list(judgements)}
    for one in judgements:
        groups.setdefault(one.lang, []).append(one)
        groups.setdefault(one.kind, []).append(one)
    lines = [f"{len(judgements)} needs; nDCG@{FINDER_DEPTH}, MRR@{DEPTH}, median ms", ""]
    lines.append(f"{'':24}     n{'finder':>27}{'search, type=expert':>27}")
    with transaction(database, readonly=True) as session:
        for title, chosen in sorted(groups.items()):
            pair = measure_finder(session, search, chosen)
            cells = [f"{one.ndcg:9.3f}{one.mrr:9.3f}{one.median_ms:9.1f}" for one in pair]
            lines.append(f"{title:24}{len(chosen):6}" + "".join(cells))
        pair = measure_finder(session, search, groups["all"])
    for title, name in (("refused rightly", "refused_rightly"), ("refused wrongly", "refused_wrongly")):
        lines.append(f"{title:30}" + "".join(f"{getattr(one, name):27.3f}" for one in pair))
    return "\n".join(lines)
