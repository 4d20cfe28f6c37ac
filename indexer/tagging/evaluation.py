"""What the tagger is worth: on texts that it was not trained on, by language, with confidence intervals.

Every figure is a share or a mean over texts, with the 95 % interval of a bootstrap over these texts; where a set has authors,
one of them is held out at a time. Sets of the project lie in fixtures/tagging; none of them is trained on.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from indexer.embedding import Embedder
from indexer.tagging import texts
from indexer.tagging import thresholds as limits
from indexer.tagging.logistic import Numbers
from indexer.tagging.model import CRITERIA, THEMES
from indexer.tagging.service import Tagger, open_tagger
from indexer.tagging.texts import FOLDER, Example, Progress, rows
from indexer.tagging.training import folds_of, train
from schemas.language import LANGUAGES
from schemas.lexicon import GOALS
from schemas.tagging import LONGEST

ROUNDS: Final = 1000
#: What two readers, blind to each other and to the tagger, said of the partners' projects, and what they agreed on.
JUDGEMENTS: Final = Path(__file__).parents[2] / "tests" / "indexer" / "tagging" / "partner_judgements.tsv"
#: Below these a figure is called weak: what issue "tagging workbench" asks for.
AIMS: Final = {
    "accuracy": 0.89, "F1": 0.885, "right target among three": 0.85, "right passage": 0.92, "same first goal": 0.90,
    "right goal suggested, en": 0.92, "right goal suggested, es": 0.90, "right goal suggested, fr": 0.90,
    "precision of strong": 0.90, "AUC of an aim": 0.93, "criteria answered right": 0.80,
}  # fmt: skip

Statistic = Callable[[Numbers], float]


class Figure(NamedTuple):
    """A number with its interval, and of how many texts."""

    name: str
    value: float
    low: float
    high: float
    texts: int

    def line(self) -> str:
        """As it is printed; with what it should be where it is less."""
        aim = AIMS.get(self.name)
        weak = f"   weak: {aim:.3g} is aimed at" if aim is not None and self.value < aim else ""
        return f"  {self.name:<42} {self.value:.3f}  [{self.low:.3f}, {self.high:.3f}]  n={self.texts}{weak}"


def figure(name: str, values: Sequence[Sequence[float]], statistic: Statistic | None = None) -> Figure:
    """The statistic (else the mean of the first column) of rows that stand for texts."""
    table = np.asarray(values, dtype=np.float64)
    if not len(table):
        return Figure(name, float("nan"), float("nan"), float("nan"), 0)
    statistic = statistic or (lambda part: float(part[:, 0].mean()))
    random = np.random.default_rng(0)
    drawn = [statistic(table[random.integers(0, len(table), len(table))]) for _ in range(ROUNDS)]
    low, high = np.nanquantile(drawn, (0.025, 0.975))
    return Figure(name, statistic(table), float(low), float(high), len(table))


class Bench(NamedTuple):
    """What the sets are measured with. ``misses`` collects the texts that the model gets wrong."""

    embedder: Embedder
    data_dir: Path
    framework: Path | None
    partners: Path | None
    progress: Progress
    misses: list[str]

    def tagger(self) -> Tagger:
        """The tagger as it is shipped."""
        return open_tagger(self.embedder, self.data_dir)

    def counted(self, items: Sequence[Any]) -> Iterator[Any]:
        """The items, with progress."""
        for done, item in enumerate(items):
            self.progress(done, len(items))
            yield item


def report(name: str, bench: Bench, misses: bool) -> str:
    """The figures of one set, a line each, the weak ones marked; with ``misses`` the texts that the model gets wrong."""
    title, measure = SETS[name]
    lines = [f"\n{name}: {title}", *(each.line() for each in measure(bench))]
    return "\n".join([*lines, *(f"    {miss}" for miss in bench.misses if misses)])


def _development(bench: Bench) -> Iterator[Figure]:
    return _judged(bench, "development.tsv")


def _everyday(bench: Bench) -> Iterator[Figure]:
    return _judged(bench, "everyday.tsv")


def _judged(bench: Bench, name: str) -> Iterator[Figure]:
    """Texts of which each was judged for one goal."""
    tagger = bench.tagger()
    judged = []
    for _, row in bench.counted(list(rows(FOLDER / name, ("goal", "label", "language", "text")))):
        number = GOALS.index(row["goal"])
        logit = tagger.document(row["text"], row["language"]).base[number]
        label = int(row["label"])
        judged.append((number, label, logit))
        if (logit > limits.SUGGESTED) != label:
            bench.misses.append(f"goal {row['goal']}, label {label}, logit {logit:.1f}: {row['text'][:90]}")
    yield figure("accuracy", judged, lambda part: _mean_of_goals(part, _accuracy))
    yield figure("F1", judged, lambda part: _mean_of_goals(part, _f1))
    yield figure("AUC", judged, lambda part: _mean_of_goals(part, lambda one: auc(one[:, 2], one[:, 1])))
    yield figure(
        "precision of strong, half relevant", [(label,) for _, label, logit in judged if logit > limits.STRONG]
    )


def _mean_of_goals(table: Numbers, statistic: Statistic) -> float:
    return float(np.nanmean([statistic(table[table[:, 0] == goal]) for goal in np.unique(table[:, 0])]))


def _accuracy(table: Numbers) -> float:
    return float(((table[:, 2] > limits.SUGGESTED) == (table[:, 1] == 1)).mean())


def _f1(table: Numbers) -> float:
    suggested, right = table[:, 2] > limits.SUGGESTED, table[:, 1] == 1
    return float(2 * (suggested & right).sum() / max(suggested.sum() + right.sum(), 1))


def auc(scores: Numbers, labels: Numbers) -> float:
    """How often a text with the label scores above one without, ties half; nan without both."""
    yes, no = scores[labels == 1], scores[labels == 0]
    if not len(yes) or not len(no):
        return float("nan")
    return float((yes[:, None] > no).mean() + (yes[:, None] == no).mean() / 2)


def _targets(bench: Bench) -> Iterator[Figure]:
    tagger = bench.tagger()
    found = []
    for _, row in bench.counted(list(rows(FOLDER / "targets.tsv", ("targets", "language", "text")))):
        right = row["targets"].split(",")
        ranked = tagger.ranked_targets(row["text"], row["language"])
        found.append((row["language"], ranked[0] in right, bool(set(ranked[:3]) & set(right))))
        if not found[-1][2]:
            bench.misses.append(f"{row['targets']}, not {', '.join(ranked[:3])}: {row['text'][:90]}")
    yield from by_language("right target first", [(language, first) for language, first, _ in found])
    yield from by_language("right target among three", [(language, third) for language, _, third in found])


def by_language(name: str, found: Sequence[tuple[str, float]]) -> Iterator[Figure]:
    """The mean over all texts, then over those of each language."""
    yield figure(name, [(value,) for _, value in found])
    for language in LANGUAGES:
        if part := [(value,) for one, value in found if one == language]:
            yield figure(f"{name}, {language}", part)


def _evidence(bench: Bench) -> Iterator[Figure]:
    tagger = bench.tagger()
    found = []
    for _, row in bench.counted(list(rows(FOLDER / "composites.tsv", ("goal", "language", "position", "text")))):
        passages = row["text"].split(" ¶ ")
        said = tagger.suggest("\n\n".join(passages), row["language"])
        evidence = next(goal.evidence for goal in said.sdgs if goal.goal == row["goal"])
        right = evidence is not None and evidence.passage[:30] in passages[int(row["position"])]
        found.append((row["language"], right))
        if not right:
            bench.misses.append(f"goal {row['goal']}: {evidence.passage[:90] if evidence else ''}")
    yield from by_language("right passage", found)


def _languages(bench: Bench) -> Iterator[Figure]:
    tagger = bench.tagger()
    first: dict[str, dict[str, int]] = {}
    for _, row in bench.counted(list(rows(FOLDER / "parallel.tsv", ("id", "language", "text")))):
        best = int(tagger.document(row["text"], row["language"]).base.argmax())
        first.setdefault(row["id"], {})[row["language"]] = best
    pairs = (("en", "es"), ("en", "fr"), ("es", "fr"))
    yield figure("same first goal", [(float(np.mean([one[a] == one[b] for a, b in pairs])),) for one in first.values()])
    for a, b in pairs:
        yield figure(f"same first goal, {a} and {b}", [(one[a] == one[b],) for one in first.values()])


def _framework(bench: Bench) -> Iterator[Figure]:
    if bench.framework is None:
        return
    tagger = bench.tagger()
    found = []
    for line in bench.counted([line for line in _lines(bench.framework) if line["lang"] in LANGUAGES]):
        base = tagger.document(line["text"], line["lang"]).base
        right = max(base[GOALS.index(str(goal))] for goal in line["sdg"]) > limits.SUGGESTED
        found.append((line["lang"], right))
        if not right:
            bench.misses.append(f"{line['lang']}, goal {line['sdg']}: {line['text'][:90]}")
    yield from by_language("right goal suggested", found)


def _natural(bench: Bench) -> Iterator[Figure]:
    every = texts.all_texts()
    folds, logits = folds_of(every), np.zeros((len(every), len(GOALS)))
    for fold in np.unique(folds):
        seen = [one for one, its in zip(every, folds, strict=True) if its != fold or one.weight < 1]
        tagger = _without(bench, seen)
        for number in bench.counted(list(np.flatnonzero(folds == fold))):
            logits[number] = tagger.document(every[number].text, every[number].language).base
    own = [(one, logit) for one, logit in zip(every, logits, strict=True) if one.weight == 1]
    pairs = [
        (one.language, goal in one.goals, value) for one, logit in own for goal, value in zip(GOALS, logit, strict=True)
    ]
    yield from _at_thresholds(pairs)
    for name, limit in (("suggested", limits.SUGGESTED), ("strong", limits.STRONG)):
        wrongly = [(one.language, float((logit > limit).any())) for one, logit in own if not one.codes]
        yield from by_language(f"texts of no goal with one {name}", wrongly)


def _lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a file, one a line; a text in them may hold other signs that end a line."""
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _partners(bench: Bench) -> Iterator[Figure]:
    if bench.partners is None:
        return
    tagger = bench.tagger()
    projects = {project["id"]: project for project in _lines(bench.partners)}
    pairs: list[tuple[str, bool, float]] = []
    for _, row in bench.counted(
        list(rows(JUDGEMENTS, ("id", "language", "main", "also", "marker", "note", "readers")))
    ):
        project = projects[row["id"]]
        text = "\n\n".join(part for part in (project["title"], project["summary"], project["text"]) if part)
        right = set(f"{row['main']},{row['also']}".split(","))
        logits = tagger.document(text[:LONGEST], row["language"]).base
        pairs += [(row["language"], goal in right, value) for goal, value in zip(GOALS, logits, strict=True)]
        wrong = [goal for goal, value in zip(GOALS, logits, strict=True) if value > limits.STRONG and goal not in right]
        if wrong:
            bench.misses.append(f"{row['id']}: strong on {', '.join(wrong)}, right are {', '.join(sorted(right))}")
    yield from _at_thresholds(pairs)


def _at_thresholds(pairs: Sequence[tuple[str, bool, float]]) -> Iterator[Figure]:
    """Precision and recall of what is suggested and of what is strong: (language, whether it is right, logit) of each goal."""
    for name, limit in (("suggested", limits.SUGGESTED), ("strong", limits.STRONG)):
        given = [(language, yes) for language, yes, value in pairs if value > limit]
        yield from by_language(f"precision of {name}", given)
        yield from by_language(
            f"recall of {name}", [(language, value > limit) for language, yes, value in pairs if yes]
        )


def _without(bench: Bench, rest: Sequence[Example]) -> Tagger:
    """The tagger, trained on these texts only."""
    vectors = texts.vectors_of(texts.pieces(rest), bench.embedder, None)
    return Tagger(bench.embedder, train(rest, vectors, bench.embedder.id))


def _gender(bench: Bench) -> Iterator[Figure]:
    every = texts.all_texts()
    read = [one for one in every if one.screening]
    said = []
    for author in sorted({one.author for one in read}):
        tagger = _without(bench, [one for one in every if one.author != author])
        for one in bench.counted([one for one in read if one.author == author]):
            said.append((one, tagger.suggest(one.text, one.language).gender, tagger.aim(one.text, one.language)))
    for language in (None, *LANGUAGES):
        part = [each for each in said if language in (None, each[0].language)]
        yield from _of_gender(part, f", {language}" if language else "")
    for author in sorted({one.author for one in read}):
        yield _aim([each for each in said if each[0].author == author], f", by {author}")


def _of_gender(said: Sequence[tuple[Example, Any, float]], suffix: str) -> Iterator[Figure]:
    screenings = [(one.screening, gender) for one, gender, _ in said if one.screening]
    yield _aim(said, suffix)
    yield figure(f"marker right{suffix}", [(gender.marker.value == one.marker,) for one, gender in screenings])
    close = [(abs(gender.marker.value - one.marker) < 2,) for one, gender in screenings]
    yield figure(f"marker right or one off{suffix}", close)
    shown = [(gender.marker.value == one.marker,) for one, gender in screenings if gender.marker.suggested]
    yield figure(f"marker right where it is proposed{suffix}", shown)
    answers = [
        (each.answer, one.criteria.get(each.criterion)) for one, gender in screenings for each in gender.criteria
    ]
    yield figure(f"criteria answered right{suffix}", [(a == b,) for a, b in answers if a is not None])
    yield figure(f"criteria right, not stated too{suffix}", [(a == b,) for a, b in answers])
    themes = [(theme.suggested, theme.theme in one.themes) for one, gender in screenings for theme in gender.themes]
    yield figure(f"themes: precision{suffix}", [(right,) for suggested, right in themes if suggested])
    yield figure(f"themes: recall{suffix}", [(suggested,) for suggested, right in themes if right])
    if not suffix:
        for theme in THEMES:
            scores = [
                (next(t.confidence for t in g.themes if t.theme == theme), theme in s.themes) for s, g in screenings
            ]
            yield figure(f"theme {theme}: AUC", scores, lambda part: auc(part[:, 0], part[:, 1]))
        for number, criterion in enumerate(CRITERIA):
            right = [(g.criteria[number].answer == s.criteria.get(criterion),) for s, g in screenings]
            yield figure(f"criterion {criterion}: right", right)


def _aim(said: Sequence[tuple[Example, Any, float]], suffix: str) -> Figure:
    scored = [(aim, one.screening.marker > 0) for one, _, aim in said if one.screening]
    return figure(f"AUC of an aim{suffix}", scored, lambda part: auc(part[:, 0], part[:, 1]))


#: What is measured, by name: what it is, and how.
SETS: Final[dict[str, tuple[str, Callable[[Bench], Iterator[Figure]]]]] = {
    "everyday": (
        "340 English texts as a search for a goal brings them up, half of them right; mean over the goals",
        _everyday,
    ),
    "development": (
        "340 English texts, half of them made to mislead by their words; mean over the goals",
        _development,
    ),
    "targets": ("200 texts by somebody who had not seen the definitions", _targets),
    "evidence": ("60 texts of four passages of which one serves the goal", _evidence),
    "languages": ("40 texts in three languages", _languages),
    "framework": ("the official texts (--framework FILE), which are not trained on", _framework),
    "natural": ("own examples, each by a model that has not seen its group (it has seen the definitions)", _natural),
    "partners": (
        "100 projects of partners (--partners FILE), read and judged by hand at a city's natural rate",
        _partners,
    ),
    "gender": ("771 texts read for gender, each by a model that has not seen its author", _gender),
}
