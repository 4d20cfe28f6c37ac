"""From decisions to versions, with figures on what was held out. On both databases."""

import datetime
from collections.abc import Iterator

import numpy as np
import pytest
from sqlalchemy import Engine, update

from indexer.tagging import fitting, job
from indexer.tagging.fitting import Lessons
from indexer.tagging.learning import Offsets
from indexer.tagging.service import Tagger
from kb.db import transaction, utcnow
from kb.records import service as records
from kb.settings import Settings
from kb.tagging import cases, decisions
from kb.tagging.tables import LearntRow, SuggestionRow
from schemas.accounts import Account
from schemas.language import LANGUAGES
from schemas.lexicon import GOALS
from schemas.records import parse
from schemas.tagging import Decision, LearningReport
from tests.indexer.tagging.quick import quick
from tests.people import person


@pytest.fixture
def tagger() -> Iterator[Tagger]:
    made, _ = quick()
    yield made
    made.close()


@pytest.fixture
def eve(engine: Engine) -> Account:
    return person(engine, "eve@example.org", "editor")


def decide(engine: Engine, tagger: Tagger, who: Account, numbers: range, action: str = "add") -> None:
    """Records on trams, read; goal 11 is added to each, or the suggestion of it rejected."""
    for number in numbers:
        language = LANGUAGES[number % 3]
        record = {"type": "case_study", "id": f"x-{number}", "language": language, "status": "published"}
        with transaction(engine) as session:
            records.save(session, parse(record | {"title": {language: f"Trams on line {number}"}}), "me")
        job.suggest_record(engine, tagger, f"x-{number}")
        with transaction(engine) as session:
            decision = Decision.model_validate({"kind": "sdg", "code": "11", "action": action})
            decisions.decide(session, who, f"x-{number}", decision)


def made_long_ago(engine: Engine) -> None:
    with transaction(engine) as session:
        session.execute(update(LearntRow).values(fitted_at=utcnow() - datetime.timedelta(hours=1)))


def test_a_version_is_made_after_enough_decisions_and_not_again_before_there_are_as_many_new_ones(
    engine: Engine, tagger: Tagger, eve: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "_resting", {})
    decide(engine, tagger, eve, range(19))
    assert job.learn(engine, tagger) is None
    decide(engine, tagger, eve, range(19, 20), "reject")
    assert job.learn(engine, tagger) == 1
    with transaction(engine) as session:
        row = session.get_one(LearntRow, 1)
        report = LearningReport.model_validate(row.report)
        assert (row.base, row.decisions, row.records, row.active) == (tagger.version, 20, 20, False)
        assert (report.all.decisions, report.all.accepted, report.all.verdict) == (20, 19, "few")
        assert set(report.goals) == {"11"}
        assert {code: each.decisions for code, each in report.languages.items()} == {"en": 7, "es": 7, "fr": 6}
        Offsets.from_bytes(row.offsets)
    decide(engine, tagger, eve, range(20, 39))
    made_long_ago(engine)
    assert job.learn(engine, tagger) is None
    decide(engine, tagger, eve, range(39, 40))
    assert job.learn(engine, tagger) == 2


def test_not_so_soon_after_the_last_one(
    engine: Engine, tagger: Tagger, eve: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "_resting", {})
    monkeypatch.setattr(fitting, "NEW", 2)
    decide(engine, tagger, eve, range(2))
    assert job.learn(engine, tagger) == 1
    decide(engine, tagger, eve, range(2, 4))
    assert job.learn(engine, tagger) is None
    made_long_ago(engine)
    assert job.learn(engine, tagger) == 2


def test_the_background_learns_too_and_what_is_switched_on_is_asked_from_then_on(
    engine: Engine, tagger: Tagger, eve: Account, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setattr(job, "_resting", {})
    monkeypatch.setattr(fitting, "NEW", 12)
    decide(engine, tagger, eve, range(12), "reject")
    before = _confidence(engine, "x-0")
    job.advance(engine, lambda: tagger, settings.model_copy(update={"tagging": "auto"}), lambda: False)
    assert _confidence(engine, "x-0") == before
    with transaction(engine) as session:
        session.execute(update(LearntRow).values(active=True))
    job.run(engine, tagger)
    assert _confidence(engine, "x-0") < before


def _confidence(engine: Engine, record_id: str) -> float:
    """Of goal 11."""
    with transaction(engine) as session:
        suggestion = session.get_one(SuggestionRow, cases.get(session, record_id).suggestion_id)
        return next(each["confidence"] for each in suggestion.result["sdgs"] if each["goal"] == "11")


def lessons(documents: int, follow: float, seed: int = 1) -> Lessons:
    """Documents on which people decide about goal 1 by a direction of the vector that the base does not know, in that share
    of all documents, and by nothing in the others."""
    made = np.random.default_rng(seed)
    vectors = made.normal(size=(documents, 8))
    labels = np.full((documents, len(GOALS)), np.nan)
    told, drawn = vectors[:, 0] > 0, made.random(documents) > 0.5
    labels[:, 0] = np.where(made.random(documents) < follow, told, drawn)
    nothing = np.zeros((documents, len(GOALS)))
    languages = [LANGUAGES[number % 3] for number in range(documents)]
    return Lessons(
        vectors.astype(np.float32), nothing, labels, nothing.copy(), languages, [f"x-{n}" for n in range(documents)], 1
    )


def test_a_version_is_called_better_where_it_foretells_decisions_that_it_has_not_seen() -> None:
    figures = fitting.compared(lessons(300, 1.0)).all
    assert figures.verdict == "better"
    assert figures.learnt.log_loss < figures.base.log_loss == pytest.approx(np.log(2))
    assert figures.learnt.precision is not None
    assert figures.learnt.precision > 0.8


def test_it_is_not_where_decisions_follow_nothing() -> None:
    verdicts = [fitting.compared(lessons(200, 0.0, seed)).all.verdict for seed in range(8)]
    assert "better" not in verdicts


def test_documents_of_one_record_are_held_out_together() -> None:
    """The same text under two keys would otherwise be judged by itself."""
    once = lessons(40, 1.0)
    parts = (once.vectors, once.words, once.labels, once.base)
    twice = Lessons(*(np.concatenate([part, part]) for part in parts), [*once.languages] * 2, [*once.records] * 2, 1)
    folds = twice.folds
    assert (folds[:40] == folds[40:]).all()
    assert len(set(folds)) == 5


def test_few_decisions_or_few_of_a_kind_say_nothing() -> None:
    assert fitting.compared(lessons(29, 1.0)).all.verdict == "few"
    onesided = lessons(60, 1.0)
    onesided.labels[:, 0] = 1
    assert fitting.compared(onesided).all.verdict == "few"
