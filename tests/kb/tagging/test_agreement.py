"""The agreement figures, against examples that were worked out by hand."""

import pytest

from kb.tagging.agreement import MACHINE, Figure, Read, alpha, figures, kappa


def _answers(table: dict[str, str]) -> list[tuple[str, str, str]]:
    """Person to answers, one character for each item; a dot where the person did not answer."""
    return [(who, f"{at:02}", answer) for who, row in table.items() for at, answer in enumerate(row) if answer != "."]


def test_cohen_s_kappa_of_a_table_of_two_by_two() -> None:
    # 20 both yes, 5 only the first, 10 only the second, 15 both no: observed .7, by chance .5 x .6 + .5 x .4 = .5.
    found = kappa(_answers({"ana": "y" * 25 + "n" * 25, "ben": "y" * 20 + "n" * 5 + "y" * 10 + "n" * 15}))
    assert found == pytest.approx((0.7 - 0.5) / 0.5)


def test_kappa_of_three_persons_is_the_mean_over_pairs_weighted_by_what_both_read() -> None:
    # ana and ben: all of ten equal, 1. With cat each shares four, half of them equal, half by chance: 0.
    table = {"ana": "yyyyynnnnn", "ben": "yyyyynnnnn", "cat": "yn.....yn."}
    assert kappa(_answers(table)) == pytest.approx(10 * 1 / 18)


def test_krippendorff_s_alpha_of_two_persons() -> None:
    # Ten items that differ on two. 20 answers, 8 of them yes: observed 4/20, expected 2 x 8 x 12 / (20 x 19).
    found = alpha(_answers({"ana": "yyynnnnnyn", "ben": "yyynnnnnny"}))
    assert found == pytest.approx(1 - (4 / 20) / (192 / 380))


def test_krippendorff_s_alpha_of_four_observers_with_gaps() -> None:
    # His own example of nominal data, which he works out to .743: of 40 answers on eleven items that two gave.
    table = {"a": "123321412...", "b": "1233224125.3", "c": ".3332342251.", "d": "12332441251."}
    assert alpha(_answers(table)) == pytest.approx(0.743, abs=0.0005)


def test_answers_that_are_all_the_same_have_no_figure() -> None:
    table = {"ana": "nnnnnnnnnnnn", "ben": "nnnnnnnnnnnn"}
    assert (kappa(_answers(table)), alpha(_answers(table))) == (None, None)
    assert (kappa([]), alpha([])) == (None, None)


def _read(record: int, person: str, *goals: str, language: str = "en", marker: int | None = 0) -> Read:
    return Read(f"r{record:02}", language, person, frozenset(goals), frozenset(), marker)  # type: ignore[arg-type]


def _of(found: tuple[Figure, ...], *names: str) -> Figure:
    return next(each for each in found if (each.scope, each.subject, each.of) == names)


def test_figures_are_told_by_goal_language_pair_and_machine() -> None:
    reads = [_read(at, who, "11" if at % 2 else "3", language="en" if at < 10 else "fr")
             for at in range(12) for who in ("ana", "ben")]  # fmt: skip
    reads.append(_read(12, "ana", "5"))  # read by nobody else
    machine = [_read(at, MACHINE, "11" if at % 2 else "4") for at in range(12)]
    found = figures(tuple(reads), tuple(machine))
    whole = _of(found, "all", "goals", "")
    assert (whole.records, whole.readings, whole.given, whole.same, whole.kappa, whole.alpha) == (12, 24, 24, 1, 1, 1)
    assert whole.word == "reliable"
    eleven = _of(found, "all", "goal", "11")
    assert (eleven.given, eleven.word) == (12, "reliable")
    assert _of(found, "all", "goal", "5").word == "same"  # given to none
    assert _of(found, "language", "goals", "fr").word == "few"
    assert _of(found, "pair", "goals", "ana ben").records == 12
    beside = _of(found, "machine", "goals", "")
    # Of 24 x 17 answers 24 differ: goals 3 and 4 of every other record, twice.
    assert (beside.records, beside.readings, beside.same) == (12, 48, pytest.approx(1 - 24 / (24 * 17)))
    assert beside.word == "weak"


def test_differences_that_chance_explains_are_weak() -> None:
    reads = [_read(at, "ana", *["11"] * (at % 2)) for at in range(20)]
    reads += [_read(at, "ben", *["11"] * (at // 2 % 2)) for at in range(20)]
    assert _of(figures(tuple(reads)), "all", "goal", "11").word == "weak"


def test_a_marker_that_cannot_be_told_is_an_answer_of_its_own() -> None:
    reads = [_read(at, "ana", marker=None) for at in range(10)] + [_read(at, "ben", marker=0) for at in range(10)]
    found = _of(figures(tuple(reads)), "all", "marker", "")
    assert (found.same, found.given, found.word) == (0, 10, "weak")


def test_without_readings_there_are_figures_of_nothing() -> None:
    assert {figure.word for figure in figures(())} == {"few"}
