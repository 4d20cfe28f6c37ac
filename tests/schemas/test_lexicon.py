"""The lexicon is whole, and says where it is not."""

from pathlib import Path

import pytest

from schemas import lexicon
from schemas.language import LANGUAGES
from schemas.lexicon import GOALS, OBJECTIVE, gender_terms, goal_terms
from schemas.vocabulary import load


def test_every_goal_and_every_theme_has_terms_in_three_languages() -> None:
    wanted = {(goal, language) for goal in GOALS for language in LANGUAGES}
    assert {(term.key, term.language) for term in goal_terms()} == wanted
    themes = [*(term.id for term in load("gender_themes").terms), OBJECTIVE]
    assert {(term.key, term.language) for term in gender_terms()} == {(t, one) for t in themes for one in LANGUAGES}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("de\tHaus\t1", "the language is en or es or fr, not 'de'"),
        ("en\thouse\t4", "the weight is 1, 2 or 3, not '4'"),
        ("en\thouse", "3 columns are expected, here are 2"),
        ("en\t*\t1", "is no term"),
        ("en\tho*se\t1", "is no term"),
    ],
)
def test_a_line_that_cannot_be_taken_is_named(tmp_path: Path, line: str, reason: str) -> None:
    path = tmp_path / "1.tsv"
    path.write_text(f"language\tterm\tweight\nen\tpoverty\t3\n{line}\n", "utf-8")
    with pytest.raises(ValueError, match=r"1\.tsv, line 3") as raised:
        list(lexicon._read(path, "1"))
    assert reason in str(raised.value)


def test_another_term_makes_another_digest() -> None:
    terms = goal_terms()
    assert lexicon.digest(terms) == lexicon.digest(tuple(reversed(terms)))
    assert lexicon.digest(terms) != lexicon.digest(terms[1:])
