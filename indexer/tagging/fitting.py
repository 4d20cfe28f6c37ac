"""From decisions to a new version of what they teach, with its report: base and learnt side by side on what was held out."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from indexer.tagging.learning import FOLDS, fit
from indexer.tagging.logistic import Numbers, sigmoid
from indexer.tagging.remembered import unpacked
from indexer.tagging.service import Document, Tagger
from kb.db import chunks, transaction, utcnow
from kb.tagging import learnt
from kb.tagging.learnt import Label
from kb.tagging.suggestions import by_base
from kb.tagging.tables import LearntRow, SuggestionRow, TagCaseRow
from schemas.language import LANGUAGES
from schemas.lexicon import GOALS
from schemas.tagging import Figures, LearningReport, Measured, Verdict

#: A new version is made after so many new decisions, and at most so often.
NEW: Final = 20
EVERY: Final = datetime.timedelta(minutes=10)
#: Fewer decisions say nothing of a version, and fewer of one kind (yes, or no) neither.
FEW: Final = 30
FEW_OF_A_KIND: Final = 5
#: How many of its own standard errors a difference must be to count as one.
CLEAR: Final = 2.0


@dataclass(frozen=True)
class Lessons:
    """Decided documents, n of them: vectors (n, d), words, labels and base (n, 17) as ``learning.fit`` takes them, the
    language and the record of each; and the last decision among all that were looked at."""

    vectors: NDArray[np.float32]
    words: Numbers
    labels: Numbers
    base: Numbers
    languages: Sequence[str]
    records: Sequence[str]
    last_decision_id: int

    @property
    def known(self) -> NDArray[np.bool_]:
        """Where somebody decided, (n, 17)."""
        return ~np.isnan(self.labels)

    @property
    def folds(self) -> NDArray[np.intp]:
        """The fold of each document; those of a record, which say much the same, are in one."""
        numbers = {record_id: number for number, record_id in enumerate(dict.fromkeys(self.records))}
        return np.array([numbers[record_id] % FOLDS for record_id in self.records], dtype=np.intp)


def is_due(session: Session, base: str) -> bool:
    """Whether there are enough new decisions since the last version over this base, and it was not made just now."""
    last = learnt.newest(session, base)
    if last is None:
        return learnt.fresh(session, 0) >= NEW
    return utcnow() - last.fitted_at >= EVERY and learnt.fresh(session, last.last_decision_id) >= NEW


def learn(database: Engine, tagger: Tagger) -> int | None:
    """Fit a new version to all decisions, compare it, and keep it, switched off. Returns its number; None where the texts of
    too few decisions were read by this base model."""
    with transaction(database, readonly=True) as session:
        lessons = lessons_of(session, tagger.version, len(tagger.model.mean))
    if int(lessons.known.sum()) < NEW:
        return None
    offsets = fit(lessons.vectors, lessons.words, lessons.labels, lessons.base)
    report = compared(lessons)
    row = LearntRow(
        base=tagger.version, fitted_at=utcnow(), decisions=report.all.decisions, records=len(set(lessons.records)),
        last_decision_id=lessons.last_decision_id, offsets=offsets.to_bytes(), report=report.model_dump(mode="json"),
    )  # fmt: skip
    with transaction(database) as session:
        session.add(row)
        session.flush()
        return row.version


def lessons_of(session: Session, base: str, dimension: int) -> Lessons:
    """What can be learnt over this base: the decisions on texts that it has read."""
    labels = learnt.labels(session)
    documents = _documents(session, base, dimension, labels)
    places = {key: number for number, key in enumerate(documents)}
    marks = np.full((len(documents), len(GOALS)), np.nan)
    for label in labels:
        if (place := places.get((label.record_id, label.text_key))) is not None:
            marks[place, GOALS.index(label.goal)] = label.yes
    return Lessons(
        vectors=_stacked([document.vector for document in documents.values()], dimension).astype(np.float32),
        words=_stacked([document.words for document in documents.values()], len(GOALS)),
        labels=marks,
        base=_stacked([document.base for document in documents.values()], len(GOALS)),
        languages=_languages(session, [record_id for record_id, _ in documents]),
        records=[record_id for record_id, _ in documents],
        last_decision_id=learnt.last_decision(session),
    )


def _stacked(rows: Sequence[NDArray[Any]], width: int) -> Numbers:
    return np.array(rows, dtype=np.float64).reshape(len(rows), width)


def _documents(session: Session, base: str, dimension: int, labels: Sequence[Label]) -> dict[tuple[str, str], Document]:
    """The documents that were decided on, by record and text, in the order of the decisions."""
    columns = select(SuggestionRow.record_id, SuggestionRow.text_key, SuggestionRow.vector).where(by_base(base))
    found: dict[tuple[str, str], Document] = {}
    for ids in chunks(dict.fromkeys(label.record_id for label in labels)):
        for record_id, text_key, vector in session.execute(columns.where(SuggestionRow.record_id.in_(ids))):
            if (document := unpacked(vector, dimension)) is not None:
                found[record_id, text_key] = document
    wanted = dict.fromkeys((label.record_id, label.text_key) for label in labels)
    return {key: found[key] for key in wanted if key in found}


def _languages(session: Session, record_ids: Sequence[str]) -> list[str]:
    found: dict[str, str] = {}
    for ids in chunks(dict.fromkeys(record_ids)):
        query = select(TagCaseRow.record_id, TagCaseRow.language).where(TagCaseRow.record_id.in_(ids))
        found |= {row.record_id: row.language for row in session.execute(query)}
    return [found[record_id] for record_id in record_ids]


# Base and learnt side by side


def compared(lessons: Lessons) -> LearningReport:
    """Each document judged by what the others teach, beside the base: of all decisions, of each goal, of each language."""
    held_out = _held_out(lessons)
    known, languages = lessons.known, np.array(lessons.languages)
    goals = {goal: known & (np.arange(len(GOALS)) == number) for number, goal in enumerate(GOALS)}
    spoken: Mapping[str, NDArray[np.bool_]] = {code: known & (languages == code)[:, None] for code in LANGUAGES}
    return LearningReport(
        documents=len(lessons.records),
        all=_figures(lessons, held_out, known),
        goals={goal: _figures(lessons, held_out, of) for goal, of in goals.items() if of.any()},
        languages={code: _figures(lessons, held_out, of) for code, of in spoken.items() if of.any()},
    )


def _held_out(lessons: Lessons) -> Numbers:
    """The logits (n, 17) of each document by offsets that have not seen it."""
    logits = lessons.base.copy()
    for fold in np.unique(lessons.folds):
        out = lessons.folds == fold
        if not out.all():
            seen = [part[~out] for part in (lessons.vectors, lessons.words, lessons.labels, lessons.base)]
            logits[out] += fit(*seen).apply(lessons.vectors[out], lessons.words[out])
    return logits


def _figures(lessons: Lessons, held_out: Numbers, of: NDArray[np.bool_]) -> Figures:
    yes = lessons.labels[of] == 1
    few = len(yes) < FEW or min(int(yes.sum()), int((~yes).sum())) < FEW_OF_A_KIND
    gain = _losses(lessons.base[of], yes) - _losses(held_out[of], yes)
    clear = CLEAR * _standard_error(gain, np.nonzero(of)[0])
    verdict: Verdict = "better" if gain.mean() > clear else "worse" if -gain.mean() > clear else "even"
    return Figures(
        decisions=len(yes),
        accepted=int(yes.sum()),
        base=_measured(lessons.base[of], yes),
        learnt=_measured(held_out[of], yes),
        verdict="few" if few else verdict,
    )


def _standard_error(gain: Numbers, documents: NDArray[np.intp]) -> float:
    """Of the mean gain; decisions on one document are not independent, so its sums are what varies."""
    sums = np.bincount(np.unique(documents, return_inverse=True)[1], weights=gain - gain.mean())
    return float(np.sqrt((sums**2).sum()) / len(gain))


def _losses(logits: Numbers, yes: NDArray[np.bool_]) -> Numbers:
    return np.asarray(-np.log(np.clip(sigmoid(np.where(yes, logits, -logits)), 1e-12, 1)))


def _measured(logits: Numbers, yes: NDArray[np.bool_]) -> Measured:
    suggested = logits > 0
    right = int((suggested & yes).sum())
    return Measured(
        suggested=int(suggested.sum()),
        right=right,
        precision=right / int(suggested.sum()) if suggested.any() else None,
        recall=right / int(yes.sum()) if yes.any() else None,
        log_loss=float(_losses(logits, yes).mean()),
    )
